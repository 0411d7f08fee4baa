/* What exploration may cost, and what it came to. */
#include "jobs/explore.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Without allocate.explore.cost_most: of the budget. */
#define COST_SHARE 0.1

static int cost_measure(const struct problem *problem)
{
    int m = 0;
    while (m < problem->measures && strcmp(problem->measure[m].name, "cost") != 0) m++;
    return m;
}

static const struct problem_kind *budget_of(const struct problem *problem)
{
    for (int d = 0; d < problem->kinds; d++)
        if (strcmp(problem->kind[d].rule, "budget") == 0) return &problem->kind[d];
    return NULL;
}

/* What exploration would need at most if no row had a discount, and a little for what is left over
 * of strata. */
static int64_t need_of(const struct comm *comm, const struct problem *problem, double share)
{
    int64_t sum = 0;
    const int64_t *cost = problem->measure[cost_measure(problem)].use;
    for (int64_t i = 0; i < problem->blocks.rows_local; i++) {
        const int64_t *of = cost + i * problem->levels;
        int64_t most = 0;
        for (int k = 1; k < problem->levels; k++)
            if ((problem->allowed[i] >> k & 1) != 0 && of[k] - of[0] > most) most = of[k] - of[0];
        sum += most;
    }
    comm_sum_int64(comm, &sum, 1);
    return (int64_t)ceil(1.1 * share * (double)sum);
}

/* Every limit on cost loses the same part. */
static void lower(struct problem *problem, double part)
{
    int cost = cost_measure(problem);
    for (int d = 0; d < problem->kinds; d++) {
        struct problem_kind *kind = &problem->kind[d];
        if (kind->measure != cost || kind->at_least) continue;
        for (int64_t g = 0; g < kind->groups; g++)
            if (kind->limit[g] > 0) kind->limit[g] -= (int64_t)(part * (double)kind->limit[g]);
    }
}

static enum status keep_limits(const struct problem *problem, int64_t **limit)
{
    int64_t limits = 0;
    for (int d = 0; d < problem->kinds; d++) limits += problem->kind[d].groups;
    enum status status = memory_new(limit, limits, sizeof **limit);
    int64_t *to = *limit;
    for (int d = 0; status == OK && d < problem->kinds; to += problem->kind[d++].groups)
        memcpy(to, problem->kind[d].limit, (size_t)problem->kind[d].groups * sizeof *to);
    return status;
}

enum status explore_reserve(const struct comm *comm, const struct run *run, struct problem *problem,
                            struct explore *explore)
{
    enum status status = OK;
    *explore = (struct explore){.share = config_number(run->config, "allocate.explore.share"),
                                .cost_most = INT64_MAX,
                                .seed = run->seed};
    if (explore->share <= 0.0) return OK;
    const struct problem_kind *budget = budget_of(problem);
    if (config_has(run->config, "allocate.explore.cost_most"))
        explore->cost_most =
            config_cents(run->config, "allocate.explore.cost_most") * CELL_UNITS_PER_CENT;
    else if (budget != NULL)
        explore->cost_most = (int64_t)(COST_SHARE * (double)budget->limit[0]);
    TRY_ALL(comm, keep_limits(problem, &explore->limit));
    if (budget == NULL || budget->limit[0] <= 0) goto done;
    int64_t need = need_of(comm, problem, explore->share);
    double taken = (double)(need < explore->cost_most ? need : explore->cost_most);
    lower(problem, fmin(1.0, taken / (double)budget->limit[0]));
done:
    return status;
}

json_t *explore_json(const struct explore *explore)
{
    const struct explored *done = &explore->done;
    if (explore->share <= 0.0) return NULL;
    json_t *most =
        explore->cost_most < INT64_MAX ? json_real((double)explore->cost_most / 1e4) : json_null();
    return json_pack("{s:f, s:s, s:I, s:I, s:I, s:I, s:o, s:f, s:f, s:f, s:f}", "share",
                     explore->share, "levels", "uniform", "rows", (json_int_t)done->rows,
                     "rows_with_all_levels", (json_int_t)done->rows_free, "rows_drawn",
                     (json_int_t)done->drawn, "rows_changed", (json_int_t)done->changed,
                     "cost_most", most, "cost_worst", (double)done->cost_worst / 1e4, "cost_mean",
                     (double)done->cost_mean / 1e4, "cost", (double)done->cost / 1e4, "objective",
                     (double)done->value / 1e4);
}

void explore_say(const struct explore *explore)
{
    const struct explored *done = &explore->done;
    if (explore->share <= 0.0) return;
    log_info("  exploration: %lld of %lld rows drawn, %lld to another level; costs %.2f, at most "
             "%.2f",
             (long long)done->drawn, (long long)done->rows, (long long)done->changed,
             (double)done->cost / 1e4, (double)done->cost_worst / 1e4);
    if (done->rows_free < done->rows)
        log_info("  exploration: %lld rows may only draw levels that use no more of any limit than "
                 "the one solved for; allocate.explore.cost_most or another limit is used up",
                 (long long)(done->rows - done->rows_free));
}

void explore_clear(struct explore *explore)
{
    free(explore->limit);
    explore->limit = NULL;
}
