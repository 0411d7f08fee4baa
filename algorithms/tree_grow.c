/* Trees from their roots to their leaves: the nodes of a depth are searched, cut, and make the next
 * depth. A node whose rows are alike in all columns drawn is searched again with the next ones. */
#include "algorithms/tree_grow.h"

#include "algorithms/tree_level.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- nodes ---- */

static enum status growing_reserve(struct tree_growing *tree, int64_t nodes, int64_t stats)
{
    enum status status = OK;
    if (nodes <= tree->room) return OK;
    int64_t room = nodes < 2 * tree->room ? 2 * tree->room : nodes;
    TRY(memory_grow(&tree->node, tree->room, room, sizeof *tree->node));
    TRY(memory_grow(&tree->stats, tree->room * stats, room * stats, sizeof *tree->stats));
    tree->room = room;
done:
    return status;
}

static void growing_clear(struct tree_growing *tree)
{
    free(tree->node);
    free(tree->stats);
}

/* More than one class, or perhaps more than one value. */
static bool mixed(const struct tree_grower *grower, const int64_t *stats, int64_t rows)
{
    for (int64_t k = 0; k < grower->shape.classes; k++)
        if (stats[k] == rows) return false;
    return true;
}

static int64_t depth_of(uint32_t path)
{
    int64_t depth = 0;
    while (path >> depth > 1) depth++;
    return depth;
}

/* A leaf of these statistics; its number. */
static int32_t add_leaf(const struct tree_grower *grower, struct tree_growing *tree,
                        const int64_t *stats)
{
    int64_t at = tree->nodes++, count = grower->shape.stats;
    memcpy(tree->stats + at * count, stats, (size_t)count * sizeof *stats);
    tree->node[at] =
        (struct tree_node){.feature = -1, .rows = tree_rows_of(stats, grower->shape.classes)};
    return (int32_t)at;
}

static void open_node(const struct tree_grower *grower, const struct tree_growing *growing,
                      struct tree_open open, struct tree_level *level)
{
    const struct tree_growing *tree = &growing[open.tree];
    open.rows = tree->node[open.node].rows;
    open.packed = open.rows <= TREE_PACKED_ROWS;
    open.wanted = open.rows / 2 >= grower->opt->min_rows &&
                  depth_of(open.path) < grower->opt->depth &&
                  mixed(grower, tree->stats + open.node * grower->shape.stats, open.rows);
    level->open[level->count++] = open;
}

/* ---- roots ---- */

static void measure_list(const struct tree_grower *grower, const struct tree_list *list,
                         int64_t *stats)
{
    for (int64_t i = 0; i < list->drawn; i++) {
        int64_t weight = list->entry[i] >> TREE_ROW_BITS;
        int32_t target =
            tree_record_target(tree_record(grower->records, list->entry[i] & TREE_ROW_MASK));
        if (grower->shape.classes > 0) {
            stats[target] += weight;
        } else {
            stats[0] += weight;
            stats[1] += weight * target;
        }
    }
}

static enum status plant_alloc(const struct tree_grower *grower, int64_t count,
                               struct tree_list *lists, struct tree_growing *growing,
                               struct tree_level *level, int64_t **stats)
{
    enum status status = OK;
    int64_t each = grower->shape.stats;
    TRY(memory_new(stats, count * each, sizeof **stats));
    TRY(tree_level_reserve(level, count, each));
    for (int64_t t = 0; t < count; t++) {
        growing[t].list = &lists[t];
        TRY(growing_reserve(&growing[t], 1, each));
        measure_list(grower, &lists[t], *stats + t * each);
    }
done:
    return status;
}

/* A root for each tree. */
static enum status plant(const struct comm *comm, const struct tree_grower *grower, int64_t count,
                         struct tree_list *lists, struct tree_growing *growing,
                         struct tree_level *level)
{
    enum status status = OK;
    int64_t *stats = NULL, each = grower->shape.stats;
    TRY_ALL(comm, plant_alloc(grower, count, lists, growing, level, &stats));
    comm_sum_int64(comm, stats, count * each);
    for (int64_t t = 0; t < count; t++) {
        int32_t root = add_leaf(grower, &growing[t], stats + t * each);
        struct tree_open open = {
            .tree = (int32_t)t, .node = root, .path = 1, .end = lists[t].drawn};
        open_node(grower, growing, open, level);
        if (!level->open[level->count - 1].wanted) level->count--;
    }
done:
    free(stats);
    return status;
}

/* ---- one depth ---- */

static bool worthwhile(const struct tree_grower *grower, const struct tree_split *split,
                       int64_t tree_rows, double *gain)
{
    double unit = grower->records->unit;
    *gain = split->gain * unit * unit / (double)tree_rows;
    return split->column >= 0 && *gain > grower->opt->min_gain;
}

/* Which codes of the split's column go left. */
static void set_sides(const struct tree_grower *grower, const struct tree_split *split,
                      uint8_t left[BINS_MAX + 1])
{
    int64_t missing = bins_count(grower->data->bins, split->column);
    for (int64_t b = 0; b <= BINS_MAX; b++) left[b] = b <= split->bin;
    left[missing] = split->missing_left;
}

static int64_t cut_rows(const struct tree_grower *grower, struct tree_list *list,
                        const struct tree_open *open, const struct tree_split *split)
{
    uint8_t left[BINS_MAX + 1];
    set_sides(grower, split, left);
    const uint8_t *code = grower->records->code + split->column * grower->records->rows;
    return tree_list_cut(list->entry, open->first, open->end, code, left, grower->cut_room);
}

