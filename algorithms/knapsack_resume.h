/**
 * Prices of a similar problem brought to those of the one at hand: a step on the core, looked at
 * exactly. Part of algorithms/knapsack.h.
 *
 * Prices of yesterday are near those of today, so one step of Newton's method takes them most of
 * the way, and what it gained beside what it promised tells how much of the way is left.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_RESUME_H
#define REMISE_ALGORITHMS_KNAPSACK_RESUME_H

#include "algorithms/knapsack_core.h"

/**
 * One step.
 *
 * Collective.
 * core    inout  made at `price`; then its choice and uses are those at the prices returned
 * price   inout  [limits] as in algorithms/knapsack_point.h, within the core's range; the bound at
 *                them does not rise
 * passes  inout  counts passes over all cells, looks at the core by its share
 * looks   inout  counts every evaluation of the dual: one to three
 * at      inout  point in: at the prices given
 * Errors: ERR_MEMORY.
 * Same bytes for any number of ranks.
 */
enum status knapsack_resume(const struct comm *comm, struct knapsack_core *core,
                            const struct knapsack_scale *scale, int64_t *price, double *passes,
                            int64_t *looks, struct knapsack_reached *at);

#endif
