/* The allocation problem made from cells and settings. */
#include "jobs/problem.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- parts ---- */

enum status problem_blocks(const struct blocks *users, int64_t slots, struct blocks *blocks)
{
    *blocks = *users;
    blocks->start = NULL;
    enum status status = memory_new(&blocks->start, users->blocks_local + 1, sizeof *blocks->start);
    if (status != OK) return status;
    for (int64_t b = 0; b <= users->blocks_local; b++) blocks->start[b] = slots * users->start[b];
    blocks->rows_total *= slots;
    blocks->rows_local *= slots;
    blocks->row_first *= slots;
    return OK;
}

static enum status copy_text(const char *text, char **copy)
{
    *copy = strdup(text);
    return *copy != NULL ? OK : FAIL(ERR_MEMORY, "no memory for the names of limits");
}

static enum status name_measure(struct problem_measure *measure, const char *name, double unit,
                                const char *unit_name)
{
    enum status status = OK;
    measure->unit = unit;
    TRY(copy_text(name, &measure->name));
    TRY(copy_text(unit_name, &measure->unit_name));
done:
    return status;
}

static enum status name_kind(struct problem_kind *kind, const char *name, const char *rule,
                             int measure)
{
    enum status status = OK;
    kind->groups = 1;
    kind->measure = measure;
    TRY(copy_text(name, &kind->name));
    TRY(copy_text(rule, &kind->rule));
    TRY(memory_new(&kind->limit, 1, sizeof *kind->limit));
done:
    return status;
}

/* ---- cells ---- */

static enum status reserve(const struct cell_maker *maker, const struct blocks *users,
                           struct problem *problem)
{
    enum status status = OK;
    problem->levels = maker->levels;
    memcpy(problem->level, maker->level, (size_t)maker->levels * sizeof *maker->level);
    TRY(problem_blocks(users, maker->candidates->slots, &problem->blocks));
    int64_t rows = problem->blocks.rows_local, cells = rows * problem->levels;
    TRY(memory_new(&problem->value, cells, sizeof *problem->value));
    TRY(memory_new(&problem->allowed, rows, sizeof *problem->allowed));
    for (int m = 0; m < problem->measures; m++)
        TRY(memory_new(&problem->measure[m].use, cells, sizeof *problem->measure[m].use));
done:
    return status;
}

/* revenue out: of all slots without discounts, over all ranks */
static void fill_cells(const struct comm *comm, const struct cell_maker *maker,
                       struct problem *problem, int64_t *revenue)
{
    struct slot_cells cells;
    int levels = problem->levels;
    *revenue = 0;
    for (int64_t i = 0; i < problem->blocks.rows_local; i++) {
        cells_of_slot(maker, i, &cells);
        memcpy(problem->value + i * levels, cells.value, (size_t)levels * sizeof *cells.value);
        memcpy(problem->measure[0].use + i * levels, cells.cost,
               (size_t)levels * sizeof *cells.cost);
        problem->allowed[i] = cells.allowed;
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

enum status problem_make(const struct comm *comm, const struct run *run,
                         const struct dataset *dataset, const struct cell_maker *maker,
                         struct problem *problem)
{
    enum status status = OK;
    int64_t revenue = 0;
    const struct blocks *users = &dataset->users.blocks;
    *problem = (struct problem){.measures = 1, .kinds = 1};
    log_need(comm, users->rows_local * maker->candidates->slots *
                       (8 * maker->levels * (1 + problem->measures) + 4));
    TRY_ALL(comm, name_measure(&problem->measure[0], "cost", 1e-4, "currency"));
    TRY_ALL(comm, name_kind(&problem->kind[0], "budget", "budget", 0));
    TRY_ALL(comm, reserve(maker, users, problem));
    fill_cells(comm, maker, problem, &revenue);
    problem->kind[0].limit[0] = budget_of(run, revenue);
done:
    return status;
}

void problem_cells(const struct problem *problem, struct knapsack_cells *cells)
{
    *cells = (struct knapsack_cells){.blocks = &problem->blocks,
                                     .options = problem->levels,
                                     .value = problem->value,
                                     .allowed = problem->allowed,
                                     .kinds = problem->kinds};
    for (int d = 0; d < problem->kinds; d++) {
        const struct problem_kind *kind = &problem->kind[d];
        cells->kind[d] = (struct knapsack_kind){.groups = kind->groups,
                                                .group = kind->group,
                                                .use = problem->measure[kind->measure].use,
                                                .limit = kind->limit};
    }
}

void problem_clear(struct problem *problem)
{
    blocks_clear(&problem->blocks);
    free(problem->value);
    free(problem->allowed);
    for (int m = 0; m < problem->measures; m++) {
        free(problem->measure[m].name);
        free(problem->measure[m].unit_name);
        free(problem->measure[m].use);
    }
    for (int d = 0; d < problem->kinds; d++) {
        free(problem->kind[d].name);
        free(problem->kind[d].rule);
        free(problem->kind[d].group);
        free(problem->kind[d].limit);
        dictionary_clear(&problem->kind[d].names);
    }
    *problem = (struct problem){0};
}
