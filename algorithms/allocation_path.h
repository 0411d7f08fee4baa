/**
 * What every budget would earn: the whole path from no spending to all that is worth spending.
 *
 * The upper hulls of all slots are cut into steps, each from one level to the next, with a gain and
 * a cost. Taken by falling slope gain / cost they are the path: after each step the choice made so
 * far is the best of all for what it spends, and between two steps the value rises along a straight
 * line that no choice exceeds. One sort answers for all budgets, where algorithms/allocation.h
 * answers for one by selection.
 *
 * The path lies over the ranks in its order, each rank a stretch of about equal length.
 */
#ifndef REMISE_ALGORITHMS_ALLOCATION_PATH_H
#define REMISE_ALGORITHMS_ALLOCATION_PATH_H

#include "algorithms/allocation.h"

struct allocation_step {
    uint64_t order; /* steps ascend in it: the bits of hull_slope_key turned around */
    uint64_t place; /* among equals: slot << 5 | number of the step of its slot */
    int64_t mark;   /* of the cell it goes to */
    int64_t value;  /* of all slots after it */
    int64_t spent;  /* by all slots after it */
};

struct allocation_path {
    int64_t steps_total, steps_local;
    int64_t step_first;           /* number of this rank's first step */
    struct allocation_step *step; /* [steps_local] */
    int64_t base_value;           /* of all slots before the first step of the path: each at the */
    int64_t base_spent;           /* best of its cheapest levels; the same on every rank */
    int64_t value_before, spent_before; /* before this rank's first step */
    int64_t value_after, spent_after;   /* after the last step; the same on every rank */
};

/* The best within one budget. */
struct allocation_path_point {
    int64_t budget;
    int64_t steps;                 /* taken: all that fit in the order of the path; -1: the base
                                      alone is beyond the budget, and the rest means nothing */
    int64_t value, spent;          /* of the choice after them */
    int64_t upper_bound;           /* no choice within the budget is worth more */
    struct allocation_price price; /* slope of the next step; 0/1 where there is none */
};

/**
 * Sort all steps.
 *
 * Collective.
 * cells  in   as for allocation_solve, but costs may have either sign, -2^51 .. 2^51, level 0 need
 *             be neither free nor allowed, and a slot has at least one level allowed
 * mark   in   [rows_local][levels] what a step to the cell is marked by; NULL: its number, global
 *             slot x levels + level
 * path   out  the caller clears it with allocation_path_clear, also on failure
 * Cost: one pass over the cells, a sort of the steps (fewer than cells), one exchange of them.
 * Memory: 40 bytes a step, four times as much while it works.
 * Same steps for any number of ranks.
 * Errors: ERR_ARG levels; ERR_DATA a cell is out of range or a slot has no level (named);
 *         ERR_NUMERIC the largest values or costs of all slots add up to more than 2^61;
 *         ERR_MEMORY.
 * Source: Sinha and Zoltners 1979, Oper. Res. 27(3); Sverdrup, Wu, Athey and Wager 2023,
 *         arXiv:2306.11979 (the path as a curve of policies).
 */
enum status allocation_path_make(const struct comm *comm, const struct allocation_cells *cells,
                                 const int64_t *mark, struct allocation_path *path);
/** Free; accepts a zeroed struct. Local. */
void allocation_path_clear(struct allocation_path *path);

/**
 * The points of the path at some budgets.
 *
 * Collective.
 * point  inout  [points] budget given, the rest found; the same on every rank
 * Cost: a binary search each; two reductions of 40 bytes a point.
 * Errors: ERR_MEMORY.
 */
enum status allocation_path_at(const struct comm *comm, const struct allocation_path *path,
                               struct allocation_path_point *point, int64_t points);

/** Slope of a step of this rank as gain and cost. Local. */
struct allocation_price allocation_path_price(const struct allocation_path *path, int64_t at);

#endif
