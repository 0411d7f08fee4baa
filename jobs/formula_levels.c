/* Distinct values over all ranks, and the place of each row's among them. */
#include "jobs/formula_levels.h"

#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>

void formula_levels_clear(struct formula_levels *levels)
{
    free(levels->level);
    free(levels->number);
    free(levels->code);
    *levels = (struct formula_levels){0};
}

/* ---- texts ---- */

/* seen[code] = 1 for texts of used rows; returns how many of these there are. */
static int64_t mark_seen(const struct table_column *column, const struct blocks *blocks,
                         const bool *used, int64_t *seen)
{
    int64_t rows = 0;
    for (int64_t i = 0; i < blocks->rows_local; i++) {
        if (!used[i]) continue;
        seen[column->code[i]] = 1;
        rows++;
    }
    return rows;
}

/* The texts seen, and in `seen` the level of each. */
static enum status number_texts(const struct table_column *column, int64_t *seen,
                                struct formula_levels *levels)
{
    enum status status = memory_new(&levels->code, column->levels.count, sizeof *levels->code);
    for (int64_t c = 0; status == OK && c < column->levels.count; c++) {
        if (seen[c] == 0) continue;
        levels->code[levels->count] = c;
        seen[c] = levels->count++;
    }
    return status;
}

enum status formula_levels_of_text(const struct comm *comm, const struct table_column *column,
                                   const struct blocks *blocks, const bool *used,
                                   struct formula_levels *levels)
{
    enum status status = OK;
    int64_t *seen = NULL, rows = 0, to = 0;
    *levels = (struct formula_levels){.texts = &column->levels};
    TRY_ALL(comm, memory_new(&seen, column->levels.count, sizeof *seen));
    rows = mark_seen(column, blocks, used, seen);
    comm_max_int64(comm, seen, column->levels.count);
    TRY_ALL(comm, number_texts(column, seen, levels));
    TRY_ALL(comm, memory_new(&levels->level, rows, sizeof *levels->level));
    for (int64_t i = 0; i < blocks->rows_local; i++)
        if (used[i]) levels->level[to++] = (int32_t)seen[column->code[i]];
done:
    free(seen);
    if (status != OK) formula_levels_clear(levels);
    return status;
}

/* ---- numbers ---- */

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int64_t sort_distinct(double *x, int64_t count)
{
    int64_t distinct = 0;
    if (count > 0) qsort(x, (size_t)count, sizeof *x, compare_numbers);
    for (int64_t i = 0; i < count; i++)
        if (distinct == 0 || x[i] != x[distinct - 1]) x[distinct++] = x[i];
    return distinct;
}

static int32_t find_level(const struct formula_levels *levels, double wanted)
{
    int64_t low = 0, high = levels->count - 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (levels->number[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return (int32_t)low;
}

enum status formula_levels_of_numbers(const struct comm *comm, const double *value, int64_t rows,
                                      struct formula_levels *levels)
{
    enum status status = OK;
    double *mine = NULL;
    void *all = NULL;
    int64_t bytes = 0;
    *levels = (struct formula_levels){0};
    TRY_ALL(comm, memory_new(&mine, rows, sizeof *mine));
    for (int64_t i = 0; i < rows; i++) mine[i] = value[i] + 0.0; /* no -0 */
    int64_t count = sort_distinct(mine, rows);
    TRY(comm_gather_all(comm, mine, count * (int64_t)sizeof *mine, &all, &bytes));
    levels->number = all;
    levels->count = sort_distinct(levels->number, bytes / (int64_t)sizeof *mine);
    if (levels->count > INT32_MAX)
        TRY(FAIL(ERR_ARG, "%lld levels are too many", (long long)levels->count));
    TRY_ALL(comm, memory_new(&levels->level, rows, sizeof *levels->level));
    for (int64_t i = 0; i < rows; i++) levels->level[i] = find_level(levels, value[i]);
done:
    free(mine);
    if (status != OK) formula_levels_clear(levels);
    return status;
}

/* ---- names ---- */

void formula_levels_name(const struct formula_levels *levels, int64_t level, char *name,
                         size_t room)
{
    if (levels->texts != NULL) {
        snprintf(name, room, "%s", dictionary_text(levels->texts, levels->code[level]));
        return;
    }
    double number = levels->number[level];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(name, room, "%.*g", digits, number);
        if (strtod(name, NULL) == number) return;
    }
}
