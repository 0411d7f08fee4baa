/**
 * Error variances of many small samples, shrunk toward what they have in common.
 *
 * A unit's residual sum of squares with few degrees of freedom says little about its variance. Its
 * variances are taken as draws from a scaled inverse chi-squared with `freedom` degrees of freedom
 * around `variance`, both fitted to all units; a unit's own variance then counts as so many more
 * observations. Infinite freedom means one variance for all, none each unit its own.
 */
#ifndef REMISE_ALGORITHMS_VARIANCE_PRIOR_H
#define REMISE_ALGORITHMS_VARIANCE_PRIOR_H

#include "mpi/comm.h"

struct variance_prior {
    double variance; /* NaN if no unit has a degree of freedom */
    double freedom;
    int64_t units; /* with a degree of freedom, over all ranks */
};

/**
 * Fit the prior by maximum likelihood.
 *
 * Collective; units are spread over the ranks in any way.
 * square   in  [units] residual sums of squares, >= 0
 * freedom  in  [units] degrees of freedom; a unit without any does not count
 * Cost: one reduction of 48 bytes and a pass over the units for each of some 30 evaluations.
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY; ERR_NUMERIC a sum is not finite.
 * Source: Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3(1).
 */
enum status variance_prior_fit(const struct comm *comm, const double *square,
                               const int64_t *freedom, int64_t units, struct variance_prior *prior);

/** The shrunk variance of a unit: the mean of its posterior. Local. */
double variance_prior_apply(const struct variance_prior *prior, double square, int64_t freedom);

#endif
