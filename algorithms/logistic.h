/**
 * Logistic regression on a few columns, some of whose coefficients may not fall below zero.
 *
 * For recalibration and for the shape of a dose: few coefficients, many rows. The columns of a row
 * are computed when they are needed, by a function of the caller's, so that no design matrix is
 * stored. Newton's method with halved steps; coefficients held at zero are let go again where the
 * likelihood would rise (active set).
 */
#ifndef REMISE_ALGORITHMS_LOGISTIC_H
#define REMISE_ALGORITHMS_LOGISTIC_H

#include "partition/blocks.h"

enum { LOGISTIC_COLUMNS_MAX = 32 };

/**
 * The columns of local row i, and the logit that is added to them as it is. Local and pure.
 * x  out  [columns] finite, best near 1 in size
 */
typedef double logistic_row(const void *context, int64_t i, double *x);

/* Arrays are borrowed and of [blocks->rows_local]. */
struct logistic_rows {
    const struct blocks *blocks;
    int64_t columns; /* 1 .. LOGISTIC_COLUMNS_MAX */
    logistic_row *row;
    const void *context; /* of row */
    const float *y;      /* from 0 to 1 */
    const float *weight; /* >= 0; NULL: 1 each */
    const uint8_t *skip; /* rows that do not count are not 0; NULL: all count */
};

struct logistic_options {
    const bool *not_negative; /* [columns]; NULL: no coefficient is bounded */
    const double *ridge; /* [columns] weights of the penalties ridge / 2 (c - start)^2, in rows;
                                 NULL: none */
    int64_t max_iterations;
};

struct logistic_result {
    double weight; /* sum of the weights */
    double loss;   /* mean, penalty left out */
    int64_t iterations;
    bool converged;
    double curvature[LOGISTIC_COLUMNS_MAX * LOGISTIC_COLUMNS_MAX]; /* [columns][columns] of the mean
                                                                      loss, penalty left out */
};

/**
 * Maximise the weighted likelihood.
 *
 * Collective.
 * coefficient  inout  [columns] the start, the same on every rank, >= 0 where bounded; then the
 *                     best found
 * Cost: for each iteration and halving a pass and a reduction of 8 columns (columns + 5) bytes.
 * Same bits for any number of ranks.
 * Errors: ERR_ARG columns; ERR_NUMERIC a value of a row is not finite; ERR_MEMORY. Not to converge
 *         is no error (columns that depend on each other, or separate the outcomes): see result.
 */
enum status logistic_fit(const struct comm *comm, const struct logistic_rows *rows,
                         const struct logistic_options *opt, double *coefficient,
                         struct logistic_result *result);

#endif
