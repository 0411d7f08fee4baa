/**
 * The rules of a shop that are more than limits of sums: solved by solving the problem again.
 *
 * Fairness adds limits where a table breaks it. A most number of levels chooses which ones by
 * solving for the sets that may be best.
 */
#ifndef REMISE_JOBS_POLICY_H
#define REMISE_JOBS_POLICY_H

#include "jobs/fairness.h"
#include "jobs/solution.h"

struct policy {
    struct fairness fairness;
    int64_t levels_most; /* different discounts there may be; 0: any number */
    int64_t level_sets;  /* of levels that were solved for */
};

/**
 * Take the rules of a run and prepare the problem for them. Collective.
 * policy  out  the caller clears it with policy_clear, also on failure
 */
enum status policy_open(const struct comm *comm, const struct run *run,
                        const struct dataset *dataset, const struct cell_maker *maker,
                        const struct problem *problem, struct policy *policy);
/** Free; accepts a zeroed struct. Local. */
void policy_clear(struct policy *policy);

/**
 * Solve under all rules.
 *
 * Collective.
 * problem  inout  gets limits of fairness, and loses levels that are not among the best set
 * Others as solution_find; the upper bound is that of any set of levels.
 */
enum status policy_solve(const struct comm *comm, struct policy *policy, struct problem *problem,
                         struct choices *choices, struct solution *solution);

#endif