/* Make two children of a node; right is work space. */
static void branch(const struct tree_grower *grower, struct tree_growing *growing,
                   const struct tree_open *open, const struct tree_split *split, int64_t *right,
                   struct tree_level *next)
{
    struct tree_growing *tree = &growing[open->tree];
    int64_t count = grower->shape.stats, middle = cut_rows(grower, tree->list, open, split);
    const int64_t *stats = tree->stats + open->node * count;
    for (int64_t s = 0; s < count; s++) right[s] = stats[s] - split->left[s];
    int32_t left = add_leaf(grower, tree, split->left);
    add_leaf(grower, tree, right);
    struct tree_node *node = &tree->node[open->node];
    node->feature = split->column;
    node->left = left;
    node->threshold = bins_edge(grower->data->bins, split->column, split->bin);
    node->bin = (uint8_t)split->bin;
    node->missing_left = split->missing_left;
    struct tree_open child = {.tree = open->tree,
                              .node = left,
                              .path = 2 * open->path,
                              .first = open->first,
                              .end = middle,
                              .parent = open->at,
                              .parent_packed = open->packed};
    open_node(grower, growing, child, next);
    child.node++, child.path++;
    child.first = middle, child.end = open->end;
    open_node(grower, growing, child, next);
}

/* Search a node again with the next columns. */
static enum status try_again(const struct tree_grower *grower, const struct tree_open *open,
                             struct tree_level *next)
{
    enum status status = tree_level_reserve(next, next->count + 1, grower->shape.stats);
    if (status != OK) return status;
    next->open[next->count] = *open;
    next->open[next->count].again = false;
    next->open[next->count++].attempt++;
    return OK;
}

/* Cut all nodes whose question is worthwhile; their children are the next level, with the nodes to
 * be searched again. A pair of which neither is wanted is left out. */
static enum status branch_all(const struct tree_grower *grower, struct tree_growing *growing,
                              const struct tree_level *level, struct tree_level *next)
{
    enum status status = OK;
    int64_t count = grower->shape.stats, *right = NULL;
    TRY(memory_new(&right, count, sizeof *right));
    next->count = 0;
    for (int64_t i = 0; i < level->count; i++) {
        const struct tree_open *open = &level->open[i];
        struct tree_growing *tree = &growing[open->tree];
        double gain = 0;
        if (open->again) TRY(try_again(grower, open, next));
        if (!worthwhile(grower, &level->split[i], tree->node->rows, &gain)) continue;
        TRY(growing_reserve(tree, tree->nodes + 2, count));
        TRY(tree_level_reserve(next, next->count + 2, count));
        tree->node[open->node].gain = gain;
        branch(grower, growing, open, &level->split[i], right, next);
        const struct tree_open *pair = &next->open[next->count - 2];
        if (!pair[0].wanted && !pair[1].wanted) next->count -= 2;
    }
done:
    free(right);
    return status;
}

/* ---- the trees ---- */

/* The nodes' values; the nodes change hands. */
static enum status finish(const struct tree_grower *grower, struct tree_growing *growing,
                          struct tree *tree)
{
    const struct tree_records *records = grower->records;
    int64_t count = grower->shape.stats, classes = grower->shape.classes;
    tree->outputs = classes > 0 ? classes : 1;
    enum status status =
        memory_new(&tree->value, growing->nodes * tree->outputs, sizeof *tree->value);
    if (status != OK) return status;
    tree->nodes = growing->nodes;
    tree->node = growing->node;
    growing->node = NULL;
    for (int64_t i = 0; i < tree->nodes; i++) {
        const int64_t *stats = growing->stats + i * count;
        double rows = (double)(tree->node[i].rows > 0 ? tree->node[i].rows : 1);
        for (int64_t k = 0; k < classes; k++)
            tree->value[i * classes + k] = (double)stats[k] / rows;
        if (classes == 0)
            tree->value[i] = records->offset + records->unit * ((double)stats[1] / rows);
    }
    return OK;
}

static enum status finish_all(const struct tree_grower *grower, int64_t count,
                              struct tree_growing *growing, struct tree *trees)
{
    enum status status = OK;
    for (int64_t t = 0; t < count; t++) TRY(finish(grower, &growing[t], &trees[t]));
done:
    return status;
}

static void swap_levels(struct tree_level *a, struct tree_level *b)
{
    struct tree_level swap = *a;
    *a = *b;
    *b = swap;
}

enum status tree_grow(const struct comm *comm, struct tree_grower *grower, int64_t first,
                      int64_t count, struct tree_list *lists, struct tree *trees)
{
    enum status status = OK;
    struct tree_growing *growing = NULL;
    struct tree_level level = {0}, next = {0};
    TRY_ALL(comm, memory_new(&growing, count, sizeof *growing));
    TRY(plant(comm, grower, count, lists, growing, &level));
    grower->now.whole = false;
    while (level.count > 0) {
        TRY(tree_level_search(comm, grower, first, growing, &level));
        TRY_ALL(comm, branch_all(grower, growing, &level, &next));
        swap_levels(&level, &next);
    }
    TRY_ALL(comm, finish_all(grower, count, growing, trees));
done:
    for (int64_t t = 0; growing != NULL && t < count; t++) growing_clear(&growing[t]);
    free(growing);
    tree_level_clear(&level);
    tree_level_clear(&next);
    return status;
}
