/**
 * Prices at which users' whole choices use the limits up. Part of algorithms/knapsack.h.
 *
 * The smoothed dual lets the options of a user with caps come in parts, the dual itself does not:
 * under caps the prices that make one of them least are off the other's by more than smoothing
 * shows. With many users the dual is nearly as smooth, and what users choose tells its slope. So a
 * few more steps of Newton's method go down the dual itself, the curvature being the smoothed
 * one's.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_SETTLE_H
#define REMISE_ALGORITHMS_KNAPSACK_SETTLE_H

#include "algorithms/knapsack_point.h"
#include "algorithms/knapsack_smooth.h"

/**
 * Lower the bound, as long as a step promises what shows.
 *
 * Collective.
 * smooth  inout  near these prices: its curvature counts; `left` becomes that of the choice
 * steps   in     at most so many
 * wasted  in     units of value that whole options make up of the gap: a step that promises a small
 *                part of it does not show
 * price   inout  [limits] as in algorithms/knapsack_point.h
 * choice  inout  [rows_local] of the slots at these prices
 * used    inout  [limits] likewise
 * looks   inout  counts passes over the cells, one for each step tried
 * at      inout  point in: at the prices given
 * Errors: ERR_MEMORY; those of knapsack_at_prices.
 * Same bytes for any number of ranks.
 */
enum status knapsack_settle(const struct comm *comm, const struct knapsack_cells *cells,
                            const struct knapsack_scale *scale, struct knapsack_smooth *smooth,
                            int steps, double wasted, int64_t *price, uint8_t *choice,
                            int64_t *used, int64_t *looks, struct knapsack_reached *at);

#endif
