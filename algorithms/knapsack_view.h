/**
 * Caps of a small problem as limits like others, each with a price: for what goes through all
 * choices. Part of algorithms/knapsack.h.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_VIEW_H
#define REMISE_ALGORITHMS_KNAPSACK_VIEW_H

#include "algorithms/knapsack_point.h"

struct knapsack_view {
    struct knapsack_cells cells; /* kinds, then a kind for each cap with a limit for each user */
    int64_t *price;              /* [limits of cells] */
    int32_t *group;              /* [rows_local] the user */
    int64_t *limit[KNAPSACK_CAPS];
};

/**
 * Make it.
 *
 * Collective.
 * cells  in   borrowed by the view; with kinds and caps no more than KNAPSACK_KINDS
 * price  in   [limits] as in algorithms/knapsack_point.h; caps get the prices that users make
 * view   out  the caller clears it with knapsack_view_clear, also on failure
 * Memory: O(users of all ranks).
 * Errors: ERR_MEMORY.
 */
enum status knapsack_view_make(const struct comm *comm, const struct knapsack_cells *cells,
                               const int64_t *price, struct knapsack_view *view);
/** Free; accepts a zeroed struct. Local. */
void knapsack_view_clear(struct knapsack_view *view);

#endif
