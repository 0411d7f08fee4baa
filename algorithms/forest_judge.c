/* Out-of-bag errors, and importance by redrawing columns.
 *
 * A redrawn column takes the place of a permuted one: each row gets the code of a row drawn at
 * random from all that are used, by a draw for (row, column) from the column's histogram. So no row
 * has to travel, and the figure does not depend on the ranks. */
#include "algorithms/forest_judge.h"

#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = BINS_MAX + 1, LANES = 8 };

/* ---- leaves ---- */

/* A node for a walk among codes. A leaf leads to itself. */
struct step {
    int32_t left;
    uint16_t column;
    uint8_t bin;     /* codes up to it go left, */
    uint8_t missing; /* and so does this one */
};

struct walk {
    int64_t depth;
    struct step *step; /* [nodes] */
};

static enum status walk_init(const struct tree *tree, const struct bins *bins, struct walk *walk)
{
    enum status status = OK;
    TRY(tree_depth(tree, &walk->depth));
    TRY(memory_new(&walk->step, tree->nodes, sizeof *walk->step));
    for (int64_t i = 0; i < tree->nodes; i++) {
        const struct tree_node *node = &tree->node[i];
        walk->step[i] = (struct step){.left = (int32_t)i, .bin = BINS_MAX, .missing = BINS_MAX};
        if (node->feature < 0) continue;
        int64_t missing = bins_count(bins, node->feature);
        walk->step[i] = (struct step){node->left, (uint16_t)node->feature, node->bin,
                                      node->missing_left ? (uint8_t)missing : node->bin};
    }
done:
    return status;
}

static void walk_clear(struct walk *walk)
{
    free(walk->step);
}

static inline int32_t follow(const struct step *step, uint8_t code)
{
    return step->left + !(code <= step->bin || code == step->missing);
}

/* Leaves of LANES rows at once, so that their accesses overlap. column: whose codes are those of
 * code[row] instead, -1: none */
static void walk_lanes(const struct walk *walk, const struct tree_records *records,
                       const uint32_t *entry, int64_t column, const uint8_t *code, int32_t *leaf)
{
    const uint8_t *codes[LANES];
    int32_t at[LANES] = {0};
    for (int l = 0; l < LANES; l++)
        codes[l] = tree_record(records, entry[l] & TREE_ROW_MASK) + TREE_TARGET_BYTES;
    for (int64_t d = 0; d < walk->depth; d++)
        for (int l = 0; l < LANES; l++) {
            const struct step *step = &walk->step[at[l]];
            uint8_t here = codes[l][step->column];
            if (step->column == column) here = code[entry[l] & TREE_ROW_MASK];
            at[l] = follow(step, here);
        }
    memcpy(leaf, at, sizeof at);
}

/* leaf[i] = leaf of entry i */
static void walk_all(const struct walk *walk, const struct tree_records *records,
                     const uint32_t *entry, int64_t count, int64_t column, const uint8_t *code,
                     int32_t *leaf)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        walk_lanes(walk, records, entry + i, column, code, leaf + i);
    for (; i < count; i++) {
        uint32_t some[LANES];
        int32_t found[LANES];
        for (int l = 0; l < LANES; l++) some[l] = entry[i];
        walk_lanes(walk, records, some, column, code, found);
        leaf[i] = found[0];
    }
}

/* ---- preparing ---- */

static bool used(const struct forest_judge *judge, int64_t row)
{
    return judge->data->skip == NULL || judge->data->skip[row] == 0;
}

static enum status allocate(struct forest_judge *judge)
{
    enum status status = OK;
    int64_t rows = judge->records->rows, columns = judge->records->columns;
    int64_t outputs = judge->data->classes > 0 ? judge->data->classes : 1;
    if (judge->opt->oob) {
        TRY(memory_new(&judge->sum, rows * outputs, sizeof *judge->sum));
        TRY(memory_new(&judge->trees, rows, sizeof *judge->trees));
    }
    if (judge->opt->oob || judge->opt->permutation)
        TRY(memory_new(&judge->leaf, rows, sizeof *judge->leaf));
    if (judge->opt->permutation) {
        TRY(memory_new(&judge->redrawn, rows, sizeof *judge->redrawn));
        TRY(memory_new(&judge->code, columns * rows, sizeof *judge->code));
    }
    TRY(exact_init(&judge->rise, columns));
done:
    return status;
}

