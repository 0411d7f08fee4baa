/* Cross-fitting: for every fold each learner is fitted to the others and predicts it. */
#include "algorithms/double_ml_cross.h"

#include "algorithms/double_ml_stack.h"
#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum {
    FEATURES_SURE = 20, /* columns that are asked about at each node however few there are */
    KNOTS_MAX = 12,
    KNOT_ROWS = 30, /* rows for each column of bent lines, at least */
    FINE_KNOTS_MAX = 3,
    FINE_ROWS = 30,       /* the same where products are among the columns */
    KNOT_CELLS = 1 << 27, /* of bent lines over all ranks, at most */
    FINE_CELLS = 1 << 26,
    SHALLOW_DEPTH = 4,
    SHALLOW_SEED = 500009,
    STEPS_DEPTH = 1,
    BOOST_DEPTH = 3,
    LEAF_PART = 40,     /* of a boosted tree's rows, at least, in a leaf: small ones chase noise */
    SHARED_ROWS = 100,  /* with fewer all grow all boosted trees: a draw might be of none */
    GROWN_ROWS = 100000 /* of a tree, about, at most */
};

#define BOOST_SHARE 0.5 /* of the rows for each boosted tree, at most */

enum { MARK_STEPS, MARK_BOOST };

static enum status cross_alloc(struct double_ml_cross *cross)
{
    enum status status = OK;
    int64_t rows = cross->data->controls.blocks->rows_local;
    TRY(memory_new(&cross->training, rows, sizeof *cross->training));
    TRY(memory_new(&cross->straight, rows, sizeof *cross->straight));
    TRY(memory_new(&cross->left, rows, sizeof *cross->left));
    TRY(memory_new(&cross->predict, rows * DOUBLE_ML_LEARNERS, sizeof *cross->predict));
    for (int k = 0; k < 2 && cross->opt->forest; k++)
        TRY(memory_new(&cross->mark[k], rows * DOUBLE_ML_MARKS, sizeof *cross->mark[k]));
done:
    return status;
}

/* Columns that rows and memory allow: one for so many rows. */
static int64_t columns_for(const struct double_ml_data *data, int64_t rows_each, int64_t cells)
{
    int64_t rows = data->controls.blocks->rows_total, most = rows / rows_each;
    return most < cells / rows ? most : cells / rows;
}

/* As many for each number as there is room; -1 if not even for none. */
static int64_t knots_for(int64_t room, int64_t numbers, int64_t most)
{
    int64_t each = numbers > 0 ? room / numbers : 0;
    return each - 1 < most ? each - 1 : most;
}

static enum status init_lines(const struct comm *comm, struct double_ml_cross *cross)
{
    enum status status = OK;
    const struct double_ml_data *data = cross->data;
    int64_t numbers = double_ml_line_numbers(data), pairs = numbers * (numbers - 1) / 2;
    int64_t room = columns_for(data, KNOT_ROWS, KNOT_CELLS);
    int64_t knots = knots_for(room, data->controls.columns, KNOTS_MAX);
    TRY(double_ml_line_init(comm, data, !cross->opt->forest, 0, false, &cross->line));
    if (!cross->opt->forest) goto done;
    TRY(double_ml_line_init(comm, data, false, knots > 0 ? knots : 0, false, &cross->bent));
    room = columns_for(data, FINE_ROWS, FINE_CELLS) - pairs;
    knots = knots_for(room, numbers, FINE_KNOTS_MAX);
    cross->with_products = pairs > 0 && knots >= 0;
    if (cross->with_products)
        TRY(double_ml_line_init(comm, data, false, knots, true, &cross->products));
done:
    return status;
}

static int64_t growing_rows(const struct comm *comm, const struct double_ml_cross *cross)
{
    int64_t rows = 0;
    for (int64_t i = 0; i < cross->data->controls.blocks->rows_local; i++)
        rows += cross->weight[i] > 0.0;
    comm_sum_int64(comm, &rows, 1);
    return rows - rows / cross->opt->folds;
}

