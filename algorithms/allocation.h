/**
 * One discount level per slot under one budget, exact and certified.
 *
 * A slot is an offer (user, product) with a few levels; level 0 is no discount and costs nothing.
 * `allocation_solve` picks one allowed level per slot so that the values add up to as much as
 * possible and the costs stay within the budget, and proves how good that is: no choice whatever
 * can beat `upper_bound`.
 *
 * Per slot only the upper hull of (cost, value) matters. Its increments are taken by falling slope
 * until the budget is used; the slope where that happens is the dual price, found exactly by
 * selection, without iteration. What is left is spent on the best single moves that still fit. The
 * bound is the Lagrangian dual at that price, worked out over all levels in integers and rounded
 * up, so it does not depend on hulls, keys or selection being right.
 *
 * Values and costs are integers in one unit each, by convention 1/10,000 of the currency unit.
 */
#ifndef REMISE_ALGORITHMS_ALLOCATION_H
#define REMISE_ALGORITHMS_ALLOCATION_H

#include "partition/blocks.h"

enum { ALLOCATION_LEVELS = 32 };

/* Slots to choose for; a slot is a row of blocks. */
struct allocation_cells {
    const struct blocks *blocks; /* not owned */
    int levels;                  /* 1 .. ALLOCATION_LEVELS, the same on every rank */
    const int64_t *value;        /* not owned; [rows_local][levels], -2^52 .. 2^52 */
    const int64_t *cost;         /* not owned; [rows_local][levels], 0 .. 2^52; cost[.][0] == 0 */
    const uint32_t *allowed;     /* not owned; [rows_local] bit k: level k may be chosen, bit 0
                                    always; NULL: all may */
};

/* A price of budget as a ratio of integers: units of value per unit of cost. */
struct allocation_price {
    int64_t value; /* 0 .. 2^53 */
    int64_t cost;  /* 1 .. 2^53 */
};

/* What slots do at a price when each maximises value - price x cost, the cheapest among equals. */
struct allocation_point {
    int64_t value;
    int64_t spent;
};

struct allocation_receipt {
    int64_t objective;   /* sum of chosen values */
    int64_t upper_bound; /* no choice within the budget has more; >= objective */
    int64_t base_value;  /* sum of values with every slot at level 0 */
    double gap;          /* (upper_bound - objective) / max(1, |objective|) */
    double gap_gain;     /* the same over max(1, upper_bound - base_value): the stricter one */
    int64_t budget, spent, slack;  /* slack = budget - spent >= 0 */
    struct allocation_price price; /* dual price of the budget, exact; 0/1 if it does not bind */
    double dual_price;             /* the same as a number: value per unit of cost */
    double marginal; /* value of 10,000 more units of cost (one currency unit) at the dual price */
    int64_t slots, levels;
    int64_t count[ALLOCATION_LEVELS]; /* slots per level */
    int64_t spend[ALLOCATION_LEVELS]; /* cost per level */
    int64_t filled;                   /* slots moved to use up what was left of the budget */
    int64_t passes;                   /* over the cells or their keys */
};

/**
 * Choose one level per slot.
 *
 * Collective.
 * budget   in   >= 0, the same on every rank; INT64_MAX: no limit, each slot at its best
 * choice   out  [rows_local] level of each slot; undefined unless OK
 * receipt  out  the same on every rank
 * Units: those of value and cost.
 * The bound is the optimum of the linear relaxation, rounded up, and the objective misses it by
 * less than the gain of one increment, so the gap vanishes as slots grow. (Where increments exceed
 * 2^26 units, slopes closer than 2^-52 may count as equal, which loosens both by as little.)
 * Cost: O(slots levels) in 7 passes, and one for each 1,024 slots moved to use up the rest, at most
 *       16; 4 bytes of memory per level of each slot and 1 MiB; four reductions of at most 512 KiB
 *       and a few small ones.
 * Same bytes for any number of ranks.
 * Errors: ERR_ARG budget or levels; ERR_DATA a cell is out of range or level 0 not free (named);
 *         ERR_NUMERIC the largest values or costs of all slots add up to more than 2^61;
 *         ERR_MEMORY.
 * Source: Sinha and Zoltners 1979, Oper. Res. 27(3) (multiple-choice knapsack by hulls); Everett
 *         1963, Oper. Res. 11(3) (bound).
 */
enum status allocation_solve(const struct comm *comm, const struct allocation_cells *cells,
                             int64_t budget, uint8_t *choice, struct allocation_receipt *receipt);

/**
 * What the slots would earn and spend at a price, and thereby a bound for every budget.
 *
 * Collective.
 * point  out  the same on every rank; see allocation_bound
 * Cost: two passes.
 * Same bytes for any number of ranks.
 * Errors: ERR_ARG the price is out of range; else as allocation_solve.
 */
enum status allocation_at_price(const struct comm *comm, const struct allocation_cells *cells,
                                struct allocation_price price, struct allocation_point *point);

/** The dual bound, value + price (budget - spent) rounded up; INT64_MAX if beyond. Local. */
int64_t allocation_bound(struct allocation_price price, struct allocation_point point,
                         int64_t budget);

#endif
