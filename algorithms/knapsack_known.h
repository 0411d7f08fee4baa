/**
 * Prices of a similar problem, those of yesterday or of another budget, followed to those of the
 * one at hand and to a choice. Part of algorithms/knapsack.h.
 *
 * Without caps: from core to core, a step on each, as long as each brings the prices much nearer.
 * With caps: the prices as they are, and where what they lead to is not near the bound after a step
 * on the bound itself.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_KNOWN_H
#define REMISE_ALGORITHMS_KNAPSACK_KNOWN_H

#include "algorithms/knapsack_solver.h"

/**
 * Choose.
 *
 * Collective.
 * s      inout  prices known, above 0 for some limit; then those they led to
 * known  out    they led to a choice that other prices would hardly better; else all begins anew
 * Cost: some 2 to 5 iterations; with caps 1, 3 or 4.
 * Errors: ERR_MEMORY; those of knapsack_at_prices.
 * Same bytes for any number of ranks.
 */
enum status knapsack_known(const struct comm *comm, struct knapsack_solver *s, bool *known);

#endif
