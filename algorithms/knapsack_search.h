/**
 * Small problems of algorithms/knapsack.h searched to their end: depth first, cut off where the
 * prices' bound or the limits leave nothing to find.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_SEARCH_H
#define REMISE_ALGORITHMS_KNAPSACK_SEARCH_H

#include "algorithms/knapsack_point.h"

enum { KNAPSACK_SEARCH_SLOTS = 40, KNAPSACK_SEARCH_NODES = 1 << 20 };

struct knapsack_search {
    bool complete;     /* the search came to its end: what is said below is proven */
    bool found;        /* a choice keeps the limits */
    int64_t objective; /* of the best one */
};

/**
 * Search.
 *
 * Collective; every rank searches all of it.
 * price   in     [limits] as in algorithms/knapsack_point.h; any do, good ones are faster
 * choice  inout  [rows_local] the best one found, if it beats `known`; else as it was
 * known   in     objective of a choice that keeps the limits, INT64_MIN: none is known
 * Cost: at most KNAPSACK_SEARCH_NODES steps; the cells are gathered on every rank.
 * Errors: ERR_ARG more than KNAPSACK_SEARCH_SLOTS slots; ERR_MEMORY.
 */
enum status knapsack_search(const struct comm *comm, const struct knapsack_cells *cells,
                            const int64_t *price, int64_t known, uint8_t *choice,
                            struct knapsack_search *search);

#endif
