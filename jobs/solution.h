/**
 * The allocation problem of a run solved: choices, their certificate, and how it was found.
 */
#ifndef REMISE_JOBS_SOLUTION_H
#define REMISE_JOBS_SOLUTION_H

#include "jobs/choices.h"

struct solution {
    int64_t base_value;       /* objective with every slot at level 0 */
    double gap;               /* (upper_bound - objective) / max(1, |objective|) */
    double gap_gain;          /* the same over max(1, upper_bound - base_value): the stricter one */
    int64_t iterations;       /* prices looked at; none where one budget is kept by selection */
    int64_t passes;           /* over the cells or their keys */
    int64_t repaired, filled; /* slots moved so that limits hold, and to use what was left */
    bool warm;                /* the prices given led to those behind the bound */
    bool none_can;            /* with ERR_NUMERIC: it is proven that no choice keeps the limits */
};

/**
 * Choose a level for every slot: one budget and nothing else by exact selection
 * (algorithms/allocation.h), anything else by algorithms/knapsack.h.
 *
 * Collective.
 * problem   in     the same afterwards; values are shifted meanwhile
 * choices   inout  slots is set; price, where there is one, holds where to begin; the rest is new,
 *                  freed by choices_clear; no receipt yet
 * solution  out    the same on every rank
 * The upper bound is that at the prices, so that whoever has the file can work it out again.
 * Memory: 9 bytes a slot.
 * Errors: those of the solvers; ERR_NUMERIC a limit that no table can keep (jobs/shortfall.h).
 * Same bytes for any number of ranks.
 */
enum status solution_find(const struct comm *comm, struct problem *problem, struct choices *choices,
                          struct solution *solution);

/**
 * The same for a problem that is only asked about: names of limits are not needed, and one that no
 * choice was found for is refused by ERR_NUMERIC without a word on why. Collective.
 */
enum status solution_try(const struct comm *comm, struct problem *problem, struct choices *choices,
                         struct solution *solution);

/** The gaps of an objective and a bound. Local. */
void solution_measure_gap(const struct choices *choices, struct solution *solution);

/**
 * Count what the choices are worth and use, and bound anew by the prices what could be had: for
 * levels, or limits, that changed after solution_find.
 *
 * Collective.
 * choices   inout  levels and prices; then used, objective and upper_bound
 * solution  inout  then both gaps
 * Errors: ERR_MEMORY.
 */
enum status solution_certify(const struct comm *comm, const struct problem *problem,
                             struct choices *choices, struct solution *solution);

#endif
