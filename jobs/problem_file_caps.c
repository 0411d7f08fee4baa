/* Caps of users as columns of rows: whose a row is, and what its user may have. */
#include "jobs/problem_file.h"

#include "mpi/memory.h"

#include <stdlib.h>

/* ---- writing ---- */

static enum status write_rows(const struct comm *comm, struct store *store,
                              const struct problem *problem)
{
    enum status status = OK;
    char name[PROBLEM_NAME_BYTES];
    int32_t *place = NULL;
    int64_t *limit = NULL, rows = problem->blocks.rows_local;
    const struct store_column user = {"cells/user_row", STORE_I32, 1, "rows",
                                      "rows of the user before this one"};
    TRY_ALL(comm, memory_new(&place, rows, sizeof *place));
    TRY_ALL(comm, memory_new(&limit, rows, sizeof *limit));
    problem_list_places(problem, place);
    TRY(store_write(comm, store, &user, place, rows));
    for (int c = 0; c < problem->caps; c++) {
        const struct store_column column = {problem_numbered(name, "cells/user_limit", c),
                                            STORE_I64, 1, "units of the measure",
                                            "of all rows of the user; 2^63 - 1: none"};
        problem_list_limits(problem, c, limit);
        TRY(store_write(comm, store, &column, limit, rows));
    }
done:
    free(place);
    free(limit);
    return status;
}

enum status problem_write_caps(const struct comm *comm, struct store *store,
                               const struct problem *problem)
{
    enum status status = OK;
    char *name[KNAPSACK_CAPS], *rule[KNAPSACK_CAPS];
    int32_t measure[KNAPSACK_CAPS];
    if (problem->caps == 0) return OK;
    for (int c = 0; c < problem->caps; c++) {
        name[c] = problem->cap[c].name;
        rule[c] = problem->cap[c].rule;
        measure[c] = problem->cap[c].measure;
    }
    TRY(problem_write_texts(comm, store, "user_limits/name", "limits of each user", name,
                            problem->caps));
    TRY(problem_write_texts(comm, store, "user_limits/rule", "the setting it comes from", rule,
                            problem->caps));
    TRY(problem_write_small(comm, store, "user_limits/measure", STORE_I32,
                            "place among the measures", measure, problem->caps));
    TRY(write_rows(comm, store, problem));
done:
    return status;
}

/* ---- reading ---- */

struct cap_columns {
    char *name[KNAPSACK_KINDS], *rule[KNAPSACK_KINDS];
    int32_t *measure;
    int caps;
};

static enum status refuse(void)
{
    return FAIL(ERR_IO, "limits of users are damaged; run `remise allocate` again");
}

static enum status read_columns(const struct comm *comm, const struct store *store,
                                const struct problem *problem, struct cap_columns *columns)
{
    enum status status = OK;
    int rules = 0;
    int64_t measures = 0;
    TRY(problem_read_texts(comm, store, "user_limits/name", columns->name, &columns->caps));
    TRY(problem_read_texts(comm, store, "user_limits/rule", columns->rule, &rules));
    TRY(problem_read_small(comm, store, "user_limits/measure", STORE_I32, &columns->measure,
                           &measures));
    bool right =
        columns->caps <= KNAPSACK_CAPS && rules == columns->caps && measures == columns->caps;
    for (int c = 0; right && c < columns->caps; c++)
        right = columns->measure[c] >= 0 && columns->measure[c] < problem->measures;
    if (!right) TRY(refuse());
done:
    return status;
}

/* A user begins where the place is 0, and at the first row of all. */
static enum status find_users(const int32_t *place, int64_t rows, struct problem *problem)
{
    enum status status = memory_new(&problem->user_start, rows + 1, sizeof *problem->user_start);
    if (status != OK) return status;
    for (int64_t r = 0; r < rows; r++) {
        if (r == 0 || place[r] == 0)
            problem->user_start[problem->users_local++] = r;
        else if (place[r] != place[r - 1] + 1)
            return refuse();
    }
    problem->user_start[problem->users_local] = rows;
    return OK;
}

static enum status take_limits(const int64_t *limit, struct problem *problem, int64_t *user_limit)
{
    for (int64_t u = 0; u < problem->users_local; u++) {
        user_limit[u] = limit[problem->user_start[u]];
        for (int64_t r = problem->user_start[u]; r < problem->user_start[u + 1]; r++)
            if (limit[r] != user_limit[u]) return refuse();
    }
    return OK;
}

static enum status read_rows(const struct comm *comm, const struct store *store,
                             const struct blocks *rows, const struct cap_columns *columns,
                             struct problem *problem)
{
    enum status status = OK;
    char name[PROBLEM_NAME_BYTES];
    int32_t *place = NULL;
    int64_t *limit = NULL, *to = NULL, first = rows->row_first, count = rows->rows_local;
    TRY_ALL(comm, memory_new(&place, count, sizeof *place));
    TRY_ALL(comm, memory_new(&limit, count, sizeof *limit));
    TRY(store_read(comm, store, "cells/user_row", STORE_I32, first, count, place));
    TRY_ALL(comm, find_users(place, count, problem));
    for (int c = 0; c < columns->caps; c++) {
        TRY(store_read(comm, store, problem_numbered(name, "cells/user_limit", c), STORE_I64, first,
                       count, limit));
        TRY_ALL(comm, problem_add_cap(problem, columns->name[c], columns->rule[c],
                                      columns->measure[c], &to));
        TRY_ALL(comm, take_limits(limit, problem, to));
    }
done:
    free(place);
    free(limit);
    return status;
}

enum status problem_read_caps(const struct comm *comm, const struct store *store,
                              const struct blocks *rows, struct problem *problem)
{
    enum status status = OK;
    struct cap_columns columns = {.caps = 0};
    if (store_rows(comm, store, "user_limits/name", NULL) < 0) return OK;
    TRY(read_columns(comm, store, problem, &columns));
    TRY(read_rows(comm, store, rows, &columns, problem));
done:
    for (int c = 0; c < KNAPSACK_KINDS; c++) {
        free(columns.name[c]);
        free(columns.rule[c]);
    }
    free(columns.measure);
    return status;
}
