/**
 * Whether cells of algorithms/knapsack.h can be worked with, and how large what they hold is.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_MEASURE_H
#define REMISE_ALGORITHMS_KNAPSACK_MEASURE_H

#include "algorithms/knapsack_smooth.h"

/**
 * Check and measure them.
 *
 * Collective.
 * scale   out
 * lowest  out  sum over slots of their least value
 * Cost: one pass over the cells. Errors: as knapsack_solve for what is not right with the cells.
 */
enum status knapsack_measure(const struct comm *comm, const struct knapsack_cells *cells,
                             struct knapsack_scale *scale, int64_t *lowest);

#endif
