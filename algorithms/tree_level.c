/* Counting the nodes of one depth, summing them over the ranks, and finding their questions. */
#include "algorithms/tree_level.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum status tree_level_reserve(struct tree_level *level, int64_t count, int64_t stats)
{
    enum status status = OK;
    if (count <= level->room) return OK;
    int64_t room = count < 2 * level->room ? 2 * level->room : count;
    TRY(memory_grow(&level->open, level->room, room, sizeof *level->open));
    TRY(memory_grow(&level->split, level->room, room, sizeof *level->split));
    TRY(memory_grow(&level->left, level->room * stats, room * stats, sizeof *level->left));
    level->room = room;
done:
    return status;
}

void tree_level_clear(struct tree_level *level)
{
    free(level->open);
    free(level->split);
    free(level->left);
    *level = (struct tree_level){0};
}

/* Room for a store's words, all 0. */
static enum status store_reserve(struct tree_store *store, int64_t words)
{
    if (words <= store->room) {
        memset(store->word, 0, (size_t)words * sizeof *store->word);
        return OK;
    }
    free(store->word);
    store->word = NULL;
    store->room = 0;
    enum status status = memory_new(&store->word, words, sizeof *store->word);
    if (status == OK) store->room = words;
    return status;
}

/* ---- the plan ---- */

/* The histogram's columns of a node. */
static const struct tree_columns *held(struct tree_grower *grower, int64_t first,
                                       const struct tree_open *open)
{
    if (grower->every) return &grower->all;
    return tree_grower_draw(grower, first + open->tree, open->path, open->attempt);
}

static int64_t words_of(struct tree_grower *grower, int64_t first, const struct tree_open *open)
{
    const struct tree_columns *columns = held(grower, first, open);
    return columns->start[columns->count] * tree_width(&grower->shape, open->packed);
}

/* Which siblings are counted; their words, and those of all. */
static void plan_pairs(struct tree_grower *grower, struct tree_level *level, int64_t *counted,
                       int64_t *all)
{
    int64_t bins = grower->all.start[grower->all.count];
    *counted = *all = 0;
    for (int64_t i = 0; i < level->count; i += 2) {
        struct tree_open *left = &level->open[i], *right = left + 1;
        left->counted = left->rows <= right->rows;
        right->counted = !left->counted;
        for (struct tree_open *open = left; open <= right; open++) {
            int64_t words = bins * tree_width(&grower->shape, open->packed);
            *counted += open->counted ? words : 0;
            *all += open->counted || open->wanted ? words : 0;
        }
    }
}

/* Places of a whole level: the counted nodes first, to be summed in one piece. */
static void place_pairs(struct tree_grower *grower, struct tree_level *level, int64_t counted)
{
    int64_t bins = grower->all.start[grower->all.count], at[2] = {counted, 0};
    for (int64_t i = 0; i < level->count; i++) {
        struct tree_open *open = &level->open[i];
        if (!open->counted && !open->wanted) continue;
        open->at = at[open->counted];
        at[open->counted] += bins * tree_width(&grower->shape, open->packed);
    }
}

/* Places of the wanted nodes from `from` on, all counted, as far as they fit; their words. */
static int64_t place_slice(struct tree_grower *grower, int64_t first, struct tree_level *level,
                           int64_t from, int64_t *to)
{
    int64_t words = 0;
    for (*to = from; *to < level->count; ++*to) {
        struct tree_open *open = &level->open[*to];
        open->counted = open->wanted;
        if (!open->wanted) continue;
        int64_t more = words_of(grower, first, open);
        if (words > 0 && words + more > TREE_STORE_WORDS) break;
        open->at = words;
        words += more;
    }
    return words;
}

/* ---- histograms ---- */

static void count_nodes(struct tree_grower *grower, int64_t first,
                        const struct tree_growing *growing, const struct tree_level *level,
                        int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) {
        const struct tree_open *open = &level->open[i];
        if (!open->counted) continue;
        const uint32_t *entry = growing[open->tree].list->entry + open->first;
        tree_histogram_add(grower->records, &grower->shape, held(grower, first, open), entry,
                           open->end - open->first, open->packed, grower->now.word + open->at,
                           grower->room);
    }
}

