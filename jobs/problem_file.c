/* The allocation problem as columns of HDF5, written with the choices and read to explain them. */
#include "jobs/problem_file.h"

#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *problem_numbered(char *room, const char *name, int number)
{
    snprintf(room, PROBLEM_NAME_BYTES, "%s_%d", name, number);
    return room;
}

/* ---- small things that all ranks hold ---- */

enum status problem_write_small(const struct comm *comm, struct store *store, const char *name,
                                enum store_type type, const char *help, const void *data,
                                int64_t rows)
{
    const struct store_column column = {name, type, 1, "", help};
    return store_write(comm, store, &column, data, comm->rank == 0 ? rows : 0);
}

enum status problem_read_small(const struct comm *comm, const struct store *store, const char *name,
                               enum store_type type, void *data_out, int64_t *rows)
{
    enum status status = OK;
    void *data = NULL;
    *rows = store_rows(comm, store, name, NULL);
    TRY_ALL(comm, *rows >= 0 ? memory_new(&data, *rows, store_type_bytes(type))
                             : FAIL(ERR_IO, "%s is missing; run `remise allocate` again", name));
    TRY(store_read(comm, store, name, type, 0, *rows, data));
done:
    memcpy(data_out, &data, sizeof data); /* freed by the caller, also on failure */
    return status;
}

enum status problem_write_texts(const struct comm *comm, struct store *store, const char *name,
                                const char *help, char *const *text, int count)
{
    enum status status = OK;
    char *padded = NULL;
    size_t width = 1;
    for (int i = 0; i < count; i++) width = strlen(text[i]) > width ? strlen(text[i]) : width;
    const struct store_column column = {name, STORE_TEXT, (int64_t)width, "", help};
    TRY_ALL(comm, memory_new(&padded, count, width));
    for (int i = 0; i < count; i++) memcpy(padded + (size_t)i * width, text[i], strlen(text[i]));
    TRY(store_write(comm, store, &column, padded, comm->rank == 0 ? count : 0));
done:
    free(padded);
    return status;
}

static enum status split_texts(const char *padded, int64_t width, int count, char **text)
{
    for (int i = 0; i < count; i++)
        if ((text[i] = strndup(padded + (int64_t)i * width, (size_t)width)) == NULL)
            return FAIL(ERR_MEMORY, "no memory for the names of limits");
    return OK;
}

enum status problem_read_texts(const struct comm *comm, const struct store *store, const char *name,
                               char **text, int *count)
{
    enum status status = OK;
    char *padded = NULL;
    int64_t width = 1, rows = store_rows(comm, store, name, &width);
    *count = 0;
    TRY_ALL(comm, rows >= 0 && rows <= KNAPSACK_KINDS
                      ? memory_new(&padded, rows * width, 1)
                      : FAIL(ERR_IO, "%s has %lld rows; run `remise allocate` again", name,
                             (long long)rows));
    TRY(store_read(comm, store, name, STORE_TEXT, 0, rows, padded));
    TRY_ALL(comm, split_texts(padded, width, (int)rows, text));
    *count = (int)rows;
done:
    free(padded);
    return status;
}

/* ---- cells ---- */

static enum status write_cells(const struct comm *comm, struct store *store,
                               const struct problem *problem)
{
    enum status status = OK;
    char name[PROBLEM_NAME_BYTES];
    int64_t rows = problem->blocks.rows_local;
    const struct store_column value = {"cells/value", STORE_I64, problem->levels,
                                       "1/10,000 of the currency", "worth of each level"};
    const struct store_column allowed = {"cells/allowed", STORE_I32, 1, "",
                                         "bit k: level k may be chosen"};
    TRY(problem_write_small(comm, store, "levels", STORE_F64, "discounts, as fractions",
                            problem->level, problem->levels));
    TRY(store_write(comm, store, &value, problem->value, rows));
    TRY(store_write(comm, store, &allowed, problem->allowed, rows));
    for (int m = 0; m < problem->measures; m++) {
        const struct store_column use = {problem_numbered(name, "cells/use", m), STORE_I64,
                                         problem->levels, "units of the measure",
                                         "what each level uses of it"};
        TRY(store_write(comm, store, &use, problem->measure[m].use, rows));
    }
done:
    return status;
}

