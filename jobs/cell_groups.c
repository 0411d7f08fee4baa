/* Distinct values of a column as groups of its rows. */
#include "jobs/cell_groups.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

static bool is_missing(const struct table_column *column, int64_t row)
{
    return column->type == COLUMN_TEXT ? column->code[row] < 0 : isnan(column->number[row]);
}

/* value[] = the numbers that are there; returns how many. */
static int64_t pick_numbers(const struct table_column *column, int64_t rows, double *value)
{
    int64_t count = 0;
    for (int64_t i = 0; i < rows; i++)
        if (!is_missing(column, i)) value[count++] = column->number[i];
    return count;
}

static enum status number_texts(const struct comm *comm, const struct table_column *column,
                                const struct blocks *blocks, struct cell_groups *groups)
{
    enum status status = OK;
    bool *used = NULL;
    TRY_ALL(comm, memory_new(&used, blocks->rows_local, sizeof *used));
    for (int64_t i = 0; i < blocks->rows_local; i++) used[i] = !is_missing(column, i);
    TRY(formula_levels_of_text(comm, column, blocks, used, &groups->levels));
done:
    free(used);
    return status;
}

static enum status number_numbers(const struct comm *comm, const struct table_column *column,
                                  const struct blocks *blocks, struct cell_groups *groups)
{
    enum status status = OK;
    double *value = NULL;
    TRY_ALL(comm, memory_new(&value, blocks->rows_local, sizeof *value));
    int64_t count = pick_numbers(column, blocks->rows_local, value);
    TRY(formula_levels_of_numbers(comm, value, count, &groups->levels));
done:
    free(value);
    return status;
}

enum status cell_groups_make(const struct comm *comm, const struct table_column *column,
                             const struct blocks *blocks, int64_t most, struct cell_groups *groups)
{
    enum status status = OK;
    int64_t at = 0;
    *groups = (struct cell_groups){0};
    if (column->type == COLUMN_TEXT)
        TRY(number_texts(comm, column, blocks, groups));
    else
        TRY(number_numbers(comm, column, blocks, groups));
    if (groups->levels.count > most || groups->levels.count == 0)
        TRY(FAIL(ERR_DATA,
                 "column %s has %lld different values; 1 to %lld can be groups (of users any "
                 "number, in up to 4 constraints `per` the column of users)",
                 column->name, (long long)groups->levels.count, (long long)most));
    TRY_ALL(comm, memory_new(&groups->code, blocks->rows_local, sizeof *groups->code));
    for (int64_t i = 0; i < blocks->rows_local; i++)
        groups->code[i] = is_missing(column, i) ? -1 : groups->levels.level[at++];
done:
    return status;
}

void cell_groups_clear(struct cell_groups *groups)
{
    formula_levels_clear(&groups->levels);
    free(groups->code);
    *groups = (struct cell_groups){0};
}
