/* The allocation problem of a run: cells of its candidates, the budget, the limits. */
#include "jobs/rounding.h"
#include "jobs/user_limits.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <string.h>

static enum status reserve(const struct cell_maker *maker, struct problem *problem)
{
    enum status status = OK;
    int64_t rows = problem->blocks.rows_local, cells = rows * maker->levels;
    problem->levels = maker->levels;
    memcpy(problem->level, maker->level, (size_t)maker->levels * sizeof *maker->level);
    TRY(memory_new(&problem->value, cells, sizeof *problem->value));
    TRY(memory_new(&problem->allowed, rows, sizeof *problem->allowed));
    for (int m = 0; m < problem->measures; m++)
        TRY(memory_new(&problem->measure[m].use, cells, sizeof *problem->measure[m].use));
done:
    return status;
}

/* What a level does, measure by measure. */
static void measure_level(const struct slot_cells *cells, const double *level, int k,
                          int64_t sum[LIMIT_MEASURES])
{
    sum[LIMIT_cost] = cells->cost[k];
    sum[LIMIT_purchases] = rounded(1e6 * cells->chance[k]);
    sum[LIMIT_revenue] = cells->revenue[k];
    sum[LIMIT_profit] = cells->profit[k];
    sum[LIMIT_profit_gain] = cells->profit[k] - cells->profit[0];
    sum[LIMIT_surplus] = cells->surplus[k];
    sum[LIMIT_discount] = rounded(1e9 * level[k]);
    sum[LIMIT_discounts] = k > 0;
}

static void fill_slot(const struct slot_cells *cells, const struct limit_plan *plan, int64_t slot,
                      struct problem *problem)
{
    int levels = problem->levels;
    problem->allowed[slot] = cells->allowed;
    if (cells->product < 0) return;
    memcpy(problem->value + slot * levels, cells->value, (size_t)levels * sizeof *cells->value);
    for (int k = 0; k < levels; k++) {
        int64_t sum[LIMIT_MEASURES];
        measure_level(cells, problem->level, k, sum);
        for (int m = 0; m < problem->measures; m++) {
            int64_t use = 0;
            for (int j = 0; j < LIMIT_MEASURES; j++) use += plan->factor[m][j] * sum[j];
            problem->measure[m].use[slot * levels + k] = use;
        }
    }
}

/* revenue out: of all slots without discounts, over all ranks */
static void fill(const struct comm *comm, const struct cell_maker *maker,
                 const struct limit_plan *plan, struct problem *problem, int64_t *revenue)
{
    struct slot_cells cells;
    *revenue = 0;
    for (int64_t i = 0; i < problem->blocks.rows_local; i++) {
        cells_of_slot(maker, i, &cells);
        fill_slot(&cells, plan, i, problem);
        *revenue += cells.revenue[0];
    }
    comm_sum_int64(comm, revenue, 1);
}

/* In units of cost; without one in the configuration a share of the revenue without discounts. */
static int64_t budget_of(const struct run *run, int64_t revenue)
{
    if (config_has(run->config, "allocate.budget"))
        return config_cents(run->config, "allocate.budget") * CELL_UNITS_PER_CENT;
    double share = config_number(run->config, "allocate.budget_share");
    return (int64_t)floor(share * (double)revenue / CELL_UNITS_PER_CENT) * CELL_UNITS_PER_CENT;
}

static enum status begin(const struct cell_maker *maker, const struct blocks *users,
                         struct limit_plan *plan, struct problem *problem)
{
    enum status status = OK;
    struct problem_kind *budget = NULL;
    int cost = 0;
    TRY(problem_blocks(users, maker->candidates->slots, &problem->blocks));
    TRY(problem_add_measure(problem, "cost", 1e-4, "currency", &cost));
    TRY(problem_add_kind(problem, "budget", "budget", cost, 1, &budget));
    plan->factor[cost][LIMIT_cost] = 1;
    plan->decimals[cost] = 4;
done:
    return status;
}

/* What fairness compares groups by has to be known of each level. */
static enum status add_surplus(const struct run *run, const struct dataset *dataset,
                               struct limit_plan *plan, struct problem *problem)
{
    int measure = 0;
    if (dataset->users.group.name == NULL) return OK;
    if (!config_is(run->config, "allocate.fairness.measure", "surplus")) return OK;
    for (int m = 0; m < problem->measures; m++)
        if (strcmp(problem->measure[m].name, "surplus") == 0) return OK;
    enum status status = problem_add_measure(problem, "surplus", 1e-4, "currency", &measure);
    if (status != OK) return status;
    plan->factor[measure][LIMIT_surplus] = 1;
    plan->decimals[measure] = 4;
    return OK;
}

enum status problem_make(const struct comm *comm, const struct run *run,
                         const struct dataset *dataset, const struct cell_maker *maker,
                         struct problem *problem)
{
    enum status status = OK;
    struct limit_plan plan = {0};
    int64_t revenue = 0, grouped = 0;
    *problem = (struct problem){0};
    TRY_ALL(comm, begin(maker, &dataset->users.blocks, &plan, problem));
    TRY(limit_kinds_add(comm, run, dataset, maker->candidates, &plan, problem));
    TRY_ALL(comm, add_surplus(run, dataset, &plan, problem));
    TRY(user_limits_add(comm, run, dataset, maker->candidates->slots, &plan, problem));
    for (int d = 0; d < problem->kinds; d++) grouped += problem->kind[d].group != NULL;
    log_need(comm, problem->blocks.rows_local *
                           (8 * maker->levels * (1 + problem->measures) + 4 * (1 + grouped)) +
                       8 * problem->users_local * (1 + problem->caps));
    TRY_ALL(comm, reserve(maker, problem));
    fill(comm, maker, &plan, problem, &revenue);
    problem->kind[0].limit[0] = budget_of(run, revenue);
done:
    return status;
}