/* share[j][b] = rows up to code b of column j. */
static void measure_shares(const struct comm *comm, const struct forest_judge *judge,
                           int64_t *share)
{
    int64_t rows = judge->records->rows, columns = judge->records->columns;
    for (int64_t j = 0; j < columns; j++)
        for (int64_t i = 0; i < rows; i++)
            if (used(judge, i)) share[j * ROOM + judge->data->code[j * rows + i]]++;
    comm_sum_int64(comm, share, columns * ROOM);
    for (int64_t j = 0; j < columns; j++)
        for (int64_t b = 1; b < ROOM; b++) share[j * ROOM + b] += share[j * ROOM + b - 1];
}

/* The first code with share > rank. */
static uint8_t code_at(const int64_t *share, int64_t rank)
{
    int64_t low = 0, high = ROOM - 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (share[middle] > rank)
            high = middle;
        else
            low = middle + 1;
    }
    return (uint8_t)low;
}

/* Give each row, in each column, the code of some row. */
static enum status redraw(const struct comm *comm, struct forest_judge *judge)
{
    enum status status = OK;
    int64_t rows = judge->records->rows, columns = judge->records->columns, *share = NULL;
    TRY_ALL(comm, memory_new(&share, columns * ROOM, sizeof *share));
    measure_shares(comm, judge, share);
    for (int64_t j = 0; j < columns; j++)
        for (int64_t i = 0; i < rows; i++) {
            uint64_t rank = random_below(judge->opt->seed, RANDOM_TREE_REDRAW,
                                         (uint64_t)(judge->data->blocks->row_first + i),
                                         (uint64_t)j, (uint64_t)share[j * ROOM + ROOM - 1]);
            judge->code[j * rows + i] = code_at(share + j * ROOM, (int64_t)rank);
        }
done:
    free(share);
    return status;
}

enum status forest_judge_init(const struct comm *comm, const struct forest_data *data,
                              const struct forest_options *opt, const struct tree_records *records,
                              struct forest_judge *judge)
{
    enum status status = OK;
    *judge = (struct forest_judge){.data = data, .opt = opt, .records = records};
    TRY_ALL(comm, allocate(judge));
    if (opt->permutation) TRY(redraw(comm, judge));
done:
    return status;
}

void forest_judge_clear(struct forest_judge *judge)
{
    free(judge->sum);
    free(judge->trees);
    free(judge->leaf);
    free(judge->redrawn);
    free(judge->code);
    exact_clear(&judge->rise);
    *judge = (struct forest_judge){0};
}

/* ---- one tree ---- */

/* A value in units of 2^30 integers, about half of the range, from its middle. */
static double scaled(const struct forest_judge *judge, double value)
{
    return (value - judge->records->offset) / judge->records->unit * 0x1p-30;
}

static void add_predictions(struct forest_judge *judge, const struct tree *tree,
                            const uint32_t *entry, int64_t count)
{
    int64_t outputs = tree->outputs;
    for (int64_t i = 0; i < count; i++) {
        int64_t row = entry[i] & TREE_ROW_MASK;
        judge->trees[row]++;
        const double *value = tree->value + judge->leaf[i] * outputs;
        for (int64_t k = 0; k < outputs; k++)
            judge->sum[row * outputs + k] +=
                (float)(judge->data->classes > 0 ? value[k] : scaled(judge, value[k]));
    }
}

/* Error of a leaf for a row: squared, of scaled values, or 1 for a wrong class. */
static double error_of(const struct forest_judge *judge, const struct tree *tree, int64_t row,
                       int32_t leaf)
{
    const double *value = tree->value + leaf * tree->outputs;
    if (judge->data->classes > 0)
        return forest_class(value, tree->outputs) != judge->data->label[row];
    double off = scaled(judge, judge->data->value[row]) - scaled(judge, value[0]);
    return off * off;
}

/* The rise of the errors by a redrawn column, added up block by block. */
static void add_rise(struct forest_judge *judge, const struct tree *tree, int64_t column,
                     const uint32_t *entry, int64_t count)
{
    const struct blocks *blocks = judge->data->blocks;
    double partial = 0;
    int64_t block = 0;
    for (int64_t i = count; i-- > 0;) { /* rows rise */
        int64_t row = entry[i] & TREE_ROW_MASK;
        if (row >= blocks->start[block + 1]) {
            exact_add_one(&judge->rise, column, partial);
            partial = 0;
            while (row >= blocks->start[block + 1]) block++;
        }
        if (judge->leaf[i] == judge->redrawn[i]) continue;
        partial += error_of(judge, tree, row, judge->redrawn[i]) -
                   error_of(judge, tree, row, judge->leaf[i]);
    }
    exact_add_one(&judge->rise, column, partial);
}