static void subtract_nodes(struct tree_grower *grower, const struct tree_level *level)
{
    int64_t bins = grower->all.start[grower->all.count];
    for (int64_t i = 0; i < level->count; i++) {
        const struct tree_open *open = &level->open[i], *sibling = &level->open[i ^ 1];
        if (open->counted || !open->wanted) continue;
        tree_histogram_subtract(&grower->shape, bins, grower->last.word + open->parent,
                                open->parent_packed, grower->now.word + sibling->at,
                                sibling->packed, grower->now.word + open->at, open->packed);
    }
}

/* The first column in the order of the draw in which rows differ; -1: none. */
static int32_t first_unlike(const struct tree_grower *grower, const struct tree_view *view)
{
    for (int64_t i = 0; i < view->asked->count; i++)
        if (!tree_split_alike(view, grower->shuffle[i])) return grower->shuffle[i];
    return -1;
}

/* The best question about the columns drawn; where rows are alike in all of them, about the first
 * column behind them in which they differ, if it is held. */
static void find_split(struct tree_grower *grower, int64_t tree, struct tree_open *open,
                       struct tree_view *view, struct tree_split *split)
{
    int64_t start[2];
    for (int32_t attempt = open->attempt;; attempt++) {
        view->asked = tree_grower_draw(grower, tree, open->path, attempt);
        view->held = grower->every ? &grower->all : view->asked;
        if (attempt == 0) tree_split_find(view, &grower->search, split);
        if (split->column >= 0 || grower->features == grower->all.count) return;
        int32_t column = first_unlike(grower, view);
        struct tree_columns one = {1, &column, start};
        view->asked = &one;
        if (attempt > 0 && column >= 0) tree_split_find(view, &grower->search, split);
        if (column >= 0 || !tree_grower_more(grower, attempt)) return;
        open->again = !grower->every;
        if (open->again) return;
    }
}

static void find_splits(struct tree_grower *grower, int64_t first,
                        const struct tree_growing *growing, struct tree_level *level, int64_t from,
                        int64_t to)
{
    int64_t stats = grower->shape.stats;
    for (int64_t i = from; i < to; i++) {
        struct tree_open *open = &level->open[i];
        struct tree_split *split = &level->split[i];
        *split = (struct tree_split){.column = -1, .left = level->left + i * stats};
        if (!open->wanted) continue;
        struct tree_view view = {.shape = &grower->shape,
                                 .histogram = grower->now.word + open->at,
                                 .packed = open->packed,
                                 .stats = growing[open->tree].stats + open->node * stats,
                                 .rows = open->rows,
                                 .min_rows = grower->opt->min_rows};
        find_split(grower, first + open->tree, open, &view, split);
    }
}

/* All nodes at once, the larger siblings by subtraction. */
static enum status search_pairs(const struct comm *comm, struct tree_grower *grower, int64_t first,
                                const struct tree_growing *growing, struct tree_level *level,
                                int64_t counted, int64_t all)
{
    enum status status = OK;
    place_pairs(grower, level, counted);
    TRY_ALL(comm, store_reserve(&grower->now, all));
    count_nodes(grower, first, growing, level, 0, level->count);
    comm_sum_int64(comm, grower->now.word, counted);
    subtract_nodes(grower, level);
    find_splits(grower, first, growing, level, 0, level->count);
    grower->now.whole = true;
done:
    return status;
}

/* Every node counted, as many at once as the memory meant for them holds. */
static enum status search_slices(const struct comm *comm, struct tree_grower *grower, int64_t first,
                                 const struct tree_growing *growing, struct tree_level *level)
{
    enum status status = OK;
    for (int64_t from = 0, to = 0; from < level->count; from = to) {
        int64_t words = place_slice(grower, first, level, from, &to);
        TRY_ALL(comm, store_reserve(&grower->now, words));
        count_nodes(grower, first, growing, level, from, to);
        comm_sum_int64(comm, grower->now.word, words);
        find_splits(grower, first, growing, level, from, to);
        grower->now.whole = grower->every && to - from == level->count;
    }
done:
    return status;
}

enum status tree_level_search(const struct comm *comm, struct tree_grower *grower, int64_t first,
                              const struct tree_growing *growing, struct tree_level *level)
{
    int64_t counted = 0, all = 0;
    struct tree_store swap = grower->last;
    grower->last = grower->now;
    grower->now = swap;
    grower->now.whole = false;
    bool root = level->open[0].path == 1;
    if (!root && grower->last.whole) {
        plan_pairs(grower, level, &counted, &all);
        if (all <= TREE_STORE_WORDS)
            return search_pairs(comm, grower, first, growing, level, counted, all);
    }
    return search_slices(comm, grower, first, growing, level);
}
