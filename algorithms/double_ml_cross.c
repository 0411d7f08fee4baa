/* Cross-fitting: for every fold each learner is fitted to the others and predicts it. */
#include "algorithms/double_ml_cross.h"

#include "algorithms/double_ml_stack.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum {
    FEATURES_SURE = 20, /* columns that are asked about at each node however few there are */
    KNOTS_MAX = 7,
    KNOT_ROWS = 40,       /* rows for each column of bent lines, at least */
    KNOT_CELLS = 1 << 27, /* of bent lines over all ranks, at most */
    BOOST_DEPTH = 3
};

static enum status cross_alloc(struct double_ml_cross *cross)
{
    enum status status = OK;
    int64_t rows = cross->data->controls.blocks->rows_local;
    TRY(memory_new(&cross->training, rows, sizeof *cross->training));
    TRY(memory_new(&cross->straight, rows, sizeof *cross->straight));
    TRY(memory_new(&cross->left, rows, sizeof *cross->left));
    TRY(memory_new(&cross->predict, rows * DOUBLE_ML_LEARNERS, sizeof *cross->predict));
done:
    return status;
}

/* As many as rows and memory allow. */
static int64_t knots_for(const struct double_ml_data *data)
{
    int64_t rows = data->controls.blocks->rows_total, columns = data->controls.columns;
    int64_t most = rows / (KNOT_ROWS * columns), room = KNOT_CELLS / (rows * columns);
    if (room < most) most = room;
    return most < 2 ? 0 : most > KNOTS_MAX ? KNOTS_MAX : most - 1;
}

enum status double_ml_cross_init(const struct comm *comm, const struct double_ml_data *data,
                                 const struct double_ml_options *opt, const uint8_t *fold,
                                 const double *weight, struct double_ml_cross *cross)
{
    enum status status = OK;
    *cross = (struct double_ml_cross){.data = data, .opt = opt, .fold = fold, .weight = weight};
    TRY(double_ml_line_init(comm, data, !opt->forest, 0, &cross->line));
    if (opt->forest) {
        cross->knots = knots_for(data);
        TRY(double_ml_line_init(comm, data, false, cross->knots, &cross->bent));
        TRY(double_ml_grove_init(comm, data, &cross->grove));
    }
    TRY_ALL(comm, cross_alloc(cross));
done:
    return status;
}

void double_ml_cross_clear(struct double_ml_cross *cross)
{
    double_ml_line_clear(&cross->line);
    double_ml_line_clear(&cross->bent);
    double_ml_grove_clear(&cross->grove);
    free(cross->training);
    free(cross->straight);
    free(cross->left);
    free(cross->predict);
    *cross = (struct double_ml_cross){0};
}

/* A root of the columns beside the sure ones: forests of few columns ask about all. */
static struct forest_options forest_options_of(const struct double_ml_cross *cross, int64_t number)
{
    const struct double_ml_options *opt = cross->opt;
    int64_t columns = cross->data->controls.columns;
    int64_t features = (int64_t)sqrt((double)columns) + FEATURES_SURE;
    return (struct forest_options){.trees = opt->trees,
                                   .depth = opt->depth,
                                   .min_rows = opt->min_rows,
                                   .features = features < columns ? features : 0,
                                   .bootstrap = true,
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

/* Fit to all folds but one, and predict that one. */
static enum status fit_fold(const struct comm *comm, struct double_ml_cross *cross, const double *y,
                            int64_t number, uint8_t held)
{
    enum status status = OK;
    int64_t rows = cross->data->controls.blocks->rows_local;
    for (int64_t i = 0; i < rows; i++)
        cross->training[i] = cross->fold[i] == held ? 0.0 : cross->weight[i];
    TRY(double_ml_line_fit(comm, &cross->line, y, cross->training, cross->straight));
    keep_held(cross, cross->straight, held, LEARNER_LINE);
    if (!cross->opt->forest) goto done;
    TRY(double_ml_line_fit(comm, &cross->bent, y, cross->training, cross->straight));
    keep_held(cross, cross->straight, held, LEARNER_BENT);
    keep_held(cross, cross->straight, held, LEARNER_BOOST);
    for (int64_t i = 0; i < rows; i++)
        cross->left[i] = cross->weight[i] > 0.0 ? y[i] - cross->straight[i] : 0;
    struct forest_options opt = forest_options_of(cross, number);
    TRY(double_ml_grove_fit(comm, &cross->grove, &opt, y, cross->fold, held,
                            cross->predict + LEARNER_FOREST * rows));
    opt.depth = BOOST_DEPTH;
    opt.trees = cross->opt->boosted;
    opt.bootstrap = false;
    TRY(double_ml_grove_boost(comm, &cross->grove, &opt, cross->left, cross->fold, held,
                              cross->predict + LEARNER_BOOST * rows));
done:
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
    int64_t folds = cross->opt->folds;
    for (int64_t k = 0; k < folds; k++) {
        TRY(fit_fold(comm, cross, y, target * folds + k, (uint8_t)k));
        log_progress("folds", target * folds + k + 1, 2 * folds);
    }
    TRY(double_ml_stack(comm, &stack, rest, nuisance));
done:
    return status;
}
