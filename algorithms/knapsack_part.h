/**
 * A problem with some of the limits and caps of another one, and another aim: for finding out which
 * limits are in conflict. Part of algorithms/knapsack_conflict.h.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_PART_H
#define REMISE_ALGORITHMS_KNAPSACK_PART_H

#include "algorithms/knapsack.h"

struct knapsack_part {
    const struct knapsack_cells *whole; /* not owned */
    int64_t limits, entries;            /* limits; limits + caps */
    bool *in;                           /* [entries] limits and caps that count */
    int64_t *value;                     /* [rows_local][options] of the part, times 2^shift */
    int shift;                          /* may be negative */
    int64_t *limit;                     /* [limits] of the part */
};

enum knapsack_answer { PART_HOLDS, PART_CANNOT, PART_UNKNOWN };

/* The least that can be used of one limit or cap while those of the part hold. */
struct knapsack_least {
    enum knapsack_answer answer; /* whether those of the part hold at all */
    int64_t least, reached;      /* as in algorithms/knapsack_conflict.h */
};

/** All limits and caps count. Local. Free with knapsack_part_clear. Errors: ERR_MEMORY. */
enum status knapsack_part_new(const struct knapsack_cells *whole, struct knapsack_part *part);
/** Free; accepts a zeroed struct. Local. */
void knapsack_part_clear(struct knapsack_part *part);

/** The cells of the part with value 0, kinds as in the whole; borrows. Local. */
void knapsack_part_cells(struct knapsack_part *part, struct knapsack_cells *cells);

/**
 * The least use of entry `of` while those that count hold; `of` itself does not. proof [limits]:
 * prices to begin in proportion to; NULL: none are known.
 * Collective. Cost: a solution of the part. Errors: ERR_MEMORY, ERR_NUMERIC as knapsack_solve.
 */
enum status knapsack_part_least(const struct comm *comm, struct knapsack_part *part, int64_t of,
                                const int64_t *proof, struct knapsack_least *least);

/**
 * Whether those that count hold, if that is easily seen: what uses least of all limits by their
 * weights, and moves of single slots from there.
 * Collective.
 * weight  in   [limits] e.g. prices of a proof
 * holds   out  a choice was found that keeps them; false says nothing
 * Cost: some 3 to 20 passes. Errors: ERR_MEMORY.
 */
enum status knapsack_part_try(const struct comm *comm, struct knapsack_part *part,
                              const int64_t *weight, bool *holds);

/** Whether those that count hold. Collective. Cost and errors as knapsack_part_least. */
enum status knapsack_part_holds(const struct comm *comm, struct knapsack_part *part,
                                const int64_t *proof, enum knapsack_answer *answer);

#endif
