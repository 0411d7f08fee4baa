/**
 * What slots choose at given prices, and the bound that follows: exact, in integers.
 * Part of algorithms/knapsack.h.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_POINT_H
#define REMISE_ALGORITHMS_KNAPSACK_POINT_H

#include "algorithms/knapsack.h"

struct knapsack_point {
    int64_t objective; /* of what is chosen, whether it keeps the limits or not */
    int64_t bound;     /* no choice that keeps the limits is worth more; INT64_MAX: beyond 2^63 */
};

/**
 * Each slot takes the option of most worth, value - price x use, the first of equals.
 *
 * Collective.
 * price   in   [limits] units of value per 2^30 units of use, 0 .. 2^60
 * choice  out  [rows_local]
 * used    out  [limits]
 * Cost: one pass; one reduction of the limits.
 * Same bytes for any number of ranks.
 */
void knapsack_at_prices(const struct comm *comm, const struct knapsack_cells *cells,
                        const int64_t *price, uint8_t *choice, int64_t *used,
                        struct knapsack_point *point);

/** Worth of an option in units of value: value - price x use, rounded to double. Local. */
double knapsack_worth(const struct knapsack_cells *cells, const int64_t *price, int64_t slot,
                      int option);

/** What a choice is worth and uses. Collective. used out [limits]. */
int64_t knapsack_tally(const struct comm *comm, const struct knapsack_cells *cells,
                       const uint8_t *choice, int64_t *used);

#endif
