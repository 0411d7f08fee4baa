/**
 * Points of the path from no spending to all that is worth spending, by their prices.
 *
 * At a price of money every slot goes along the hull of its levels as far as the slope is at least
 * the price. What all slots together then earn is the most that can be earned for what they spend
 * (Everett 1963): a point of the path, exact and integral. So a few prices tell the path in one
 * pass, where algorithms/allocation.h finds the price of one budget.
 */
#ifndef REMISE_ALGORITHMS_PRICE_PATH_H
#define REMISE_ALGORITHMS_PRICE_PATH_H

#include "algorithms/allocation.h"

enum { PRICE_PATH_POINTS = 1024 };

/**
 * What all slots earn and spend at some prices.
 *
 * Collective.
 * cells   in   as allocation_solve has checked them
 * price   in   [points] units of value per 2^30 units of cost, falling, at least 0
 * point   out  [points] the same on every rank
 * Slopes that differ by less than 2^-53 of themselves are taken for equal.
 * Cost: one pass; one reduction of 16 bytes a point.
 * Errors: ERR_ARG points beyond PRICE_PATH_POINTS.
 * Same bytes for any number of ranks.
 */
enum status price_path_at(const struct comm *comm, const struct allocation_cells *cells,
                          const int64_t *price, int64_t points, struct allocation_point *point);

#endif
