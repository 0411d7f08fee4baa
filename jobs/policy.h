/**
 * The rules of a shop that are more than limits of sums: solved by solving the problem again.
 *
 * Fairness adds limits where a table breaks it (jobs/fairness.h). A most number of different
 * discounts chooses which ones: sets of levels are solved for in the order of their bounds
 * (jobs/level_sets.h) until no other can be better, or POLICY_SETS were.
 */
#ifndef REMISE_JOBS_POLICY_H
#define REMISE_JOBS_POLICY_H

#include "jobs/churn.h"
#include "jobs/earlier.h"
#include "jobs/fairness.h"
#include "jobs/solution.h"

enum { POLICY_SETS = 8 };

struct policy {
    const struct candidates *candidates; /* not owned */
    struct earlier earlier;              /* where prices begin */
    struct fairness fairness;
    struct churn churn;
    int64_t levels_most;       /* different discounts there may be; 0: any number */
    int64_t sets, sets_solved; /* of levels, where not all may be used */
    int64_t objective_all;     /* with all levels */
};

/**
 * Take the rules of a run and prepare the problem for them. Collective.
 * problem  inout  gets the limit of churn
 * policy   out    the caller clears it with policy_clear, also on failure
 * Errors: those of fairness_open and churn_open.
 */
enum status policy_open(const struct comm *comm, const struct run *run,
                        const struct dataset *dataset, const struct cell_maker *maker,
                        struct problem *problem, struct policy *policy);
/** Free; accepts a zeroed struct. Local. */
void policy_clear(struct policy *policy);

/**
 * Solve under all rules.
 *
 * Collective.
 * problem  inout  gets limits of fairness, and loses levels that are not among the best set
 * Others as solution_find; with few levels the upper bound is that of any set of them.
 */
enum status policy_solve(const struct comm *comm, struct policy *policy, struct problem *problem,
                         struct choices *choices, struct solution *solution);

/** See anew what levels that were changed afterwards come to. Collective. */
void policy_look(const struct comm *comm, const struct problem *problem,
                 const struct choices *choices, struct policy *policy);

/** What the rules came to, into the receipt. Local. */
void policy_json(const struct policy *policy, const struct choices *choices, json_t *receipt);

#endif
