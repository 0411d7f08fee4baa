/**
 * The limits of the configuration as kinds of an allocation problem: measures they need, which
 * limit each slot counts against, and how high it is.
 *
 * Limits on one measure that differ in the group alone are one kind. Where several hold for a group
 * the strictest counts. A part of jobs/problem.h.
 */
#ifndef REMISE_JOBS_LIMIT_KINDS_H
#define REMISE_JOBS_LIMIT_KINDS_H

#include "jobs/limits.h"
#include "jobs/problem.h"

/* What each measure of the problem is made of: a sum of factor x measure of a limit. */
struct limit_plan {
    int64_t factor[KNAPSACK_KINDS][LIMIT_MEASURES];
    int decimals[KNAPSACK_KINDS];
};

/**
 * Add measures and kinds for allocate.limits; cells are not there yet.
 *
 * Collective.
 * dataset  in     with users where a limit is by market
 * problem  inout  blocks are there; has the budget
 * Errors: ERR_CONFIG a group that a limit names is not in the tables (each said in the log, with
 *         the one that may be meant), or too many kinds; those of reading profiles.h5; ERR_MEMORY.
 */
enum status limit_kinds_add(const struct comm *comm, const struct run *run,
                            const struct dataset *dataset, const struct candidates *candidates,
                            struct limit_plan *plan, struct problem *problem);

#endif
