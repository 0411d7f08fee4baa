/**
 * A kind of many limits kept in whole options: a lower bound, and often a better choice, where
 * slots are few for the limits. Part of algorithms/knapsack.h.
 *
 * A price of a limit lets each of its slots choose for itself, as if options came in parts: of a
 * stock that ten slots share that gives away up to an option of one of them. But the limits of one
 * kind do not meet in any slot, so at given prices of the other kinds each can be kept exactly: the
 * slots of a limit are looked at together, as a user with a cap is (algorithms/knapsack_user.h).
 * What that comes to still bounds what any choice is worth, and it is less. Limits of very many
 * slots keep their price: there whole options make no difference.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_WHOLE_H
#define REMISE_ALGORITHMS_KNAPSACK_WHOLE_H

#include "algorithms/knapsack_finish.h"

/* Numbers of the cells that are looked at together, on every rank; slots of a limit, at most and on
 * average. */
enum { KNAPSACK_WHOLE_NUMBERS = 1 << 22, KNAPSACK_WHOLE_SLOTS = 64, KNAPSACK_WHOLE_ALL = 128 };

/** The kind it would be for, -1: none, or slots are too many for it to show. Local, the same on
 * every rank. */
int knapsack_whole_kind(const struct knapsack_cells *cells);

/**
 * Look.
 *
 * Collective; every rank looks at all slots.
 * cells   in     without caps
 * price   in     [limits] as in algorithms/knapsack_point.h; of limits kept whole not used
 * choice  inout  [rows_local] the one found, if finish->holds; else as it was
 * used    inout  [limits] by it, likewise
 * bound   out    no choice that keeps the limits is worth more; INT64_MAX: not found
 * finish  out    whether a choice was found that keeps all limits, and by how many moves
 * Cost: a pass over the cells by users with a cap, and some 2 to 50 passes of moves.
 * Memory: all cells on every rank, at most 64 MiB.
 * Errors: ERR_MEMORY.
 * Same bytes for any number of ranks.
 */
enum status knapsack_whole(const struct comm *comm, const struct knapsack_cells *cells,
                           const struct knapsack_scale *scale, int kind, const int64_t *price,
                           uint8_t *choice, int64_t *used, int64_t *bound,
                           struct knapsack_finish *finish);

#endif
