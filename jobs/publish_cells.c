/* Cells of the slots that are rows of the table, brought to its order. */
#include "jobs/publish_cells.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The table's rows of a column over slots; *column is replaced. */
static enum status pick(const struct publisher *publisher, size_t bytes, void *column)
{
    char *fresh = NULL, *held = NULL;
    enum status status = memory_new(&fresh, publisher->rows, bytes);
    if (status != OK) return status;
    memcpy(&held, column, sizeof held);
    for (int64_t r = 0; r < publisher->rows; r++)
        memcpy(fresh + (size_t)r * bytes, held + (size_t)publisher->row[r].slot * bytes, bytes);
    free(held);
    memcpy(column, &fresh, sizeof fresh);
    return OK;
}

/* Blocks of users, counted in rows of the table. */
static enum status set_blocks(const struct publish_sums *sums, int64_t first, int64_t total,
                              struct blocks *blocks)
{
    enum status status = OK;
    const struct blocks users = *blocks;
    int64_t *start = NULL;
    TRY(memory_new(&start, sums->blocks + 1, sizeof *start));
    memcpy(start, sums->row, (size_t)(sums->blocks + 1) * sizeof *start);
    blocks_clear(blocks);
    *blocks = users;
    blocks->start = start;
    blocks->rows_local = start[sums->blocks];
    blocks->row_first = first;
    blocks->rows_total = total;
done:
    return status;
}

static enum status pick_caps(const struct publisher *publisher, struct problem *problem)
{
    int64_t *user = NULL;
    enum status status = memory_new(&user, publisher->rows, sizeof *user);
    for (int64_t r = 0; r < publisher->rows && status == OK; r++) user[r] = publisher->row[r].user;
    if (status == OK) status = problem_pick_caps(problem, user, publisher->rows, problem);
    free(user);
    return status;
}

static enum status pick_all(const struct publisher *publisher, struct problem *problem)
{
    enum status status = OK;
    size_t cells = (size_t)problem->levels * sizeof(int64_t);
    TRY(pick(publisher, cells, &problem->value));
    TRY(pick(publisher, sizeof *problem->allowed, &problem->allowed));
    for (int m = 0; m < problem->measures; m++)
        TRY(pick(publisher, cells, &problem->measure[m].use));
    for (int d = 0; d < problem->kinds; d++)
        if (problem->kind[d].group != NULL)
            TRY(pick(publisher, sizeof *problem->kind[d].group, &problem->kind[d].group));
    TRY(pick_caps(publisher, problem));
done:
    return status;
}

static void add_numbered(struct publish_sums *sums, const char *name, int number, const void *data,
                         size_t bytes)
{
    char full[PUBLISH_NAME_BYTES];
    snprintf(full, sizeof full, "%s_%d", name, number);
    publish_sums_add(sums, full, data, bytes);
}

static enum status add_cap_sums(const struct problem *problem, struct publish_sums *sums)
{
    enum status status = OK;
    int32_t *place = NULL;
    int64_t *limit = NULL, rows = problem->blocks.rows_local;
    if (problem->caps == 0) return OK;
    TRY(memory_new(&place, rows, sizeof *place));
    TRY(memory_new(&limit, rows, sizeof *limit));
    problem_list_places(problem, place);
    publish_sums_add(sums, "cells/user_row", place, sizeof *place);
    for (int c = 0; c < problem->caps; c++) {
        problem_list_limits(problem, c, limit);
        add_numbered(sums, "cells/user_limit", c, limit, sizeof *limit);
    }
done:
    free(place);
    free(limit);
    return status;
}

static enum status add_sums(const struct problem *problem, struct publish_sums *sums)
{
    size_t cells = (size_t)problem->levels * sizeof(int64_t);
    publish_sums_add(sums, "cells/value", problem->value, cells);
    publish_sums_add(sums, "cells/allowed", problem->allowed, sizeof *problem->allowed);
    for (int m = 0; m < problem->measures; m++)
        add_numbered(sums, "cells/use", m, problem->measure[m].use, cells);
    for (int d = 0; d < problem->kinds; d++)
        if (problem->kind[d].group != NULL)
            add_numbered(sums, "cells/group", d, problem->kind[d].group,
                         sizeof *problem->kind[d].group);
    return add_cap_sums(problem, sums);
}

enum status publish_cells(const struct comm *comm, struct store *store,
                          const struct publisher *publisher, struct publish_sums *sums)
{
    enum status status = OK;
    struct problem *problem = publisher->problem;
    int64_t rows = publisher->rows, total = rows;
    int64_t first = comm_prefix_int64(comm, rows);
    comm_sum_int64(comm, &total, 1);
    TRY_ALL(comm, pick_all(publisher, problem));
    TRY_ALL(comm, set_blocks(sums, first, total, &problem->blocks));
    TRY(problem_write(comm, store, problem));
    TRY(choices_write_limits(comm, store, publisher->choices));
    TRY_ALL(comm, add_sums(problem, sums));
done:
    problem_clear(problem);
    return status;
}