static enum status redraw_columns(struct forest_judge *judge, const struct tree *tree,
                                  const struct walk *walk, const uint32_t *entry, int64_t count)
{
    uint8_t *asked = NULL;
    int64_t columns = judge->records->columns;
    enum status status = memory_new(&asked, columns, sizeof *asked);
    if (status != OK) return status;
    for (int64_t i = 0; i < tree->nodes; i++)
        if (tree->node[i].feature >= 0) asked[tree->node[i].feature] = 1;
    for (int64_t j = 0; j < columns; j++) {
        if (asked[j] == 0) continue;
        walk_all(walk, judge->records, entry, count, j, judge->code + j * judge->records->rows,
                 judge->redrawn);
        add_rise(judge, tree, j, entry, count);
    }
    free(asked);
    return OK;
}

/* The rows a tree is judged on, in falling order: those it did not draw, or all. */
static const uint32_t *judged_rows(const struct forest_judge *judge, struct tree_list *list)
{
    int64_t rows = judge->records->rows;
    bool drawn = judge->opt->bootstrap || judge->opt->share > 0.0;
    for (int64_t i = 0; i < rows && !drawn; i++)
        if (used(judge, i)) list->entry[rows - ++list->left_out] = (uint32_t)i;
    return list->entry + rows - list->left_out;
}

enum status forest_judge_add(struct forest_judge *judge, const struct tree *tree,
                             struct tree_list *list)
{
    enum status status = OK;
    struct walk walk = {0};
    if (judge->leaf == NULL) return OK;
    const uint32_t *entry = judged_rows(judge, list);
    int64_t count = list->left_out;
    TRY(walk_init(tree, judge->data->bins, &walk));
    walk_all(&walk, judge->records, entry, count, -1, NULL, judge->leaf);
    if (judge->opt->oob) add_predictions(judge, tree, entry, count);
    if (judge->opt->permutation) TRY(redraw_columns(judge, tree, &walk, entry, count));
    judge->judged += count;
done:
    walk_clear(&walk);
    return status;
}

/* ---- the figures ---- */

/* The prediction for a row by the trees that left it out, against its target. */
static double oob_error(const struct forest_judge *judge, int64_t row)
{
    int64_t classes = judge->data->classes;
    if (classes > 0) {
        const float *sum = judge->sum + row * classes;
        int32_t best = 0;
        for (int32_t k = 1; k < classes; k++)
            if (sum[k] > sum[best]) best = k;
        return best != judge->data->label[row];
    }
    double mean = (double)judge->sum[row] / judge->trees[row];
    double off = scaled(judge, judge->data->value[row]) - mean;
    return off * off;
}

static enum status judge_rows(const struct comm *comm, const struct forest_judge *judge,
                              struct forest *forest)
{
    enum status status = OK;
    struct exact_sums sum = {0};
    const struct blocks *blocks = judge->data->blocks;
    TRY_ALL(comm, exact_init(&sum, 1));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        double partial = 0;
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++) {
            if (judge->trees[i] == 0) continue;
            partial += oob_error(judge, i);
            forest->oob_rows++;
        }
        exact_add_one(&sum, 0, partial);
    }
    TRY(exact_reduce(comm, &sum));
    comm_sum_int64(comm, &forest->oob_rows, 1);
    double mean = exact_get(&sum, 0) / (double)forest->oob_rows;
    if (forest->oob_rows > 0 && judge->data->classes > 0) forest->oob_accuracy = 1.0 - mean;
    if (forest->oob_rows > 0 && judge->data->classes == 0)
        forest->oob_rmse = sqrt(mean) * judge->records->unit * 0x1p30;
done:
    exact_clear(&sum);
    return status;
}

enum status forest_judge_end(const struct comm *comm, struct forest_judge *judge,
                             struct forest *forest)
{
    enum status status = OK;
    double unit = judge->data->classes > 0 ? 1.0 : judge->records->unit * 0x1p30;
    if (judge->opt->oob) TRY(judge_rows(comm, judge, forest));
    if (!judge->opt->permutation) goto done;
    comm_sum_int64(comm, &judge->judged, 1);
    TRY(exact_reduce(comm, &judge->rise));
    for (int64_t j = 0; j < forest->columns && judge->judged > 0; j++)
        forest->permutation[j] = exact_get(&judge->rise, j) * unit * unit / (double)judge->judged;
done:
    return status;
}
