/**
 * Predictions of rows by models that did not see their fold, and what they leave.
 */
#ifndef REMISE_ALGORITHMS_DOUBLE_ML_CROSS_H
#define REMISE_ALGORITHMS_DOUBLE_ML_CROSS_H

#include "algorithms/double_ml_grove.h"
#include "algorithms/double_ml_line.h"

/* What both targets need. */
struct double_ml_cross {
    const struct double_ml_data *data;
    const struct double_ml_options *opt;
    const uint8_t *fold;                  /* [rows_local] or DOUBLE_ML_NO_FOLD; not owned */
    const double *weight;                 /* [rows_local] 0 without a fold, else 1; not owned */
    struct double_ml_line line;           /* the others are empty unless opt->forest */
    struct double_ml_line bent, products; /* products are empty where rows or memory are short */
    bool with_products;
    struct double_ml_grove grove;
    int64_t growing;  /* rows that trees grow from */
    double *training; /* [rows_local] weights of a fit */
    double *straight; /* [rows_local] what least squares predict */
    double *left;     /* [rows_local] what they leave */
    double *predict;  /* [learners][rows_local] out of fold */
    float *mark[2];   /* [DOUBLE_ML_MARKS][rows_local] of trees boosted on lines, on the richest */
};

/**
 * Collective. Clear with double_ml_cross_clear, also on failure.
 * data, opt, fold, weight  in  outlive it
 * Errors: those of double_ml_line_init and double_ml_grove_init; ERR_MEMORY.
 */
enum status double_ml_cross_init(const struct comm *comm, const struct double_ml_data *data,
                                 const struct double_ml_options *opt, const uint8_t *fold,
                                 const double *weight, struct double_ml_cross *cross);
/** Free; accepts a zeroed struct. Local. */
void double_ml_cross_clear(struct double_ml_cross *cross);

/**
 * What the controls leave of a target.
 *
 * Collective.
 * y       in   [rows_local] at most about 1; 0 without a fold
 * target  in   tells the random numbers of one target from those of another
 * rest    out  [rows_local] 0 without a fold; its mean is 0
 * Same bytes for any number of ranks.
 * Errors: those of least_squares_fit and forest_fit.
 */
enum status double_ml_cross_fit(const struct comm *comm, struct double_ml_cross *cross,
                                const double *y, int64_t target, double *rest,
                                struct double_ml_nuisance *nuisance);

#endif
