/* The parts of an allocation problem. */
#include "jobs/problem.h"

#include "mpi/memory.h"

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

static enum status too_many(const char *what)
{
    return FAIL(ERR_CONFIG,
                "there are more than %d kinds of %s; drop some of allocate.limits (limits that "
                "differ in the group alone are of one kind)",
                KNAPSACK_KINDS, what);
}

enum status problem_add_measure(struct problem *problem, const char *name, double unit,
                                const char *unit_name, int *measure)
{
    enum status status = OK;
    if (problem->measures == KNAPSACK_KINDS) return too_many("measures");
    struct problem_measure *new = &problem->measure[ *measure = problem->measures++];
    *new = (struct problem_measure){.unit = unit};
    TRY(copy_text(name, &new->name));
    TRY(copy_text(unit_name, &new->unit_name));
    if (problem->value != NULL)
        TRY(memory_new(&new->use, problem->blocks.rows_local * problem->levels, sizeof *new->use));
done:
    return status;
}

enum status problem_add_kind(struct problem *problem, const char *name, const char *rule,
                             int measure, int64_t groups, struct problem_kind **kind)
{
    enum status status = OK;
    if (problem->kinds + problem->caps == KNAPSACK_KINDS) return too_many("limits");
    struct problem_kind *new = *kind = &problem->kind[problem->kinds++];
    *new = (struct problem_kind){.measure = measure, .groups = groups};
    TRY(copy_text(name, &new->name));
    TRY(copy_text(rule, &new->rule));
    TRY(memory_new(&new->limit, groups, sizeof *new->limit));
    for (int64_t g = 0; g < groups; g++) new->limit[g] = KNAPSACK_FREE;
done:
    return status;
}

void problem_cells(const struct problem *problem, struct knapsack_cells *cells)
{
    *cells = (struct knapsack_cells){.blocks = &problem->blocks,
                                     .options = problem->levels,
                                     .value = problem->value,
                                     .allowed = problem->allowed,
                                     .rough = problem->rough,
                                     .kinds = problem->kinds};
    for (int d = 0; d < problem->kinds; d++) {
        const struct problem_kind *kind = &problem->kind[d];
        cells->kind[d] = (struct knapsack_kind){.groups = kind->groups,
                                                .group = kind->group,
                                                .use = problem->measure[kind->measure].use,
                                                .limit = kind->limit};
    }
    if (problem->caps == 0) return;
    cells->caps = problem->caps;
    cells->users_local = problem->users_local;
    cells->user_start = problem->user_start;
    for (int c = 0; c < problem->caps; c++)
        cells->cap[c] = (struct knapsack_cap){problem->measure[problem->cap[c].measure].use,
                                              problem->cap[c].limit};
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
    problem_clear_caps(problem);
    *problem = (struct problem){0};
}
