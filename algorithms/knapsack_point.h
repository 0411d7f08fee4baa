/**
 * What slots choose at given prices, and the bound that follows: exact, in integers.
 * Part of algorithms/knapsack.h.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_POINT_H
#define REMISE_ALGORITHMS_KNAPSACK_POINT_H

#include "algorithms/knapsack.h"

__extension__ typedef __int128 int128;

struct knapsack_point {
    int64_t objective; /* of what is chosen, whether it keeps the limits or not */
    int64_t bound;     /* no choice that keeps the limits is worth more; INT64_MAX: beyond 2^63 */
    bool lost; /* set on failure: no choice of a user's was found, but none is proven not to be */
};

/* Where steps on the prices have led. */
struct knapsack_reached {
    struct knapsack_point point; /* of all slots, at them */
    double left;                 /* by how much other prices may lower the bound, about */
    double near;                 /* what is too little to show */
};

/**
 * Each slot takes the option of most worth, value - price x use, the first of equals; with caps
 * each user the options of most worth that keep them.
 *
 * Collective.
 * price   in   [limits] units of value per 2^30 units of use, 0 .. 2^60
 * choice  out  [rows_local]
 * used    out  [limits]
 * Cost: one pass; one reduction of the limits.
 * Errors: only with caps: ERR_NUMERIC a user cannot keep its caps, named by its first slot;
 *         ERR_MEMORY.
 * Same bytes for any number of ranks.
 */
enum status knapsack_at_prices(const struct comm *comm, const struct knapsack_cells *cells,
                               const int64_t *price, uint8_t *choice, int64_t *used,
                               struct knapsack_point *point);

/* What is told of each slot: its best option, and the worth [options] of those allowed in 2^-30
 * units of value. */
typedef void knapsack_slot_function(void *context, int64_t slot, int best, const int128 *worth);

/** The same, and `each` is called for every local slot in turn; only without caps. Collective. */
enum status knapsack_at_prices_each(const struct comm *comm, const struct knapsack_cells *cells,
                                    const int64_t *price, knapsack_slot_function *each,
                                    void *context, uint8_t *choice, int64_t *used,
                                    struct knapsack_point *point);

/** Worth of an option at the prices, exact, in 2^-30 units of value. Local. */
int128 knapsack_exact_worth(const struct knapsack_cells *cells, const int64_t *price, int64_t slot,
                            int option);

/** The same in units of value, rounded to double. Local. */
double knapsack_worth(const struct knapsack_cells *cells, const int64_t *price, int64_t slot,
                      int option);

/**
 * What caps do at these prices: how many users each binds, who would choose otherwise without it
 * alone, and by how much the bound would rise.
 *
 * Collective.
 * bound_users  out  [caps]
 * cost         out  [caps] units of value, rounded up
 * Cost: a pass, and one more over the users that a cap binds for each cap. Errors: ERR_MEMORY.
 */
enum status knapsack_tell_caps(const struct comm *comm, const struct knapsack_cells *cells,
                               const int64_t *price, int64_t *bound_users, int64_t *cost);

/** What a choice is worth and uses. Collective. used out [limits]. */
int64_t knapsack_tally(const struct comm *comm, const struct knapsack_cells *cells,
                       const uint8_t *choice, int64_t *used);

#endif
