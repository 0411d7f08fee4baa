/**
 * A choice of a small problem made better by chains of moves: one slot is moved whether that keeps
 * the limits or not, others make room for it, and what that leaves is used. Part of
 * algorithms/knapsack.h.
 *
 * Moves of single slots end where every better option of a slot is beyond some limit. Of many
 * limits that few slots share that is most of what is lost.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_EXCHANGE_H
#define REMISE_ALGORITHMS_KNAPSACK_EXCHANGE_H

#include "algorithms/knapsack_table.h"

enum { KNAPSACK_EXCHANGE_LOOKS = 1 << 22 }; /* at moves, in all */

/**
 * Exchange.
 *
 * Local.
 * table   inout  its choice keeps the limits and does so after, too; it is worth no less
 * Cost: until no chain is any good, at most KNAPSACK_EXCHANGE_LOOKS looks at moves.
 * Errors: ERR_MEMORY.
 * Source: Glover 1996, Discrete Appl. Math. 65 (ejection chains).
 */
enum status knapsack_exchange(struct knapsack_table *table);

#endif
