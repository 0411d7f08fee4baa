/**
 * Moving single slots to other options: first so that all limits hold, then to use what is left.
 * Part of algorithms/knapsack.h.
 *
 * In a round every slot names its best move, the best of all slots are told to all ranks, and all
 * take them in the same order as long as they still help.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_MOVES_H
#define REMISE_ALGORITHMS_KNAPSACK_MOVES_H

#include "algorithms/knapsack_smooth.h"
#include "algorithms/radix.h"

enum { KNAPSACK_MOVES = 8192 }; /* looked at in one round */

struct knapsack_moves {
    const struct knapsack_cells *cells; /* not owned */
    const struct knapsack_scale *scale; /* not owned */
    const int64_t *price;               /* not owned; [limits] */
    int64_t limits;
    int64_t *limit;  /* [limits] */
    double *weight;  /* [limits] of a unit beyond the limit */
    uint64_t *key;   /* [rows_local] of each slot's best move, 0: none */
    uint8_t *target; /* [rows_local] its option */
    struct radix radix;
};

/** Room, and what a unit beyond each limit weighs. Local. Free with knapsack_moves_clear. */
enum status knapsack_moves_new(const struct knapsack_cells *cells,
                               const struct knapsack_scale *scale, const int64_t *price,
                               struct knapsack_moves *moves);
/** Free; accepts a zeroed struct. Local. */
void knapsack_moves_clear(struct knapsack_moves *moves);

/** Whether all limits hold. Local. */
bool knapsack_holds(const struct knapsack_moves *moves, const int64_t *used);

/**
 * One round of moves that bring uses nearer to the limits they exceed, least loss of worth first.
 *
 * Collective.
 * choice  inout  [rows_local]
 * used    inout  [limits]
 * taken   out    moves; 0: none helps
 * Cost: one pass over the cells; four reductions of at most 512 KiB, one gather of 1.8 MB.
 * Errors: ERR_MEMORY.
 * Same moves for any number of ranks.
 */
enum status knapsack_repair(const struct comm *comm, struct knapsack_moves *moves, uint8_t *choice,
                            int64_t *used, int64_t *taken);

/** One round of moves that add value and keep all limits, the most for its use first; else as
 * above. */
enum status knapsack_refill(const struct comm *comm, struct knapsack_moves *moves, uint8_t *choice,
                            int64_t *used, int64_t *taken);

#endif
