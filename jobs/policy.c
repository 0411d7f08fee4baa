/* Solving again until the rules hold. */
#include "jobs/policy.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum status policy_open(const struct comm *comm, const struct run *run,
                        const struct dataset *dataset, const struct cell_maker *maker,
                        const struct problem *problem, struct policy *policy)
{
    *policy = (struct policy){0};
    return fairness_open(comm, run, dataset, maker->candidates, problem, &policy->fairness);
}

void policy_clear(struct policy *policy)
{
    fairness_clear(&policy->fairness);
}

/* What is solved becomes where the next solution begins: its prices, with room for new limits. */
static enum status begin_again(const struct comm *comm, const struct problem *problem,
                               struct choices *choices)
{
    enum status status = OK;
    struct knapsack_cells cells;
    int64_t slots = choices->slots, before = choices->limits, *price = choices->price;
    problem_cells(problem, &cells);
    choices->price = NULL;
    choices_clear(choices);
    choices->slots = slots;
    TRY_ALL(comm, memory_grow(&price, before, knapsack_limits(&cells), sizeof *price));
done:
    choices->price = price;
    return status;
}

static enum status solve_fairly(const struct comm *comm, struct policy *policy,
                                struct problem *problem, struct choices *choices,
                                struct solution *solution)
{
    enum status status = OK;
    struct fairness *f = &policy->fairness;
    int64_t pairs = 0, passes = 0;
    TRY(solution_find(comm, problem, choices, solution));
    fairness_look(comm, problem, choices->level, f);
    if (f->known && f->rounds == 0) {
        memcpy(f->sum_off, f->sum, (size_t)f->groups.names.count * sizeof *f->sum);
        f->objective_off = choices->objective;
    }
    for (;;) {
        passes += solution->passes;
        TRY(fairness_add_pairs(comm, problem, f, &pairs));
        if (pairs == 0) break;
        log_info("  fairness: %lld pair%s of groups differ by more than delta; solving again",
                 (long long)pairs, pairs == 1 ? "" : "s");
        TRY(begin_again(comm, problem, choices));
        TRY(solution_find(comm, problem, choices, solution));
        fairness_look(comm, problem, choices->level, f);
    }
    solution->passes = passes;
done:
    return status;
}

enum status policy_solve(const struct comm *comm, struct policy *policy, struct problem *problem,
                         struct choices *choices, struct solution *solution)
{
    return solve_fairly(comm, policy, problem, choices, solution);
}
