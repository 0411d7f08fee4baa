/**
 * Standard errors of a least squares fit, from columns of the inverse of its normal equations:
 * classical ones, or sandwiches (algorithms/sandwich.h).
 */
#ifndef REMISE_ALGORITHMS_LSQ_ERRORS_H
#define REMISE_ALGORITHMS_LSQ_ERRORS_H

#include "algorithms/least_squares.h"
#include "algorithms/lsq_system.h"

/**
 * Check that the wanted parameters are among `parameters`, and the options agree. Local.
 * Errors: ERR_ARG.
 */
enum status lsq_errors_check(const struct least_squares_options *options, int64_t parameters);

/**
 * Set fit->std_error, and fit->covariance where there is one, of the wanted parameters; dropped
 * ones stay as they are, and all of them where no degree of freedom or only one cluster is left.
 * Sets fit->clusters and fit->correction, too.
 *
 * Collective.
 * error   in     [rows_local] residuals in scaled units; may be NULL for classical errors
 * square  in     their weighted sum of squares
 * fit     inout  its variance and counts are known
 * Cost: a solve for every wanted parameter, 64 at once; for sandwiches also sandwich_sum.
 * Same bits for any number of ranks.
 * Errors: those of lsq_system_solve and sandwich_sum.
 */
enum status lsq_errors_set(const struct comm *comm, const struct lsq_system *s,
                           const struct least_squares_options *options, const double *error,
                           double square, struct least_squares *fit);

#endif
