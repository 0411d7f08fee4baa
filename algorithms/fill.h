/**
 * Using up what is left of a budget: the best single moves that still fit, one per slot.
 *
 * Part of algorithms/allocation.h, on its own because it is a different idea: not a price for all
 * slots but a short list of moves that every rank sees.
 */
#ifndef REMISE_ALGORITHMS_FILL_H
#define REMISE_ALGORITHMS_FILL_H

#include "algorithms/allocation.h"
#include "algorithms/radix.h"

enum { FILL_MOVES = 1024 }; /* moves looked at in one round */

/* What there is to move, all borrowed from the caller. */
struct fill_task {
    const struct allocation_cells *cells;
    struct radix *radix; /* work space */
    uint32_t *key;       /* [rows_local][levels] upper half of slope keys on the hull, 0 off it;
                            rows of moved slots are zeroed */
    uint32_t top;        /* increments with a key above are taken already */
    int64_t left;        /* budget to use */
};

struct fill_move {
    uint64_t key;               /* of gain / cost, hull_slope_key */
    int64_t slot;               /* global */
    int64_t gain;               /* > 0 */
    int64_t from, to;           /* levels */
    int64_t cost_from, cost_to; /* cost_to - cost_from is in 1 .. left */
};

struct fill_moves {
    int64_t count;
    struct fill_move move[FILL_MOVES]; /* [count] taken, steepest first */
};

/**
 * Find the FILL_MOVES steepest moves that fit, at most one per slot, and take them in that order
 * where they still fit.
 *
 * Collective.
 * choice  inout  [rows_local] on the hull where the row of keys is not zero; moved slots change
 * taken   out    the same on every rank
 * Cost: one pass over the keys, and over the cells of slots that may offer a move; four reductions
 *       of at most 512 KiB and one gather of 56 KiB in all.
 * Same moves for any number of ranks.
 * Errors: ERR_MEMORY.
 */
enum status fill_budget(const struct comm *comm, const struct fill_task *task, uint8_t *choice,
                        struct fill_moves *taken);

#endif
