/* Solving again until the rules hold. */
#include "jobs/policy.h"

#include "algorithms/knapsack_point.h"
#include "jobs/level_sets.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum status policy_open(const struct comm *comm, const struct run *run,
                        const struct dataset *dataset, const struct cell_maker *maker,
                        struct problem *problem, struct policy *policy)
{
    enum status status = OK;
    *policy = (struct policy){.candidates = maker->candidates};
    if (config_has(run->config, "allocate.levels_most"))
        policy->levels_most = config_integer(run->config, "allocate.levels_most");
    TRY(churn_open(comm, run, dataset, maker->candidates, problem, &policy->churn));
    TRY(fairness_open(comm, run, dataset, maker->candidates, problem, &policy->fairness));
    TRY(earlier_open(comm, run, &policy->earlier));
done:
    return status;
}

void policy_clear(struct policy *policy)
{
    earlier_clear(&policy->earlier);
    fairness_clear(&policy->fairness);
    churn_clear(&policy->churn);
}

/* ---- fairness ---- */

/* What is solved becomes where the next solution begins: its prices, and for limits that are new
 * those they had earlier. */
static enum status begin_again(const struct comm *comm, struct policy *policy,
                               const struct problem *problem, struct choices *choices)
{
    enum status status = OK;
    struct knapsack_cells cells;
    int64_t slots = choices->slots, before = choices->limits, *price = choices->price, first = 0;
    int kind = 0;
    problem_cells(problem, &cells);
    choices->price = NULL;
    choices_clear(choices);
    choices->slots = slots;
    TRY_ALL(comm, memory_grow(&price, before, knapsack_limits(&cells), sizeof *price));
    while (first < before) first += problem->kind[kind++].groups;
    earlier_take(&policy->earlier, problem, kind, price);
done:
    choices->price = price;
    return status;
}

typedef enum status solver(const struct comm *comm, struct problem *problem,
                           struct choices *choices, struct solution *solution);

static enum status solve_fairly(const struct comm *comm, struct policy *policy,
                                struct problem *problem, struct choices *choices,
                                struct solution *solution)
{
    enum status status = OK;
    struct fairness *f = &policy->fairness;
    int64_t pairs = 0, iterations = 0, passes = 0;
    /* A set of levels is only asked about: nobody need be told why it has no solution. */
    solver *solve = policy->sets > 0 ? solution_try : solution_find;
    TRY(solve(comm, problem, choices, solution));
    if (policy->sets == 0) policy->earlier.used = policy->earlier.met > 0 && solution->warm;
    fairness_look(comm, problem, choices->level, f);
    if (f->known && f->rounds == 0) {
        memcpy(f->sum_off, f->sum, (size_t)f->groups.names.count * sizeof *f->sum);
        f->objective_off = choices->objective;
    }
    for (;;) {
        iterations += solution->iterations;
        passes += solution->passes;
        TRY(fairness_add_pairs(comm, problem, f, &pairs));
        if (pairs == 0) break;
        log_info("  fairness: %lld pair%s of groups differ by more than delta; solving again",
                 (long long)pairs, pairs == 1 ? "" : "s");
        TRY(begin_again(comm, policy, problem, choices));
        TRY(solve(comm, problem, choices, solution));
        fairness_look(comm, problem, choices->level, f);
    }
    solution->iterations = iterations;
    solution->passes = passes;
done:
    return status;
}

/* ---- few levels ---- */

/* The best set of levels so far. */
struct best {
    bool found;
    uint32_t levels;
    int64_t objective, upper_bound; /* the bound is of all sets */
    struct solution solution;
    int64_t limits, *price;
    uint8_t *level;
};

static void keep(struct choices *choices, const struct solution *solution, uint32_t levels,
                 struct best *best)
{
    free(best->price);
    free(best->level);
    best->found = true;
    best->levels = levels;
    best->objective = choices->objective;
    best->solution = *solution;
    best->limits = choices->limits;
    best->price = choices->price;
    best->level = choices->level;
    choices->price = NULL;
    choices->level = NULL;
}

static uint32_t levels_used(const struct comm *comm, const struct problem *problem,
                            const uint8_t *level)
{
    int64_t count[CELL_LEVELS] = {0};
    uint32_t used = 1;
    for (int64_t i = 0; i < problem->blocks.rows_local; i++) count[level[i]]++;
    comm_sum_int64(comm, count, CELL_LEVELS);
    for (int k = 1; k < CELL_LEVELS; k++) used |= (uint32_t)(count[k] > 0) << k;
    return used;
}

/* allowed in [slots_local] before any set was chosen */
static void allow(const uint32_t *allowed, uint32_t levels, struct problem *problem)
{
    for (int64_t i = 0; i < problem->blocks.rows_local; i++)
        problem->allowed[i] = allowed[i] & levels;
}

/* The bound is of all sets that may hold the best table. */
static void raise_bound(struct best *best, int64_t bound)
{
    if (bound > best->upper_bound) best->upper_bound = bound;
}

/* Solve for one set, from the prices of the best so far; one without a solution is passed over. */
static enum status try_set(const struct comm *comm, struct policy *policy, struct problem *problem,
                           const struct level_set *set, const struct best *from,
                           struct choices *choices, struct best *best)
{
    enum status status = OK;
    struct solution solution;
    int64_t slots = choices->slots;
    choices_clear(choices);
    choices->slots = slots;
    choices->limits = from->limits;
    TRY_ALL(comm, memory_new(&choices->price, from->limits, sizeof *choices->price));
    memcpy(choices->price, from->price, (size_t)from->limits * sizeof *choices->price);
    TRY(begin_again(comm, policy, problem, choices));
    status = solve_fairly(comm, policy, problem, choices, &solution);
    policy->sets_solved++;
    bool solved = status == OK;
    if (status == ERR_NUMERIC) status = OK;
    TRY(status);
    if (solved || !solution.none_can)
        raise_bound(best, solved && choices->upper_bound < set->bound ? choices->upper_bound
                                                                      : set->bound);
    if (solved && (!best->found || choices->objective > best->objective))
        keep(choices, &solution, set->levels, best);
done:
    return status;
}

