/**
 * Standard errors of a least squares fit from columns of the inverse of its normal equations.
 */
#ifndef REMISE_ALGORITHMS_LSQ_ERRORS_H
#define REMISE_ALGORITHMS_LSQ_ERRORS_H

#include "algorithms/least_squares.h"
#include "algorithms/lsq_system.h"

/**
 * Check that the wanted parameters are among `parameters`. Local.
 * Errors: ERR_ARG.
 */
enum status lsq_errors_check(const struct least_squares_options *options, int64_t parameters);

/**
 * Set fit->std_error, and fit->covariance where there is one, of the wanted parameters; dropped
 * ones stay as they are.
 *
 * Collective.
 * fit  inout  its variance is known
 * Cost: a solve for every wanted parameter, 64 at once.
 * Same bits for any number of ranks.
 * Errors: those of lsq_system_solve.
 */
enum status lsq_errors_set(const struct comm *comm, const struct lsq_system *s,
                           const struct least_squares_options *options, struct least_squares *fit);

#endif