enum status double_ml_cross_init(const struct comm *comm, const struct double_ml_data *data,
                                 const struct double_ml_options *opt, const uint8_t *fold,
                                 const double *weight, struct double_ml_cross *cross)
{
    enum status status = OK;
    *cross = (struct double_ml_cross){.data = data, .opt = opt, .fold = fold, .weight = weight};
    cross->growing = growing_rows(comm, cross);
    TRY(init_lines(comm, cross));
    if (opt->forest) TRY(double_ml_grove_init(comm, data, &cross->grove));
    TRY_ALL(comm, cross_alloc(cross));
done:
    return status;
}

void double_ml_cross_clear(struct double_ml_cross *cross)
{
    double_ml_line_clear(&cross->line);
    double_ml_line_clear(&cross->bent);
    double_ml_line_clear(&cross->products);
    double_ml_grove_clear(&cross->grove);
    free(cross->training);
    free(cross->straight);
    free(cross->left);
    free(cross->predict);
    for (int k = 0; k < 2; k++) free(cross->mark[k]);
    *cross = (struct double_ml_cross){0};
}

/* A root of the columns beside the sure ones: forests of few columns ask about all. */
static struct forest_options forest_options_of(const struct double_ml_cross *cross, int64_t number)
{
    const struct double_ml_options *opt = cross->opt;
    int64_t columns = cross->data->controls.columns;
    int64_t features = (int64_t)sqrt((double)columns) + FEATURES_SURE;
    bool few = cross->growing <= GROWN_ROWS;
    return (struct forest_options){.trees = opt->trees,
                                   .depth = opt->depth,
                                   .min_rows = opt->min_rows,
                                   .features = features < columns ? features : 0,
                                   .bootstrap = few,
                                   .share = few ? 0.0 : GROWN_ROWS / (double)cross->growing,
                                   .seed = opt->seed + 1000003 * ((uint64_t)number + 1)};
}

static void keep_held(struct double_ml_cross *cross, const double *predicted, uint8_t held,
                      enum double_ml_learner learner)
{
    int64_t rows = cross->data->controls.blocks->rows_local;
    double *keep = cross->predict + learner * rows;
    for (int64_t i = 0; i < rows; i++)
        if (cross->fold[i] == held) keep[i] = predicted[i];
}

/* Small trees on what the last least squares left. */
static enum status boost_fold(const struct comm *comm, struct double_ml_cross *cross,
                              const double *y, int64_t number, uint8_t held, int which)
{
    int64_t rows = cross->data->controls.blocks->rows_local;
    struct forest_options opt = forest_options_of(cross, number + (which + 1) * 1000);
    for (int64_t i = 0; i < rows; i++)
        cross->left[i] = cross->weight[i] > 0.0 ? y[i] - cross->straight[i] : 0;
    opt.depth = which == MARK_STEPS ? STEPS_DEPTH : BOOST_DEPTH;
    opt.trees = cross->opt->boosted;
    opt.bootstrap = false;
    opt.share =
        cross->growing < SHARED_ROWS ? 1.0 : fmin(BOOST_SHARE, GROWN_ROWS / (double)cross->growing);
    return double_ml_grove_boost(comm, &cross->grove, &opt, cross->left, cross->fold, held,
                                 cross->mark[which]);
}

/* Fit lines to all folds but one, and predict that one; trees are boosted on what they leave. Where
 * bent lines are too nearly dependent to be solved for, those before them stand in. */
static enum status fit_line(const struct comm *comm, struct double_ml_cross *cross, const double *y,
                            uint8_t held, struct double_ml_line *line,
                            enum double_ml_learner learner)
{
    enum status status = double_ml_line_fit(comm, line, y, cross->training, cross->straight);
    if (status == ERR_NUMERIC && learner != LEARNER_LINE) status = OK;
    if (status == OK) keep_held(cross, cross->straight, held, learner);
    return status;
}

