/* Columns of numbers of a table, row by row, for `remise fit`. */
#include "jobs/fit_matrix.h"

#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void fit_matrix_clear(struct fit_matrix *matrix)
{
    fit_table_clear(&matrix->in);
    free(matrix->source);
    free(matrix->x);
    *matrix = (struct fit_matrix){0};
}

static struct table_column *column_of(const struct fit_matrix *matrix, int64_t j)
{
    return &matrix->in.table->column[matrix->source[j]];
}

const char *fit_matrix_name(const struct fit_matrix *matrix, int64_t column)
{
    return column_of(matrix, column)->name;
}

/* The columns asked for, or all that are numbers. */
static enum status choose(const char *const *names, int64_t names_count, const char *model,
                          struct fit_matrix *matrix)
{
    const struct table *table = matrix->in.table;
    enum status status = memory_new(&matrix->source, table->columns, sizeof *matrix->source);
    if (status != OK) return status;
    for (int64_t j = 0; j < names_count; j++) matrix->source[j] = table_find(table, names[j]);
    matrix->columns = names_count;
    if (matrix->columns == 0) matrix->columns = fit_table_numbers(&matrix->in, -1, matrix->source);
    if (matrix->columns == 0)
        return FAIL(ERR_DATA, "%s has no column of numbers; %s needs one at least", matrix->in.path,
                    model);
    return OK;
}

static enum status check_types(const char *model, const struct fit_matrix *matrix)
{
    char remedy[128];
    snprintf(remedy, sizeof remedy, "%s needs numbers: leave it out of --columns", model);
    for (int64_t j = 0; j < matrix->columns; j++)
        if (column_of(matrix, j)->type != COLUMN_NUMBER)
            return fit_table_refuse_text(&matrix->in, matrix->source[j], remedy);
    return OK;
}

/* The first row of all, from 1, that has no finite number in a column. */
static int64_t first_gap(const struct comm *comm, const struct fit_matrix *matrix, int64_t j)
{
    const double *number = column_of(matrix, j)->number;
    int64_t rows = matrix->blocks->rows_local, row = INT64_MAX;
    for (int64_t i = rows - 1; i >= 0; i--)
        if (!isfinite(number[i])) row = matrix->blocks->row_first + i + 1;
    comm_min_int64(comm, &row, 1);
    return row;
}

static enum status check_gaps(const struct comm *comm, const struct fit_matrix *matrix)
{
    for (int64_t j = 0; j < matrix->columns; j++) {
        int64_t missing = matrix->in.missing[matrix->source[j]];
        if (missing == 0) continue;
        return FAIL(ERR_DATA,
                    "%s: column \"%s\" has %" PRId64 " missing or infinite %s, first in data row "
                    "%" PRId64 "; fill them, remove those rows, or name other columns by --columns",
                    matrix->in.path, fit_matrix_name(matrix, j), missing,
                    missing == 1 ? "value" : "values", first_gap(comm, matrix, j));
    }
    return OK;
}

static enum status fill(struct fit_matrix *matrix)
{
    int64_t rows = matrix->blocks->rows_local, columns = matrix->columns;
    enum status status = memory_new(&matrix->x, rows * columns, sizeof *matrix->x);
    if (status != OK) return status;
    for (int64_t j = 0; j < columns; j++) {
        struct table_column *column = column_of(matrix, j);
        for (int64_t i = 0; i < rows; i++) matrix->x[i * columns + j] = column->number[i];
        free(column->number);
        column->number = NULL;
    }
    return OK;
}

enum status fit_matrix_read(const struct comm *comm, const char *path, const char *const *names,
                            int64_t names_count, const char *model, struct fit_matrix *matrix)
{
    enum status status = OK;
    *matrix = (struct fit_matrix){0};
    TRY(fit_table_read(comm, path, names, names_count, &matrix->in));
    matrix->blocks = &matrix->in.table->blocks;
    TRY_ALL(comm, choose(names, names_count, model, matrix));
    TRY_ALL(comm, check_types(model, matrix));
    TRY(check_gaps(comm, matrix));
    TRY_ALL(comm, fill(matrix));
done:
    return status;
}

enum status fit_matrix_read_start(const struct comm *comm, const char *path,
                                  const struct fit_matrix *like, const char *model, double **start,
                                  int64_t *rows)
{
    enum status status = OK;
    struct fit_matrix matrix = {0};
    const char **names = NULL;
    void *all = NULL;
    int64_t bytes = 0;
    *start = NULL;
    TRY_ALL(comm, memory_new(&names, like->columns, sizeof *names));
    for (int64_t j = 0; j < like->columns; j++) names[j] = fit_matrix_name(like, j);
    TRY(fit_matrix_read(comm, path, names, like->columns, model, &matrix));
    bytes = matrix.blocks->rows_local * like->columns * (int64_t)sizeof *matrix.x;
    TRY(comm_gather_all(comm, matrix.x, bytes, &all, &bytes));
    *start = all;
    *rows = matrix.blocks->rows_total;
done:
    fit_matrix_clear(&matrix);
    free(names);
    return status;
}
