/**
 * Small problems of algorithms/knapsack.h searched: options that no better choice can have drop
 * out, what is left falls into parts that share no limit, and each is gone through depth first, cut
 * off where the prices' bound or the limits leave nothing to find. Part of algorithms/knapsack.h.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_SEARCH_H
#define REMISE_ALGORITHMS_KNAPSACK_SEARCH_H

#include "algorithms/knapsack_table.h"

/* Slots up to which all is searched; of a part beyond; steps in all, a quarter beyond. */
enum { KNAPSACK_SEARCH_SLOTS = 40, KNAPSACK_SEARCH_PART = 512, KNAPSACK_SEARCH_NODES = 1 << 20 };

struct knapsack_search {
    bool complete;     /* the search came to its end: what is said below is proven */
    bool found;        /* a choice keeps the limits */
    int64_t objective; /* of the best one */
    int64_t bound;     /* found: no choice that keeps them is worth more */
};

/**
 * Search.
 *
 * Local.
 * table   inout  options that no better choice has are no longer allowed; choice: the best one
 *                where search->found
 * known   in     the table's choice keeps the limits
 * Cost: at most KNAPSACK_SEARCH_NODES steps, small parts first, and some 20 passes over the table.
 * Errors: ERR_MEMORY.
 * Source: Land and Doig 1960, Econometrica 28(3); Geoffrion 1974, Math. Program. Study 2.
 */
enum status knapsack_search(struct knapsack_table *table, bool known,
                            struct knapsack_search *search);

/**
 * Only drop options that no choice better than the table's has; that one keeps the limits.
 * Local. Cost: some 20 passes over the table. Errors: ERR_MEMORY.
 */
enum status knapsack_search_narrow(struct knapsack_table *table);

#endif
