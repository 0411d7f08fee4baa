/**
 * One option per slot under many constraints, integral, feasible and certified: the multiple-choice
 * knapsack with coupling constraints.
 *
 * A slot is an offer (user, product); its options are discount levels. Every option has a value and
 * uses up limited things of several kinds: money of a budget in all, money of its category's
 * budget, units of its product's stock, its part in a difference between groups, a change against
 * yesterday. A kind has one limit or one for each of its groups, and a slot counts against one of
 * them. Uses may have either sign, so that "at least" and differences are limits too.
 *
 * Caps are limits that each user has for the slots of its own: how many discounts, what they add up
 * to, the money they cost. There may be as many as users, and no prices are kept of them: at given
 * prices of the limits every user makes the best choice that keeps its caps.
 *
 * `knapsack_solve` finds a price for each limit at which every slot chooses for itself (the
 * Lagrangian dual), moves single slots until all limits hold, and moves others where something is
 * left. No choice whatever that keeps the limits is worth more than `upper_bound`: it follows from
 * the prices alone, in integers, and would hold for any prices. With one budget only,
 * algorithms/allocation.h does the same by exact selection and in fewer passes.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_H
#define REMISE_ALGORITHMS_KNAPSACK_H

#include "partition/blocks.h"

enum { KNAPSACK_OPTIONS = 32, KNAPSACK_KINDS = 60, KNAPSACK_LIMITS = 65536, KNAPSACK_CAPS = 4 };

#define KNAPSACK_MOST ((int64_t)1 << 52) /* of |value| and |use| */
#define KNAPSACK_FREE INT64_MAX          /* a limit that is none */

/* Something limited that options use. Arrays are not owned. */
struct knapsack_kind {
    int64_t groups;       /* limits of this kind, at least 1 */
    const int32_t *group; /* [rows_local] the limit a slot counts against, -1: none; NULL: all
                             against the only one */
    const int64_t *use;   /* [rows_local][options], -2^52 .. 2^52 */
    const int64_t *limit; /* [groups] the same on every rank */
};

/* Something limited for each user alone. Arrays are not owned. */
struct knapsack_cap {
    const int64_t *use;   /* [rows_local][options], -2^52 .. 2^52 */
    const int64_t *limit; /* [users_local], KNAPSACK_FREE: none */
};

/* Slots to choose for; a slot is a row of blocks. Arrays are not owned. */
struct knapsack_cells {
    const struct blocks *blocks;
    int options;          /* 1 .. KNAPSACK_OPTIONS, the same on every rank */
    const int64_t *value; /* [rows_local][options], -2^52 .. 2^52 */
    bool rough;           /* prices need not be as near as they can: ten times farther will do */
    const uint32_t
        *allowed; /* [rows_local] bit k: option k may be chosen, at least one; NULL: all */
    int kinds;    /* 0 .. KNAPSACK_KINDS, the same on every rank */
    struct knapsack_kind kind[KNAPSACK_KINDS];
    int caps; /* 0 .. KNAPSACK_CAPS, with the kinds no more than KNAPSACK_KINDS; the same on every
                 rank */
    int64_t users_local;       /* where there are caps: users with slots on this rank */
    const int64_t *user_start; /* [users_local + 1] first slot of each user, all of it on one rank;
                                  then rows_local */
    struct knapsack_cap cap[KNAPSACK_CAPS];
};

/* Limits are numbered kind by kind: limit g of kind d is first_limit(d) + g. */

/* A price of each limit: units of value per 2^30 units of use. */
#define KNAPSACK_PRICE_BITS 30

struct knapsack_receipt {
    int64_t objective;   /* sum of chosen values */
    int64_t upper_bound; /* no choice within the limits is worth more */
    double gap;          /* (upper_bound - objective) / max(1, |objective|) */
    int64_t slots;
    int64_t iterations; /* of the search for prices, on samples or all slots */
    int64_t passes;     /* over the cells, those over samples by their part */
    int64_t repaired;   /* slots moved so that the limits hold */
    int64_t filled;     /* slots moved to use what was left */
    bool warm;          /* the prices given led to those behind the bound */
    bool exact;         /* a small problem, searched to its end: the objective is the optimum */
    bool impossible; /* no choice keeps the limits, or none was found: the only thing said here */
    bool proven;     /* of impossible: none does */
    int64_t count[KNAPSACK_OPTIONS];    /* slots per option */
    int64_t users;                      /* where there are caps */
    int64_t bound_users[KNAPSACK_CAPS]; /* who would choose otherwise at the prices without it */
    int64_t cap_cost[KNAPSACK_CAPS];    /* by how much the bound would rise without it */
};

/* Limits in all: [knapsack_limits] is the length of arrays of prices and uses. Local. */
int64_t knapsack_limits(const struct knapsack_cells *cells);

/**
 * Choose one option per slot.
 *
 * Collective.
 * price    inout  [limits] where to begin, 0 or those of a similar problem; then the prices behind
 *                 the bound; those of a proof where no choice keeps the limits
 * choice   out    [rows_local] option of each slot; undefined unless OK
 * used     out    [limits] what the choice uses; where receipt->impossible, what the last one tried
 *                 does
 * Errors: ERR_ARG shapes; ERR_DATA a cell out of range, or no option allowed (named); ERR_NUMERIC
 *         sums beyond 2^61, or receipt->impossible: then algorithms/knapsack_conflict.h says which
 *         limits are in conflict; ERR_MEMORY.
 * Cost: some 20 to 60 passes over the cells, most of them over a sample; a reduction of the limits
 *       each, and of the pairs of limits of different kinds.
 *       Small tables, up to 2^19 numbers: then a search of at most some 10^7 steps on every rank.
 * Memory: 1 byte a slot; 16 bytes for each pair of limits of different kinds; of small tables all
 *         cells on every rank.
 * Same bytes for any number of ranks.
 * Source: Everett 1963, Oper. Res. 11(3); Nesterov 2005, Math. Program. 103(1) (smoothing).
 */
enum status knapsack_solve(const struct comm *comm, const struct knapsack_cells *cells,
                           int64_t *price, uint8_t *choice, int64_t *used,
                           struct knapsack_receipt *receipt);

#endif
