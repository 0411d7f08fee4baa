/* The allocate stage: one level per candidate within the limits, with a receipt. */
#include "jobs/allocate_receipt.h"
#include "jobs/cell_source.h"
#include "jobs/problem_json.h"
#include "jobs/run.h"
#include "mpi/log.h"

/* ---- the stage ---- */

static void say(const struct problem *problem, const struct choices *choices,
                const struct solution *solution)
{
    int64_t bind = 0;
    log_info("  objective %.2f (%.2f without discounts), upper bound %.2f, gap %.2e",
             (double)choices->objective / 1e4, (double)solution->base_value / 1e4,
             (double)choices->upper_bound / 1e4, solution->gap);
    log_info("  budget %.2f, spent %.2f, dual price %.4f", (double)problem->kind[0].limit[0] / 1e4,
             (double)choices->used[0] / 1e4,
             problem_shown_price(problem, &problem->kind[0], choices->price[0]));
    for (int64_t r = 1; r < choices->limits; r++) bind += choices->price[r] > 0;
    if (choices->limits > 1)
        log_info("  %lld further limits of %d kinds, all kept, %lld of them with a price",
                 (long long)choices->limits - 1, problem->kinds - 1, (long long)bind);
}

static enum status solve(const struct comm *comm, const struct run *run,
                         const struct dataset *dataset, const struct cell_maker *maker,
                         struct problem *problem, struct choices *choices)
{
    enum status status = OK;
    struct solution solution;
    struct policy policy = {0};
    struct explore explore = {0};
    const struct allocated allocated = {run, dataset, maker, problem, &policy, &solution, &explore};
    const struct explore_rows rows = {dataset->users.key, choices->slots,
                                      maker->candidates->product};
    TRY(problem_make(comm, run, dataset, maker, problem));
    TRY(policy_open(comm, run, dataset, maker, problem, &policy));
    TRY(explore_reserve(comm, run, problem, &explore));
    TRY(policy_solve(comm, &policy, problem, choices, &solution));
    TRY(explore_draw(comm, &rows, problem, choices, &explore));
    if (explore.share > 0.0) {
        TRY(solution_certify(comm, problem, choices, &solution));
        policy_look(comm, problem, choices, &policy);
    }
    TRY(allocate_receipt(comm, &allocated, choices));
    say(problem, choices, &solution);
    explore_say(&explore);
done:
    explore_clear(&explore);
    policy_clear(&policy);
    return status;
}

static enum status allocate_run(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct cell_source source = {0};
    struct problem problem = {0};
    struct choices choices = {0};
    TRY(reference_make(comm, run));
    TRY(cell_source_open(comm, run, DATASET_USERS, &source));
    TRY(running_say(comm, run, source.dataset, &source.running));
    choices.slots = source.candidates.slots;
    TRY(solve(comm, run, source.dataset, &source.maker, &problem, &choices));
    TRY(choices_write(comm, run_path(run, "choices.h5"), &source.dataset->users.blocks, &problem,
                      &choices));
done:
    problem_clear(&problem);
    choices_clear(&choices);
    cell_source_close(&source);
    return status;
}

static const char *const keys[] = {"allocate", "run", "privacy.min_users", NULL};
static const char *const needs[] = {"respond", NULL};
static const char *const outputs[] = {"prices.h5", "choices.h5", NULL};

const struct stage stage_allocate = {
    .name = "allocate",
    .does = "one discount level for each candidate, within the budget",
    .keys = keys,
    .needs = needs,
    .outputs = outputs,
    .run = allocate_run,
    .beside = churn_fingerprint,
};