static enum status copy_blocks(const struct blocks *from, struct blocks *to)
{
    return problem_blocks(from, 1, to);
}

static enum status reserve_cells(const struct blocks *rows, struct problem *problem)
{
    enum status status = OK;
    int64_t cells = rows->rows_local * problem->levels;
    TRY(copy_blocks(rows, &problem->blocks));
    TRY(memory_new(&problem->value, cells, sizeof *problem->value));
    TRY(memory_new(&problem->allowed, rows->rows_local, sizeof *problem->allowed));
    for (int m = 0; m < problem->measures; m++)
        TRY(memory_new(&problem->measure[m].use, cells, sizeof *problem->measure[m].use));
done:
    return status;
}

static enum status read_cells(const struct comm *comm, const struct store *store,
                              const struct blocks *rows, struct problem *problem)
{
    enum status status = OK;
    char name[PROBLEM_NAME_BYTES];
    double *level = NULL;
    int64_t levels, first = rows->row_first, count = rows->rows_local;
    TRY(problem_read_small(comm, store, "levels", STORE_F64, &level, &levels));
    if (levels < 1 || levels > CELL_LEVELS)
        TRY(FAIL(ERR_IO, "there are %lld levels; run `remise allocate` again", (long long)levels));
    problem->levels = (int)levels;
    memcpy(problem->level, level, (size_t)levels * sizeof *level);
    TRY_ALL(comm, reserve_cells(rows, problem));
    TRY(store_read(comm, store, "cells/value", STORE_I64, first, count, problem->value));
    TRY(store_read(comm, store, "cells/allowed", STORE_I32, first, count, problem->allowed));
    for (int m = 0; m < problem->measures; m++)
        TRY(store_read(comm, store, problem_numbered(name, "cells/use", m), STORE_I64, first, count,
                       problem->measure[m].use));
done:
    free(level);
    return status;
}

/* ---- measures ---- */

static enum status write_measures(const struct comm *comm, struct store *store,
                                  const struct problem *problem)
{
    enum status status = OK;
    char *name[KNAPSACK_KINDS], *unit_name[KNAPSACK_KINDS];
    double unit[KNAPSACK_KINDS];
    for (int m = 0; m < problem->measures; m++) {
        name[m] = problem->measure[m].name;
        unit_name[m] = problem->measure[m].unit_name;
        unit[m] = problem->measure[m].unit;
    }
    TRY(problem_write_texts(comm, store, "measures/name", "what levels use", name,
                            problem->measures));
    TRY(problem_write_small(comm, store, "measures/unit", STORE_F64, "what 1 stands for", unit,
                            problem->measures));
    TRY(problem_write_texts(comm, store, "measures/unit_name", "of what", unit_name,
                            problem->measures));
done:
    return status;
}

static enum status read_measures(const struct comm *comm, const struct store *store,
                                 struct problem *problem)
{
    enum status status = OK;
    char *name[KNAPSACK_KINDS] = {NULL}, *unit_name[KNAPSACK_KINDS] = {NULL};
    double *unit = NULL;
    int names = 0, unit_names = 0;
    int64_t units = 0;
    status = problem_read_texts(comm, store, "measures/name", name, &names);
    if (status == OK)
        status = problem_read_texts(comm, store, "measures/unit_name", unit_name, &unit_names);
    if (status == OK)
        status = problem_read_small(comm, store, "measures/unit", STORE_F64, &unit, &units);
    for (int m = 0; m < KNAPSACK_KINDS; m++) { /* what was read has an owner, whatever failed */
        problem->measure[m].name = name[m];
        problem->measure[m].unit_name = unit_name[m];
        if (status == OK && m < units) problem->measure[m].unit = unit[m];
    }
    problem->measures = KNAPSACK_KINDS;
    if (status == OK && (names != unit_names || names != units))
        status = FAIL(ERR_IO, "measures are of unequal number; run `remise allocate` again");
    if (status == OK) problem->measures = names;
    free(unit);
    return status;
}

/* ---- kinds ---- */

