/**
 * One level of empirical Bayes: how far units are spread around the means of their groups, and
 * those means.
 */
#ifndef REMISE_ALGORITHMS_SHRINK_SPREAD_H
#define REMISE_ALGORITHMS_SHRINK_SPREAD_H

#include "algorithms/shrink.h"

/**
 * Fit tau and the means of the groups by restricted maximum likelihood; the parts `spread`,
 * `members`, `estimate` and `std_error` of the level.
 * Collective. Errors: ERR_NUMERIC no unit has an estimate; ERR_MEMORY.
 */
enum status shrink_spread_fit(const struct comm *comm, const struct shrink_units *units,
                              struct shrink_level *level);

/** Whether a standard error stands for an estimate. Local. */
bool shrink_counts(double std_error);

#endif
