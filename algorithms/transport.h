/**
 * What outcomes say of forecasts, carried over to rows that have none.
 *
 * Forecasts are log odds z. Where outcomes are known, a logistic regression on top of them, log
 * odds z + x . c, says how far they are off and for whom; elsewhere the same c corrects them. Rows
 * are weighted to stand for those that are asked about (inverse propensities), and each coefficient
 * has a normal prior about 0, so that forecasts are left as they are where little contradicts them.
 * Rows of a cluster (a user) may depend on each other in any way.
 *
 * Use: transport_fit on the rows with outcomes; for each row asked about transport_add into sums,
 * reduced by the caller; transport_error of the slopes among them.
 */
#ifndef REMISE_ALGORITHMS_TRANSPORT_H
#define REMISE_ALGORITHMS_TRANSPORT_H

#include "algorithms/logistic.h"

struct transport {
    int64_t columns;
    bool converged;
    double coefficient[LOGISTIC_COLUMNS_MAX];
    double covariance[LOGISTIC_COLUMNS_MAX * LOGISTIC_COLUMNS_MAX]; /* [columns][columns] */
};

/**
 * Fit the correction.
 *
 * Collective.
 * rows    in  z is what rows->row returns; weights in rows, their sum what the rows are worth: with
 *             uneven weights (sum w)^2 / sum w^2, so that the prior counts for what it is
 * spread  in  [columns] standard deviations of the prior, > 0; INFINITY: none
 * each    in  rows of a cluster, consecutive; rows that do not count are skipped
 * model   out
 * Cost: logistic_fit, and one pass with a reduction of 8 columns (columns + 3) bytes.
 * Same bits for any number of ranks.
 * Errors: ERR_ARG columns, or blocks that cut clusters; ERR_NUMERIC rows that are not finite, or
 *         columns without a prior that depend on each other; ERR_MEMORY.
 * Source: sandwich for clusters, Liang and Zeger 1986, Biometrika 73(1); the prior counts as rows
 *         whose outcome is as unsure as it says.
 */
enum status transport_fit(const struct comm *comm, const struct logistic_rows *rows,
                          const double *spread, int64_t each, struct transport *model);

/**
 * Add one row's part. Local.
 * z, x   in     as of rows->row
 * worth  in     of the outcome 1
 * sums   inout  [2 + columns] worth as forecast, as corrected; its slope in each coefficient
 */
void transport_add(const struct transport *model, double z, const double *x, double worth,
                   double *sums);

/** Standard error of a corrected sum from its slopes [columns]. Local. */
double transport_error(const struct transport *model, const double *slope);

#endif