static enum status write_groups(const struct comm *comm, struct store *store,
                                const struct problem *problem)
{
    enum status status = OK;
    char name[PROBLEM_NAME_BYTES];
    for (int d = 0; d < problem->kinds; d++) {
        const struct problem_kind *kind = &problem->kind[d];
        if (kind->group == NULL) continue;
        const struct store_column group = {problem_numbered(name, "cells/group", d), STORE_I32, 1,
                                           "",
                                           "limit of the kind that a row counts against; -1: none"};
        TRY(store_write(comm, store, &group, kind->group, problem->blocks.rows_local));
        TRY(store_write_dictionary(comm, store, problem_numbered(name, "kinds/names", d),
                                   "groups of the kind", &kind->names));
    }
done:
    return status;
}

static enum status write_limits(const struct comm *comm, struct store *store,
                                const struct problem *problem)
{
    enum status status = OK;
    struct knapsack_cells cells;
    int64_t *limit = NULL, at = 0;
    problem_cells(problem, &cells);
    TRY_ALL(comm, memory_new(&limit, knapsack_limits(&cells), sizeof *limit));
    for (int d = 0; d < problem->kinds; d++)
        for (int64_t g = 0; g < problem->kind[d].groups; g++)
            limit[at++] = problem->kind[d].limit[g];
    TRY(problem_write_small(comm, store, "limits/limit", STORE_I64,
                            "units of the measure, kind by kind", limit, at));
done:
    free(limit);
    return status;
}

static enum status write_kinds(const struct comm *comm, struct store *store,
                               const struct problem *problem)
{
    enum status status = OK;
    char *name[KNAPSACK_KINDS], *rule[KNAPSACK_KINDS];
    int32_t measure[KNAPSACK_KINDS];
    uint8_t at_least[KNAPSACK_KINDS];
    int64_t groups[KNAPSACK_KINDS];
    for (int d = 0; d < problem->kinds; d++) {
        name[d] = problem->kind[d].name;
        rule[d] = problem->kind[d].rule;
        measure[d] = problem->kind[d].measure;
        at_least[d] = problem->kind[d].at_least;
        groups[d] = problem->kind[d].groups;
    }
    TRY(problem_write_texts(comm, store, "kinds/name", "limits of one kind", name, problem->kinds));
    TRY(problem_write_texts(comm, store, "kinds/rule", "the policy it belongs to", rule,
                            problem->kinds));
    TRY(problem_write_small(comm, store, "kinds/measure", STORE_I32, "place among the measures",
                            measure, problem->kinds));
    TRY(problem_write_small(comm, store, "kinds/at_least", STORE_U8,
                            "1: measure and limit are kept as their negatives", at_least,
                            problem->kinds));
    TRY(problem_write_small(comm, store, "kinds/groups", STORE_I64, "limits of the kind", groups,
                            problem->kinds));
    TRY(write_groups(comm, store, problem));
    TRY(write_limits(comm, store, problem));
done:
    return status;
}

/* What kinds are, as it stands in the file. */
struct kind_columns {
    int32_t *measure;
    uint8_t *at_least;
    int64_t *groups;
};

static enum status check_kinds(const struct kind_columns *columns, const int64_t rows[3],
                               const struct problem *problem)
{
    bool right = true;
    for (int c = 0; c < 3; c++) right = right && rows[c] == problem->kinds;
    for (int d = 0; right && d < problem->kinds; d++)
        right = columns->measure[d] >= 0 && columns->measure[d] < problem->measures &&
                columns->groups[d] >= 1;
    return right ? OK : FAIL(ERR_IO, "kinds of limits are damaged; run `remise allocate` again");
}

static enum status take_kinds(const struct kind_columns *columns, struct problem *problem)
{
    for (int d = 0; d < problem->kinds; d++) {
        struct problem_kind *kind = &problem->kind[d];
        kind->measure = columns->measure[d];
        kind->at_least = columns->at_least[d] != 0;
        kind->groups = columns->groups[d];
        enum status status = memory_new(&kind->limit, kind->groups, sizeof *kind->limit);
        if (status != OK) return status;
    }
    return OK;
}

