/**
 * Empirical Bayes for few units: categories or segments, where how far they differ is itself hardly
 * known.
 *
 * b_i ~ N(theta_i, s_i^2), theta_i ~ N(mean, tau^2), with any mean and any tau as likely as another
 * beforehand. With a handful of units the best tau is often 0, and intervals that take it for
 * granted hold the truth far too seldom; so posteriors are averaged over tau. Local and replicated.
 */
#ifndef REMISE_ALGORITHMS_SHRINK_FEW_H
#define REMISE_ALGORITHMS_SHRINK_FEW_H

#include "algorithms/shrink.h"

/**
 * Shrink every unit.
 *
 * Local; the same bits for the same values.
 * estimate   in   [units]
 * std_error  in   [units] > 0, or NaN where the unit has no estimate
 * shrunk     out  [units] posterior means; for a unit without an estimate that of a new one
 * shrunk_sd  out  [units] posterior standard deviations
 * prior      out  posterior means of the units' mean and of tau
 * Cost: 400 passes over the units.
 * Errors: ERR_NUMERIC no unit has an estimate.
 * Source: Gelman 2006, Bayesian Analysis 1(3).
 */
enum status shrink_few_fit(const double *estimate, const double *std_error, int64_t units,
                           double *shrunk, double *shrunk_sd, struct shrink_prior *prior);

#endif
