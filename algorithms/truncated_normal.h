/**
 * The mean of a normal vector of which some entries are known not to be below 0.
 *
 * It is what to expect of quantities that cannot be negative, where what is known of them without
 * that is a mean and a precision: those near 0 are expected a little above it, and what goes with
 * them moves along.
 */
#ifndef REMISE_ALGORITHMS_TRUNCATED_NORMAL_H
#define REMISE_ALGORITHMS_TRUNCATED_NORMAL_H

#include "mpi/status.h"

#include <stdint.h>

/**
 * Sample the vector entry by entry, each given the others, and average. Local.
 * n          in   entries
 * unbounded  in   so many entries at the front may be of either sign
 * mean       in   [n] of the normal without the bound
 * precision  in   [n][n] symmetric, positive definite
 * expected   out  [n] those from unbounded on above 0
 * Accuracy: some hundredths of the standard deviations.
 * Cost: 2,200 times 2 n^2 flops and 2 n random numbers.
 * Errors: ERR_MEMORY.
 * Source: Gibbs sampling, Geweke 1991; tails, Robert 1995, Stat. Comput. 5.
 */
enum status truncated_normal_mean(int64_t n, int64_t unbounded, const double *mean,
                                  const double *precision, double *expected);

#endif
