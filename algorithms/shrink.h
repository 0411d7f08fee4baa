/**
 * Empirical Bayes: noisy estimates of many units, pulled toward what they have in common.
 *
 * b_i ~ N(theta_i, s_i^2), theta_i ~ N(mean, tau^2); mean and tau are fitted to the estimates, and
 * each unit's posterior mean weighs its own evidence against the others'. Local and replicated:
 * units are categories or segments, not users.
 */
#ifndef REMISE_ALGORITHMS_SHRINK_H
#define REMISE_ALGORITHMS_SHRINK_H

#include "mpi/status.h"

#include <stdint.h>

struct shrink_prior {
    double mean, sd; /* of theta over the units */
    int64_t units;   /* with an estimate */
};

/**
 * Fit the prior by restricted maximum likelihood and shrink every unit. Local.
 * estimate   in   [units] b_i; std_error in [units] s_i > 0, or NaN where the unit has no estimate
 * shrunk     out  [units] posterior means; the prior mean for a unit without an estimate
 * shrunk_sd  out  [units] posterior standard deviations
 * Errors: ERR_NUMERIC no unit has an estimate.
 * Cost: O(units) per step of a golden-section search over log tau.
 * Source: Efron and Morris 1975, J. Am. Stat. Assoc. 70(350).
 */
enum status shrink_fit(const double *estimate, const double *std_error, int64_t units,
                       double *shrunk, double *shrunk_sd, struct shrink_prior *prior);

#endif