static enum status try_sets(const struct comm *comm, struct policy *policy, struct problem *problem,
                            const uint32_t *allowed, const struct level_sets *sets,
                            const struct best *all, struct choices *choices, struct best *best)
{
    enum status status = OK;
    best->upper_bound = INT64_MIN;
    for (int64_t s = 0; s < sets->count; s++) {
        bool closed = best->found && sets->set[s].bound <= best->objective;
        if (closed || (best->found && s >= POLICY_SETS)) {
            raise_bound(best, sets->set[s].bound);
            break;
        }
        allow(allowed, sets->set[s].levels, problem);
        TRY(try_set(comm, policy, problem, &sets->set[s], best->found ? best : all, choices, best));
    }
    if (!best->found)
        TRY(FAIL(ERR_NUMERIC,
                 "no choice was found that keeps all limits with at most %lld different "
                 "discounts; raise allocate.levels_most",
                 (long long)policy->levels_most));
done:
    return status;
}

/* The best set becomes the choice, with all limits there are by now. */
static enum status take_best(const struct comm *comm, struct policy *policy,
                             const uint32_t *allowed, struct problem *problem, struct best *best,
                             struct choices *choices, struct solution *solution)
{
    enum status status = OK;
    int64_t slots = choices->slots;
    struct knapsack_cells cells;
    allow(allowed, best->levels, problem);
    problem_cells(problem, &cells);
    choices_clear(choices);
    *choices = (struct choices){.slots = slots, .limits = knapsack_limits(&cells)};
    choices->level = best->level;
    choices->price = best->price;
    best->level = NULL;
    best->price = NULL;
    TRY_ALL(comm,
            memory_grow(&choices->price, best->limits, choices->limits, sizeof *choices->price));
    TRY_ALL(comm, memory_new(&choices->used, choices->limits, sizeof *choices->used));
    choices->objective = knapsack_tally(comm, &cells, choices->level, choices->used);
    choices->upper_bound = best->upper_bound;
    *solution = best->solution;
    solution_measure_gap(choices, solution);
    fairness_look(comm, problem, choices->level, &policy->fairness);
done:
    return status;
}

static enum status choose_levels(const struct comm *comm, struct policy *policy,
                                 struct problem *problem, struct choices *choices,
                                 struct solution *solution)
{
    enum status status = OK;
    struct level_sets sets = {0};
    struct best all = {0}, best = {0};
    uint32_t *allowed = NULL;
    int64_t slots = problem->blocks.rows_local;
    TRY_ALL(comm, memory_new(&allowed, slots, sizeof *allowed));
    memcpy(allowed, problem->allowed, (size_t)slots * sizeof *allowed);
    TRY(level_sets_make(comm, problem, choices, policy->levels_most, &sets));
    policy->sets = sets.count;
    keep(choices, solution, 0, &all);
    TRY(try_sets(comm, policy, problem, allowed, &sets, &all, choices, &best));
    TRY(take_best(comm, policy, allowed, problem, &best, choices, solution));
    log_info("  at most %lld different discounts: the best of %lld sets of levels, %lld solved",
             (long long)policy->levels_most, (long long)sets.count, (long long)policy->sets_solved);
done:
    level_sets_clear(&sets);
    free(allowed);
    free(all.price);
    free(all.level);
    free(best.price);
    free(best.level);
    return status;
}

enum status policy_solve(const struct comm *comm, struct policy *policy, struct problem *problem,
                         struct choices *choices, struct solution *solution)
{
    enum status status = OK;
    TRY(earlier_begin(comm, &policy->earlier, problem, choices));
    TRY(solve_fairly(comm, policy, problem, choices, solution));
    policy->objective_all = choices->objective;
    uint32_t used = levels_used(comm, problem, choices->level);
    if (policy->levels_most > 0 && __builtin_popcount(used) - 1 > policy->levels_most)
        TRY(choose_levels(comm, policy, problem, choices, solution));
    churn_look(comm, problem, policy->candidates, choices->level, &policy->churn);
done:
    return status;
}

void policy_look(const struct comm *comm, const struct problem *problem,
                 const struct choices *choices, struct policy *policy)
{
    fairness_look(comm, problem, choices->level, &policy->fairness);
    churn_look(comm, problem, policy->candidates, choices->level, &policy->churn);
}

/* ---- the receipt ---- */

static void add(json_t *receipt, const char *name, json_t *part)
{
    if (part != NULL) json_object_set_new(receipt, name, part);
}

void policy_json(const struct policy *policy, const struct choices *choices, json_t *receipt)
{
    add(receipt, "prices_from", earlier_json(&policy->earlier));
    add(receipt, "fairness", fairness_json(&policy->fairness, choices->objective));
    add(receipt, "churn", churn_json(&policy->churn));
    if (policy->levels_most > 0)
        add(receipt, "levels_most",
            json_pack("{s:I, s:I, s:I, s:f}", "most", (json_int_t)policy->levels_most, "sets",
                      (json_int_t)policy->sets, "sets_solved", (json_int_t)policy->sets_solved,
                      "costs", (double)(policy->objective_all - choices->objective) / 1e4));
}
