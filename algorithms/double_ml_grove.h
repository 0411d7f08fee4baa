/**
 * Forests on controls as they come: categories are put in order of the target for each forest.
 *
 * Levels stand in order of the target's mean over the rows grown from, drawn towards the mean of
 * all where they have few rows; levels without a row count as missing.
 */
#ifndef REMISE_ALGORITHMS_DOUBLE_ML_GROVE_H
#define REMISE_ALGORITHMS_DOUBLE_ML_GROVE_H

#include "algorithms/double_ml.h"
#include "algorithms/forest.h"

enum { DOUBLE_ML_NO_FOLD = 255 };

struct double_ml_grove {
    const struct double_ml_data *data;
    struct bins *bins;
    uint8_t *code; /* [columns][rows_local] */
    float *x;      /* [rows_local][columns] as the trees ask: categories as places in order */
};

/**
 * Cut the controls into bins.
 * Collective. Free with double_ml_grove_clear, also on failure.
 * Errors: those of bins_make.
 */
enum status double_ml_grove_init(const struct comm *comm, const struct double_ml_data *data,
                                 struct double_ml_grove *grove);
/** Free; accepts a zeroed struct. Local. */
void double_ml_grove_clear(struct double_ml_grove *grove);

/**
 * Grow a forest and predict rows by it.
 * Collective.
 * y        in   [rows_local] at most about 1
 * fold     in   [rows_local] the forest grows from rows of other folds but DOUBLE_ML_NO_FOLD
 * held     in   the fold to predict
 * predict  out  [rows_local] of rows in the fold held; others keep what they had
 * Same bytes for any number of ranks.
 * Errors: those of forest_fit.
 */
enum status double_ml_grove_fit(const struct comm *comm, struct double_ml_grove *grove,
                                const struct forest_options *opt, const double *y,
                                const uint8_t *fold, uint8_t held, double *predict);

/* How far small trees have come when their predictions of the rows held are kept. */
enum { DOUBLE_ML_MARKS = 6 };

/**
 * Grow small trees one after another, each on what those before left, and predict rows by a tenth
 * of each: after 1/32, 1/16, ... 1 of opt->trees. Stops where the next mark predicts worse than the
 * last; the marks after it are as that.
 * Collective.
 * y        inout  [rows_local] at most about 1; of rows in the fold held what is to be predicted,
 *                 of others of a fold what all trees leave
 * mark     out    [DOUBLE_ML_MARKS][rows_local] of rows in the fold held; others keep what they had
 * All else as double_ml_grove_fit.
 * Source: Friedman 2001, Annals of Statistics 29(5); 2002, Comp. Stat. & Data Analysis 38(4).
 */
enum status double_ml_grove_boost(const struct comm *comm, struct double_ml_grove *grove,
                                  const struct forest_options *opt, double *y, const uint8_t *fold,
                                  uint8_t held, float *mark);

#endif
