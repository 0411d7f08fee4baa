/* The solver that suits the problem, and one certificate for both. */
#include "jobs/solution.h"

#include "algorithms/allocation.h"
#include "algorithms/knapsack_point.h"
#include "jobs/conflict.h"
#include "jobs/shortfall.h"
#include "jobs/user_limits.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PRICE_MOST 0x1p60

static bool is_one_budget(const struct problem *problem)
{
    return problem->kinds == 1 && problem->caps == 0 &&
           strcmp(problem->kind[0].rule, "budget") == 0;
}

/* A ratio of integers in 2^-30, as prices of limits are kept. */
static int64_t price_of(struct allocation_price price)
{
    double value = 0x1p30 * (double)price.value / (double)price.cost;
    return llrint(fmin(value, PRICE_MOST));
}

static enum status solve_budget(const struct comm *comm, const struct problem *problem,
                                struct choices *choices, struct solution *solution)
{
    const struct allocation_cells cells = {&problem->blocks, problem->levels, problem->value,
                                           problem->measure[0].use, problem->allowed};
    struct allocation_receipt receipt;
    enum status status =
        allocation_solve(comm, &cells, problem->kind[0].limit[0], choices->level, &receipt);
    if (status != OK) return status;
    choices->price[0] = price_of(receipt.price);
    solution->passes = receipt.passes;
    solution->filled = receipt.filled;
    return OK;
}

/* What a slot is worth without a discount changes no choice. The solver judges by the size of
 * values how near is near enough, so they are brought to what discounts change, and back. */
static void shift(struct problem *problem, const int64_t *base, int64_t sign)
{
    for (int64_t i = 0; i < problem->blocks.rows_local; i++)
        for (int k = 0; k < problem->levels; k++)
            problem->value[i * problem->levels + k] += sign * base[i];
}

/* Do all limits and caps hold without any discount? used out [limits] */
static bool holds_without(const struct comm *comm, const struct problem *problem,
                          const struct knapsack_cells *cells, struct choices *choices)
{
    int64_t at = 0;
    bool holds = true;
    memset(choices->level, 0, (size_t)problem->blocks.rows_local);
    knapsack_tally(comm, cells, choices->level, choices->used);
    for (int d = 0; d < problem->kinds; d++)
        for (int64_t g = 0; g < problem->kind[d].groups; g++, at++)
            holds = holds && choices->used[at] <= problem->kind[d].limit[g];
    int64_t broken = !user_limits_hold(problem, choices->level);
    comm_max_int64(comm, &broken, 1);
    return holds && broken == 0;
}

/* impossible out: no choice keeps the limits, or none was found */
static enum status try_limits(const struct comm *comm, struct problem *problem,
                              const struct knapsack_cells *cells, struct choices *choices,
                              struct solution *solution, bool *impossible)
{
    enum status status = OK;
    struct knapsack_receipt receipt = {0};
    int64_t *base = NULL;
    TRY_ALL(comm, memory_new(&base, problem->blocks.rows_local, sizeof *base));
    for (int64_t i = 0; i < problem->blocks.rows_local; i++)
        base[i] = problem->value[i * problem->levels];
    shift(problem, base, -1);
    status = knapsack_solve(comm, cells, choices->price, choices->level, choices->used, &receipt);
    shift(problem, base, 1);
    *impossible = receipt.impossible;
    solution->none_can = receipt.proven;
    solution->iterations += receipt.iterations;
    solution->passes += receipt.passes;
    solution->repaired += receipt.repaired;
    solution->filled += receipt.filled;
    solution->warm = receipt.warm;
done:
    free(base);
    return status;
}

static enum status solve_limits(const struct comm *comm, struct problem *problem,
                                const struct knapsack_cells *cells, struct choices *choices,
                                struct solution *solution)
{
    bool impossible = false;
    enum status status = try_limits(comm, problem, cells, choices, solution, &impossible);
    if (status == ERR_NUMERIC && holds_without(comm, problem, cells, choices)) {
        log_warning("limits are so tight that no discounts were found that keep them: the table "
                    "has none; loosen them where the gap is too large");
        status = OK;
    }
    if (status == ERR_NUMERIC && impossible) status = conflict_tell(comm, problem, cells, choices);
    return status;
}

/* The bound at the prices that are kept; used is lent for room. */
static enum status bound(const struct comm *comm, const struct knapsack_cells *cells,
                         struct choices *choices)
{
    enum status status = OK;
    struct knapsack_point point;
    uint8_t *level = NULL;
    TRY_ALL(comm, memory_new(&level, cells->blocks->rows_local, 1));
    TRY(knapsack_at_prices(comm, cells, choices->price, level, choices->used, &point));
    choices->upper_bound = point.bound;
done:
    free(level);
    return status;
}

static int64_t base_value(const struct comm *comm, const struct problem *problem)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < problem->blocks.rows_local; i++)
        sum += problem->value[i * problem->levels];
    comm_sum_int64(comm, &sum, 1);
    return sum;
}

void solution_measure_gap(const struct choices *choices, struct solution *solution)
{
    double objective = (double)choices->objective, upper = (double)choices->upper_bound;
    double gap = (double)(choices->upper_bound - choices->objective);
    solution->gap = gap / fmax(1.0, fabs(objective));
    solution->gap_gain = gap / fmax(1.0, upper - (double)solution->base_value);
}

static enum status reserve(const struct knapsack_cells *cells, struct choices *choices)
{
    enum status status = OK;
    choices->limits = knapsack_limits(cells);
    TRY(memory_new(&choices->level, cells->blocks->rows_local, 1));
    TRY(memory_new(&choices->used, choices->limits, sizeof *choices->used));
    if (choices->price == NULL)
        TRY(memory_new(&choices->price, choices->limits, sizeof *choices->price));
done:
    return status;
}

enum status solution_find(const struct comm *comm, struct problem *problem, struct choices *choices,
                          struct solution *solution)
{
    enum status status = OK;
    struct knapsack_cells cells;
    *solution = (struct solution){.base_value = base_value(comm, problem)};
    problem_cells(problem, &cells);
    TRY_ALL(comm, reserve(&cells, choices));
    TRY(shortfall_check(comm, problem));
    if (is_one_budget(problem))
        TRY(solve_budget(comm, problem, choices, solution));
    else
        TRY(solve_limits(comm, problem, &cells, choices, solution));
    TRY(solution_certify(comm, problem, choices, solution));
done:
    return status;
}

enum status solution_try(const struct comm *comm, struct problem *problem, struct choices *choices,
                         struct solution *solution)
{
    enum status status = OK;
    struct knapsack_cells cells;
    bool impossible;
    *solution = (struct solution){.base_value = base_value(comm, problem)};
    problem_cells(problem, &cells);
    TRY_ALL(comm, reserve(&cells, choices));
    if (is_one_budget(problem))
        TRY(solve_budget(comm, problem, choices, solution));
    else
        TRY(try_limits(comm, problem, &cells, choices, solution, &impossible));
    TRY(solution_certify(comm, problem, choices, solution));
done:
    return status;
}

enum status solution_certify(const struct comm *comm, const struct problem *problem,
                             struct choices *choices, struct solution *solution)
{
    enum status status = OK;
    struct knapsack_cells cells;
    problem_cells(problem, &cells);
    TRY(bound(comm, &cells, choices));
    choices->objective = knapsack_tally(comm, &cells, choices->level, choices->used);
    solution_measure_gap(choices, solution);
done:
    return status;
}
