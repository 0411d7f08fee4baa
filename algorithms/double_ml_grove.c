/* Forests that predict the rows they did not see. */
#include "algorithms/double_ml_grove.h"

#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RATE 0.1       /* part of a small tree that is believed */
#define RARE_ROWS 10.0 /* rows of the overall mean that a level's mean is drawn towards */

static int64_t levels_of(const struct double_ml_data *data, int64_t j)
{
    return data->levels == NULL ? 0 : data->levels[j];
}

/* Bins of a category: one for each level, or for neighbours in order. */
static int64_t places_of(int64_t levels)
{
    return levels < BINS_MAX ? levels : BINS_MAX;
}

/* ---- bins ---- */

/* The edges of a column of numbers as found, or the middles between places of a category. */
static enum status set_edges(const struct double_ml_data *data, const struct bins *found,
                             struct bins *bins)
{
    enum status status = OK;
    int64_t columns = found->columns, room = found->start[columns];
    for (int64_t j = 0; j < columns; j++) room += places_of(levels_of(data, j));
    bins->columns = columns;
    TRY(memory_new(&bins->start, columns + 1, sizeof *bins->start));
    TRY(memory_new(&bins->edge, room, sizeof *bins->edge));
    TRY(memory_new(&bins->missing, columns, sizeof *bins->missing));
    for (int64_t j = 0; j < columns; j++) {
        bool category = levels_of(data, j) > 0;
        int64_t count = category ? places_of(levels_of(data, j)) - 1 : bins_count(found, j) - 1;
        float *edge = bins->edge + bins->start[j];
        for (int64_t b = 0; b < count; b++)
            edge[b] = category ? (float)b + 0.5f : found->edge[found->start[j] + b];
        bins->start[j + 1] = bins->start[j] + count;
        bins->missing[j] = category || found->missing[j];
    }
done:
    return status;
}

static enum status copy_controls(const struct double_ml_data *data, struct double_ml_grove *grove)
{
    enum status status = OK;
    const struct rows *from = &data->controls;
    int64_t rows = from->blocks->rows_local, columns = from->columns;
    TRY(memory_new(&grove->code, rows * columns, sizeof *grove->code));
    TRY(memory_new(&grove->x, rows * columns, sizeof *grove->x));
    for (int64_t i = 0; i < rows; i++)
        memcpy(grove->x + i * columns, from->x + i * from->stride,
               (size_t)columns * sizeof *grove->x);
done:
    return status;
}

enum status double_ml_grove_init(const struct comm *comm, const struct double_ml_data *data,
                                 struct double_ml_grove *grove)
{
    enum status status = OK;
    struct bins *found = NULL;
    struct rows rows = {data->controls.blocks, data->controls.columns, data->controls.columns,
                        NULL};
    *grove = (struct double_ml_grove){.data = data};
    TRY_ALL(comm, copy_controls(data, grove));
    rows.x = grove->x;
    TRY(bins_make(comm, &rows, data->skip, BINS_MAX, &found));
    TRY_ALL(comm, memory_new(&grove->bins, 1, sizeof *grove->bins));
    TRY_ALL(comm, set_edges(data, found, grove->bins));
    TRY_ALL(comm, bins_code(grove->bins, &rows, grove->code));
done:
    bins_free(&found);
    return status;
}

void double_ml_grove_clear(struct double_ml_grove *grove)
{
    bins_free(&grove->bins);
    free(grove->code);
    free(grove->x);
    *grove = (struct double_ml_grove){0};
}

/* ---- categories in order ---- */

struct level {
    double mean;
    int64_t rows;
    int64_t number;
};

