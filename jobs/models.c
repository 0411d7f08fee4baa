/* Which kinds of saved models there are, and what they have in common. */
#include "jobs/models.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_BYTES = 256 };

/* clang-format off */
#define KINDS(X) X(als) X(bgnbd) X(forest) X(gamma_gamma) X(gmm) X(kmeans) X(network)
/* clang-format on */

#define DECLARE(name) extern const struct model_kind model_kind_##name;
#define ADDRESS(name) &model_kind_##name,
KINDS(DECLARE)

const struct model_kind *const model_kinds[] = {KINDS(ADDRESS) NULL};

enum status model_kind_find(const char *name, const struct model_kind **kind)
{
    char list[LIST_BYTES] = "";
    for (int64_t k = 0; model_kinds[k] != NULL; k++) {
        size_t used = strlen(list);
        *kind = model_kinds[k];
        if (strcmp((*kind)->name, name) == 0) return OK;
        snprintf(list + used, sizeof list - used, "%s%s", k > 0 ? ", " : "", (*kind)->name);
    }
    return FAIL(ERR_DATA, "no kind of model is called \"%.60s\"; there are %s", name, list);
}

/* ---- files ---- */

/* Names as a dictionary, in their order. */
static enum status list_names(const char *const *names, int64_t count, struct dictionary *list)
{
    enum status status = OK;
    size_t bytes = 0;
    for (int64_t j = 0; j < count; j++) bytes += strlen(names[j]) + 1;
    TRY(memory_new(&list->start, count + 1, sizeof *list->start));
    TRY(memory_new(&list->text, (int64_t)bytes, 1));
    list->count = count;
    for (int64_t j = 0; j < count; j++) {
        int64_t at = list->start[j];
        strcpy(list->text + at, names[j]);
        list->start[j + 1] = at + (int64_t)strlen(names[j]) + 1;
    }
done:
    return status;
}

enum status model_create(const struct comm *comm, const char *path, const char *kind,
                         const char *const *names, int64_t columns, struct store **store)
{
    enum status status = OK;
    struct dictionary list = {0};
    TRY_ALL(comm, list_names(names, columns, &list));
    TRY(store_create(comm, path, store));
    TRY(store_write_note(comm, *store, "kind", kind));
    TRY(store_write_dictionary(comm, *store, "columns", "names of the input columns", &list));
done:
    dictionary_clear(&list);
    return status;
}

enum status model_write_number(const struct comm *comm, struct store *store, const char *name,
                               const char *unit, const char *help, double x)
{
    const struct store_column column = {name, STORE_F64, 1, unit, help};
    return store_write(comm, store, &column, &x, comm->rank == 0);
}

enum status model_read_number(const struct comm *comm, const struct store *store, const char *name,
                              double *x)
{
    return store_read(comm, store, name, STORE_F64, 0, 1, x);
}

/* ---- rows ---- */

static enum status find_columns(const struct fit_table *table, const char *const *names,
                                int64_t columns, bool texts, struct model_rows *rows)
{
    enum status status = OK;
    TRY(memory_new(&rows->at, columns, sizeof *rows->at));
    TRY(memory_new(&rows->usable, rows->blocks->rows_local, sizeof *rows->usable));
    rows->columns = columns;
    for (int64_t j = 0; j < columns; j++) {
        TRY(fit_table_find(table, names[j], &rows->at[j]));
        if (model_rows_column(rows, j)->type == COLUMN_TEXT && !texts)
            TRY(fit_table_refuse_text(table, rows->at[j], "the model needs numbers here"));
    }
done:
    return status;
}

static bool has_value(const struct table_column *column, int64_t row)
{
    return column->type == COLUMN_TEXT ? column->code[row] >= 0 : isfinite(column->number[row]);
}

enum status model_rows_take(const struct comm *comm, const struct fit_table *table,
                            const char *const *names, int64_t columns, bool texts,
                            struct model_rows *rows)
{
    enum status status = OK;
    *rows = (struct model_rows){.table = table, .blocks = &table->table->blocks, .horizon = NAN};
    TRY_ALL(comm, find_columns(table, names, columns, texts, rows));
    for (int64_t i = 0; i < rows->blocks->rows_local; i++) {
        rows->usable[i] = true;
        for (int64_t j = 0; j < columns; j++)
            rows->usable[i] = rows->usable[i] && has_value(model_rows_column(rows, j), i);
    }
done:
    return status;
}

void model_rows_clear(struct model_rows *rows)
{
    free(rows->at);
    free(rows->usable);
    *rows = (struct model_rows){0};
}

const struct table_column *model_rows_column(const struct model_rows *rows, int64_t j)
{
    return &rows->table->table->column[rows->at[j]];
}

enum status model_rows_tell(const struct comm *comm, const struct model_rows *rows)
{
    struct fit_columns used = {rows->at, rows->columns};
    int64_t left_out = 0;
    for (int64_t i = 0; i < rows->blocks->rows_local; i++) left_out += !rows->usable[i];
    comm_sum_int64(comm, &left_out, 1);
    return fit_table_tell_left_out(rows->table, used, left_out);
}

enum status model_rows_numbers(const struct model_rows *rows, double **x)
{
    int64_t count = rows->blocks->rows_local, columns = rows->columns;
    enum status status = memory_new(x, count * columns, sizeof **x);
    for (int64_t j = 0; j < columns && status == OK; j++) {
        const double *from = model_rows_column(rows, j)->number;
        for (int64_t i = 0; i < count; i++) (*x)[i * columns + j] = rows->usable[i] ? from[i] : 0.0;
    }
    return status;
}