static enum status read_kind_columns(const struct comm *comm, const struct store *store,
                                     struct problem *problem)
{
    enum status status = OK;
    struct kind_columns columns = {0};
    int64_t rows[3] = {0};
    TRY(problem_read_small(comm, store, "kinds/measure", STORE_I32, &columns.measure, &rows[0]));
    TRY(problem_read_small(comm, store, "kinds/at_least", STORE_U8, &columns.at_least, &rows[1]));
    TRY(problem_read_small(comm, store, "kinds/groups", STORE_I64, &columns.groups, &rows[2]));
    TRY_ALL(comm, check_kinds(&columns, rows, problem));
    TRY_ALL(comm, take_kinds(&columns, problem));
done:
    free(columns.measure);
    free(columns.at_least);
    free(columns.groups);
    return status;
}

static enum status read_groups(const struct comm *comm, const struct store *store,
                               const struct blocks *rows, struct problem *problem)
{
    enum status status = OK;
    char name[PROBLEM_NAME_BYTES];
    for (int d = 0; d < problem->kinds; d++) {
        struct problem_kind *kind = &problem->kind[d];
        if (store_rows(comm, store, problem_numbered(name, "cells/group", d), NULL) < 0) continue;
        TRY_ALL(comm, memory_new(&kind->group, rows->rows_local, sizeof *kind->group));
        TRY(store_read(comm, store, name, STORE_I32, rows->row_first, rows->rows_local,
                       kind->group));
        TRY(store_read_dictionary(comm, store, problem_numbered(name, "kinds/names", d),
                                  &kind->names));
    }
done:
    return status;
}

static enum status read_limits(const struct comm *comm, const struct store *store,
                               struct problem *problem)
{
    enum status status = OK;
    int64_t *limit = NULL, rows = 0, at = 0;
    struct knapsack_cells cells;
    problem_cells(problem, &cells);
    TRY(problem_read_small(comm, store, "limits/limit", STORE_I64, &limit, &rows));
    if (rows != knapsack_limits(&cells))
        TRY(FAIL(ERR_IO, "limits and their kinds do not agree; run `remise allocate` again"));
    for (int d = 0; d < problem->kinds; d++)
        for (int64_t g = 0; g < problem->kind[d].groups; g++)
            problem->kind[d].limit[g] = limit[at++];
done:
    free(limit);
    return status;
}

static enum status read_kinds(const struct comm *comm, const struct store *store,
                              const struct blocks *rows, struct problem *problem)
{
    enum status status = OK;
    char *name[KNAPSACK_KINDS] = {NULL}, *rule[KNAPSACK_KINDS] = {NULL};
    int names = 0, rules = 0;
    status = problem_read_texts(comm, store, "kinds/name", name, &names);
    if (status == OK) status = problem_read_texts(comm, store, "kinds/rule", rule, &rules);
    for (int d = 0; d < KNAPSACK_KINDS; d++) { /* as with measures */
        problem->kind[d].name = name[d];
        problem->kind[d].rule = rule[d];
    }
    problem->kinds = KNAPSACK_KINDS;
    TRY(status);
    if (names != rules)
        TRY(FAIL(ERR_IO, "kinds of limits are damaged; run `remise allocate` again"));
    problem->kinds = names;
    TRY(read_kind_columns(comm, store, problem));
    TRY(read_groups(comm, store, rows, problem));
    TRY(read_limits(comm, store, problem));
done:
    return status;
}

/* ---- all ---- */

enum status problem_write(const struct comm *comm, struct store *store,
                          const struct problem *problem)
{
    enum status status = OK;
    TRY(write_cells(comm, store, problem));
    TRY(write_measures(comm, store, problem));
    TRY(write_kinds(comm, store, problem));
    TRY(problem_write_caps(comm, store, problem));
done:
    return status;
}

enum status problem_read(const struct comm *comm, const struct store *store,
                         const struct blocks *rows, struct problem *problem)
{
    enum status status = OK;
    *problem = (struct problem){0};
    TRY(read_measures(comm, store, problem));
    TRY(read_cells(comm, store, rows, problem));
    TRY(read_kinds(comm, store, rows, problem));
    TRY(problem_read_caps(comm, store, rows, problem));
done:
    return status;
}