/* Fit to all folds but one, and predict that one. */
static enum status fit_fold(const struct comm *comm, struct double_ml_cross *cross, const double *y,
                            int64_t number, uint8_t held)
{
    enum status status = OK;
    int64_t rows = cross->data->controls.blocks->rows_local;
    for (int64_t i = 0; i < rows; i++)
        cross->training[i] = cross->fold[i] == held ? 0.0 : cross->weight[i];
    TRY(fit_line(comm, cross, y, held, &cross->line, LEARNER_LINE));
    if (!cross->opt->forest) goto done;
    keep_held(cross, cross->straight, held, LEARNER_STEPS);
    TRY(boost_fold(comm, cross, y, number, held, MARK_STEPS));
    TRY(fit_line(comm, cross, y, held, &cross->bent, LEARNER_BENT));
    if (cross->with_products)
        TRY(fit_line(comm, cross, y, held, &cross->products, LEARNER_PRODUCTS));
    keep_held(cross, cross->straight, held, LEARNER_BOOST);
    TRY(boost_fold(comm, cross, y, number, held, MARK_BOOST));
    struct forest_options opt = forest_options_of(cross, number);
    TRY(double_ml_grove_fit(comm, &cross->grove, &opt, y, cross->fold, held,
                            cross->predict + LEARNER_FOREST * rows));
    if (opt.depth > SHALLOW_DEPTH) opt.depth = SHALLOW_DEPTH;
    opt.seed += SHALLOW_SEED;
    TRY(double_ml_grove_fit(comm, &cross->grove, &opt, y, cross->fold, held,
                            cross->predict + LEARNER_SHALLOW * rows));
done:
    return status;
}

/* Add the trees up to the mark that predicts best, over all folds. */
static enum status add_best_mark(const struct comm *comm, struct double_ml_cross *cross,
                                 const double *y, const float *mark, double *predict)
{
    enum status status = OK;
    int64_t rows = cross->data->controls.blocks->rows_local, best = 0;
    struct exact_sums sums = {0};
    TRY_ALL(comm, exact_init(&sums, DOUBLE_ML_MARKS));
    for (int64_t i = 0; i < rows; i++)
        for (int64_t m = 0; m < DOUBLE_ML_MARKS && cross->weight[i] > 0.0; m++) {
            double off = y[i] - predict[i] - (double)mark[m * rows + i];
            exact_add_one(&sums, m, off * off);
        }
    TRY(exact_reduce(comm, &sums));
    for (int64_t m = 1; m < DOUBLE_ML_MARKS; m++)
        if (exact_get(&sums, m) < exact_get(&sums, best)) best = m;
    for (int64_t i = 0; i < rows; i++) predict[i] += (double)mark[best * rows + i];
done:
    exact_clear(&sums);
    return status;
}

enum status double_ml_cross_fit(const struct comm *comm, struct double_ml_cross *cross,
                                const double *y, int64_t target, double *rest,
                                struct double_ml_nuisance *nuisance)
{
    enum status status = OK;
    struct double_ml_stack stack = {.blocks = cross->data->controls.blocks,
                                    .learners = cross->opt->forest ? DOUBLE_ML_LEARNERS : 1,
                                    .predict = cross->predict,
                                    .y = y,
                                    .weight = cross->weight};
    int64_t folds = cross->opt->folds, rows = stack.blocks->rows_local;
    for (int64_t k = 0; k < folds; k++) {
        TRY(fit_fold(comm, cross, y, target * folds + k, (uint8_t)k));
        log_progress("folds", target * folds + k + 1, 2 * folds);
    }
    for (int k = 0; k < 2 && cross->opt->forest; k++)
        TRY(add_best_mark(comm, cross, y, cross->mark[k],
                          cross->predict +
                              (k == MARK_STEPS ? LEARNER_STEPS : LEARNER_BOOST) * rows));
    TRY(double_ml_stack(comm, &stack, rest, nuisance));
done:
    return status;
}
