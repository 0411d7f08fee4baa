/* Forests that predict the rows they did not see. */
#include "algorithms/double_ml_grove.h"

#include "mpi/exact.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TREES_OF_SAMPLE = 4 /* that grow from the same rows */ };

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

/* ---- boosting ---- */

/* The rows that the next trees grow from, packed, so that a tree costs no more than these. */
struct sample {
    struct blocks blocks; /* rows_local of them; nothing depends on where they are cut */
    int64_t *row;         /* [rows_local] */
    uint8_t *code;        /* [columns][rows_local] */
    double *left;         /* [rows_local] */
};

static enum status sample_init(const struct double_ml_grove *grove, struct sample *s)
{
    enum status status = OK;
    int64_t rows = grove->data->controls.blocks->rows_local;
    TRY(memory_new(&s->row, rows, sizeof *s->row));
    TRY(memory_new(&s->code, rows * grove->data->controls.columns, sizeof *s->code));
    TRY(memory_new(&s->left, rows, sizeof *s->left));
done:
    return status;
}

static void sample_clear(struct sample *s)
{
    free(s->row);
    free(s->code);
    free(s->left);
}

/* Each row that is not skipped with the chance opt->share. */
static void sample_draw(const struct double_ml_grove *grove, const struct forest_options *opt,
                        const uint8_t *skip, int64_t tree, struct sample *s)
{
    const struct blocks *all = grove->data->controls.blocks;
    int64_t count = 0, columns = grove->data->controls.columns;
    for (int64_t i = 0; i < all->rows_local; i++)
        if (skip[i] == 0 &&
            random_uniform(opt->seed, RANDOM_TREE_ROWS, (uint64_t)(all->row_first + i),
                           (uint64_t)tree) < opt->share)
            s->row[count++] = i;
    for (int64_t j = 0; j < columns; j++)
        for (int64_t i = 0; i < count; i++)
            s->code[j * count + i] = grove->code[j * all->rows_local + s->row[i]];
    s->blocks = *all;
    s->blocks.rows_local = count;
}

static double step_of(const struct double_ml_grove *grove, const struct tree *tree, int64_t row)
{
    return RATE * tree->value[tree_leaf(tree, grove->x + row * grove->data->controls.columns)];
}

/* Grow trees from one sample, each on what those before left of it. */
static enum status grow_few(const struct comm *comm, const struct double_ml_grove *grove,
                            const struct forest_options *opt, int64_t first, int64_t trees,
                            const double *y, struct sample *s, struct forest **grown)
{
    enum status status = OK;
    struct forest_options each = *opt;
    struct forest_data data = {
        .blocks = &s->blocks, .bins = grove->bins, .code = s->code, .value = s->left};
    for (int64_t i = 0; i < s->blocks.rows_local; i++) s->left[i] = y[s->row[i]];
    each.trees = 1;
    each.share = 0.0;
    for (int64_t t = 0; t < trees; t++) {
        each.seed = opt->seed + (uint64_t)(first + t);
        TRY(forest_fit(comm, &data, &each, &grown[t]));
        for (int64_t i = 0; i < s->blocks.rows_local && t + 1 < trees; i++)
            s->left[i] -= step_of(grove, &grown[t]->tree[0], s->row[i]);
    }
done:
    return status;
}

/* Take the trees' predictions from what is left of all rows. */
static void take_steps(const struct double_ml_grove *grove, struct forest *const *grown,
                       int64_t trees, const uint8_t *fold, double *y)
{
    for (int64_t i = 0; i < grove->data->controls.blocks->rows_local; i++)
        for (int64_t t = 0; t < trees && fold[i] != DOUBLE_ML_NO_FOLD; t++)
            y[i] -= step_of(grove, &grown[t]->tree[0], i);
}

/* Go on from so many trees to `wanted`. */
static enum status grow_to(const struct comm *comm, const struct double_ml_grove *grove,
                           const struct forest_options *opt, const uint8_t *skip,
                           const uint8_t *fold, int64_t wanted, int64_t *trees, struct sample *s,
                           double *y)
{
    enum status status = OK;
    struct forest *grown[TREES_OF_SAMPLE] = {NULL};
    while (*trees < wanted) {
        int64_t count = wanted - *trees < TREES_OF_SAMPLE ? wanted - *trees : TREES_OF_SAMPLE;
        sample_draw(grove, opt, skip, *trees, s);
        TRY(grow_few(comm, grove, opt, *trees, count, y, s, grown));
        take_steps(grove, grown, count, fold, y);
        for (int64_t t = 0; t < count; t++) forest_free(&grown[t]);
        *trees += count;
    }
done:
    for (int64_t t = 0; t < TREES_OF_SAMPLE; t++) forest_free(&grown[t]);
    return status;
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

enum status double_ml_grove_boost(const struct comm *comm, struct double_ml_grove *grove,
                                  const struct forest_options *opt, double *y, const uint8_t *fold,
                                  uint8_t held, float *mark)
{
    enum status status = OK;
    int64_t rows = grove->data->controls.blocks->rows_local, trees = 0;
    struct sample sample = {0};
    double *first = NULL, last = INFINITY, loss = 0;
    uint8_t *skip = NULL;
    TRY(prepare(comm, grove, y, fold, held, &skip));
    TRY_ALL(comm, sample_init(grove, &sample));
    TRY_ALL(comm, memory_new(&first, rows, sizeof *first));
    for (int64_t i = 0; i < rows; i++) first[i] = y[i];
    for (int64_t m = 0; m < DOUBLE_ML_MARKS && loss <= last; m++) {
        if (m > 0) last = loss;
        int64_t wanted = opt->trees >> (DOUBLE_ML_MARKS - 1 - m);
        TRY(grow_to(comm, grove, opt, skip, fold, wanted, &trees, &sample, y));
        TRY(set_marks(comm, grove, first, y, fold, held, m, mark, &loss));
    }
done:
    sample_clear(&sample);
    free(first);
    free(skip);
    return status;
}