/* By mean, levels without rows last, then by number. */
static int by_mean(const void *a, const void *b)
{
    const struct level *x = a, *y = b;
    if ((x->rows == 0) != (y->rows == 0)) return x->rows == 0 ? 1 : -1;
    if (x->mean != y->mean) return x->mean < y->mean ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* place[] of each level: 0 .. places - 1, or -1 without a row. */
static void order_levels(const struct exact_sums *sums, int64_t levels, struct level *level,
                         int32_t *place)
{
    double sum = 0, rows = 0;
    for (int64_t l = 0; l < levels; l++) {
        sum += exact_get(sums, 2 * l);
        rows += exact_get(sums, 2 * l + 1);
    }
    double mean = rows > 0 ? sum / rows : 0;
    for (int64_t l = 0; l < levels; l++) {
        double here = exact_get(sums, 2 * l + 1);
        level[l].mean = (exact_get(sums, 2 * l) + RARE_ROWS * mean) / (here + RARE_ROWS);
        level[l].rows = (int64_t)here;
        level[l].number = l;
    }
    qsort(level, (size_t)levels, sizeof *level, by_mean);
    for (int64_t r = 0; r < levels; r++)
        place[level[r].number] =
            level[r].rows == 0 ? -1 : (int32_t)(r * places_of(levels) / levels);
}

static void place_rows(struct double_ml_grove *grove, int64_t j, const int32_t *place)
{
    const struct rows *from = &grove->data->controls;
    int64_t rows = from->blocks->rows_local;
    uint8_t missing = (uint8_t)bins_count(grove->bins, j);
    for (int64_t i = 0; i < rows; i++) {
        float level = from->x[i * from->stride + j];
        int32_t at = isnan(level) ? -1 : place[(int64_t)level];
        grove->x[i * from->columns + j] = at < 0 ? NAN : (float)at;
        grove->code[j * rows + i] = at < 0 ? missing : (uint8_t)at;
    }
}

/* Put one category in order of y over the rows that are not skipped. */
static enum status order_category(const struct comm *comm, struct double_ml_grove *grove, int64_t j,
                                  const double *y, const uint8_t *skip)
{
    enum status status = OK;
    const struct rows *from = &grove->data->controls;
    int64_t levels = grove->data->levels[j];
    struct exact_sums sums = {0};
    struct level *level = NULL;
    int32_t *place = NULL;
    TRY_ALL(comm, exact_init(&sums, 2 * levels));
    TRY_ALL(comm, memory_new(&level, levels, sizeof *level));
    TRY_ALL(comm, memory_new(&place, levels, sizeof *place));
    for (int64_t i = 0; i < from->blocks->rows_local; i++) {
        float at = from->x[i * from->stride + j];
        if (skip[i] != 0 || isnan(at)) continue;
        const double both[2] = {y[i], 1.0};
        exact_add(&sums, 2 * (int64_t)at, both, 2);
    }
    TRY(exact_reduce(comm, &sums));
    order_levels(&sums, levels, level, place);
    place_rows(grove, j, place);
done:
    exact_clear(&sums);
    free(level);
    free(place);
    return status;
}

/* ---- growing and predicting ---- */

/* Tree by tree, so that one stays at hand while all rows pass. */
static void predict_held(const struct double_ml_grove *grove, const struct forest *forest,
                         const uint8_t *fold, uint8_t held, double *predict)
{
    const struct rows *from = &grove->data->controls;
    int64_t rows = from->blocks->rows_local;
    for (int64_t i = 0; i < rows; i++)
        if (fold[i] == held) predict[i] = 0;
    for (int64_t t = 0; t < forest->trees; t++) {
        const struct tree *tree = &forest->tree[t];
        for (int64_t i = 0; i < rows; i++)
            if (fold[i] == held)
                predict[i] += tree->value[tree_leaf(tree, grove->x + i * from->columns)];
    }
    for (int64_t i = 0; i < rows; i++)
        if (fold[i] == held) predict[i] /= (double)forest->trees;
}

/* Which rows a forest does not grow from; categories are put in the order of y over the others. */
static enum status prepare(const struct comm *comm, struct double_ml_grove *grove, const double *y,
                           const uint8_t *fold, uint8_t held, uint8_t **skip)
{
    enum status status = OK;
    const struct rows *from = &grove->data->controls;
    int64_t rows = from->blocks->rows_local;
    TRY_ALL(comm, memory_new(skip, rows, sizeof **skip));
    for (int64_t i = 0; i < rows; i++) (*skip)[i] = fold[i] == held || fold[i] == DOUBLE_ML_NO_FOLD;
    for (int64_t j = 0; j < from->columns; j++)
        if (levels_of(grove->data, j) > 0) TRY(order_category(comm, grove, j, y, *skip));
done:
    return status;
}

static struct forest_data data_of(const struct double_ml_grove *grove, const double *y,
                                  const uint8_t *skip)
{
    return (struct forest_data){.blocks = grove->data->controls.blocks,
                                .bins = grove->bins,
                                .code = grove->code,
                                .value = y,
                                .skip = skip};
}

enum status double_ml_grove_fit(const struct comm *comm, struct double_ml_grove *grove,
                                const struct forest_options *opt, const double *y,
                                const uint8_t *fold, uint8_t held, double *predict)
{
    enum status status = OK;
    struct forest *forest = NULL;
    uint8_t *skip = NULL;
    TRY(prepare(comm, grove, y, fold, held, &skip));
    struct forest_data data = data_of(grove, y, skip);
    TRY(forest_fit(comm, &data, opt, &forest));
    predict_held(grove, forest, fold, held, predict);
done:
    forest_free(&forest);
    free(skip);
    return status;
}

/* Take a part of a tree's predictions from what is left. */
static void take_step(const struct double_ml_grove *grove, const struct tree *tree,
                      const uint8_t *fold, double *y)
{
    const struct rows *from = &grove->data->controls;
    for (int64_t i = 0; i < from->blocks->rows_local; i++)
        if (fold[i] != DOUBLE_ML_NO_FOLD)
            y[i] -= RATE * tree->value[tree_leaf(tree, grove->x + i * from->columns)];
}

/* What the trees so far predict of the rows held, at this mark and the next ones, and how far off
 * they are. */
static enum status set_marks(const struct comm *comm, const struct double_ml_grove *grove,
                             const double *first, const double *y, const uint8_t *fold,
                             uint8_t held, int64_t at, float *mark, double *loss)
{
    enum status status = OK;
    int64_t rows = grove->data->controls.blocks->rows_local;
    struct exact_sums sum = {0};
    TRY_ALL(comm, exact_init(&sum, 1));
    for (int64_t i = 0; i < rows; i++) {
        if (fold[i] != held) continue;
        for (int64_t m = at; m < DOUBLE_ML_MARKS; m++)
            mark[m * rows + i] = (float)(first[i] - y[i]);
        exact_add_one(&sum, 0, y[i] * y[i]);
    }
    TRY(exact_reduce(comm, &sum));
    *loss = exact_get(&sum, 0);
done:
    exact_clear(&sum);
    return status;
}

static enum status boost(const struct comm *comm, struct double_ml_grove *grove,
                         const struct forest_data *data, const struct forest_options *opt,
                         const double *first, double *y, const uint8_t *fold, uint8_t held,
                         float *mark)
{
    enum status status = OK;
    struct forest *one = NULL;
    struct forest_options each = *opt;
    double last = INFINITY, loss = 0;
    int64_t grown = 0;
    each.trees = 1;
    for (int64_t m = 0; m < DOUBLE_ML_MARKS; m++, last = loss) {
        int64_t wanted = opt->trees >> (DOUBLE_ML_MARKS - 1 - m);
        for (; grown < wanted; grown++) {
            each.seed = opt->seed + (uint64_t)grown;
            TRY(forest_fit(comm, data, &each, &one));
            take_step(grove, &one->tree[0], fold, y);
            forest_free(&one);
        }
        TRY(set_marks(comm, grove, first, y, fold, held, m, mark, &loss));
        if (loss > last) break;
    }
done:
    forest_free(&one);
    return status;
}

enum status double_ml_grove_boost(const struct comm *comm, struct double_ml_grove *grove,
                                  const struct forest_options *opt, double *y, const uint8_t *fold,
                                  uint8_t held, float *mark)
{
    enum status status = OK;
    int64_t rows = grove->data->controls.blocks->rows_local;
    double *first = NULL;
    uint8_t *skip = NULL;
    TRY(prepare(comm, grove, y, fold, held, &skip));
    TRY_ALL(comm, memory_new(&first, rows, sizeof *first));
    for (int64_t i = 0; i < rows; i++) first[i] = y[i];
    struct forest_data data = data_of(grove, y, skip);
    TRY(boost(comm, grove, &data, opt, first, y, fold, held, mark));
done:
    free(first);
    free(skip);
    return status;
}
