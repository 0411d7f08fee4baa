/**
 * Which few of the levels the table shall have: sets of levels in the order of how much each may be
 * worth, by bounds at common prices.
 */
#ifndef REMISE_JOBS_LEVEL_SETS_H
#define REMISE_JOBS_LEVEL_SETS_H

#include "jobs/choices.h"

enum { LEVEL_SETS = 4096 };

struct level_set {
    uint32_t levels; /* bit k: level k; bit 0 always */
    int64_t bound;   /* no choice of these levels that keeps the limits is worth more */
};

struct level_sets {
    int64_t count;
    struct level_set *set; /* [count] falling by bound, ties by levels */
};

/**
 * All sets of `most` levels besides level 0, each with its bound.
 *
 * Collective.
 * choices  in   solved with all levels: its prices and bound
 * sets     out  the caller clears it with level_sets_clear, also on failure
 * Cost: one pass over the cells with sets x levels comparisons a slot.
 * Errors: ERR_CONFIG more than LEVEL_SETS sets; ERR_MEMORY.
 * Same for any number of ranks.
 */
enum status level_sets_make(const struct comm *comm, const struct problem *problem,
                            const struct choices *choices, int64_t most, struct level_sets *sets);
/** Free; accepts a zeroed struct. Local. */
void level_sets_clear(struct level_sets *sets);

#endif
