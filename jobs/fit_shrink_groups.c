/* Columns of groups: their values in order, and what lies in what. */
#include "jobs/fit_shrink_groups.h"

#include "io/parse.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- codes ---- */

/* A column of numbers as one of texts. */
static enum status collect_numbers(const double *number, int64_t rows, struct text_set *set,
                                   int32_t *code)
{
    if (set == NULL) return FAIL(ERR_MEMORY, "no memory for the groups of a column");
    for (int64_t i = 0; i < rows; i++) {
        char text[NUMBER_TEXT_BYTES + 1];
        code[i] = -1;
        if (isnan(number[i])) continue;
        size_t bytes = format_number(number[i] + 0.0, text);
        int64_t at = text_set_code(set, text, bytes);
        if (at < 0) return FAIL(ERR_MEMORY, "no memory for the groups of a column");
        if (at >= SHRINK_GROUPS)
            return FAIL(ERR_DATA, "more than %d groups in one column of --within", SHRINK_GROUPS);
        code[i] = (int32_t)at;
    }
    return OK;
}

static enum status code_numbers(const struct comm *comm, const double *number, int64_t rows,
                                struct fit_shrink_column *c)
{
    enum status status = OK;
    struct text_set *set = text_set_new();
    int64_t *final = NULL;
    TRY_ALL(comm, memory_new(&c->code, rows, sizeof *c->code));
    TRY_ALL(comm, collect_numbers(number, rows, set, c->code));
    TRY(dictionary_make(comm, set, &c->texts, &final));
    for (int64_t i = 0; i < rows; i++)
        if (c->code[i] >= 0) c->code[i] = (int32_t) final[c->code[i]];
done:
    text_set_free(&set);
    free(final);
    return status;
}

static enum status code_column(const struct comm *comm, const struct table *table, const char *name,
                               struct fit_shrink_column *c)
{
    enum status status = OK;
    const struct table_column *column = &table->column[table_find(table, name)];
    c->name = name;
    c->borrowed = column->type == COLUMN_TEXT;
    if (c->borrowed) {
        c->code = column->code;
        c->texts = column->levels;
    } else {
        TRY(code_numbers(comm, column->number, table->blocks.rows_local, c));
    }
    if (c->texts.count > SHRINK_GROUPS)
        TRY(FAIL(ERR_DATA,
                 "column \"%s\" of --within has %lld groups, more than %d; name a coarser column",
                 name, (long long)c->texts.count, SHRINK_GROUPS));
done:
    return status;
}

/* ---- what lies in what ---- */

static enum status refuse_crossed(const struct fit_shrink_column *inner,
                                  const struct fit_shrink_column *outer, int64_t group,
                                  int64_t first, int64_t last)
{
    return FAIL(ERR_DATA,
                "%s \"%s\" stands in %s \"%s\" and in \"%s\": columns of --within must be nested, "
                "the inner one first; leave one out, or give groups of one name that are different "
                "ones different names",
                inner->name, dictionary_text(&inner->texts, group), outer->name,
                dictionary_text(&outer->texts, first), dictionary_text(&outer->texts, last));
}

static enum status find_parents(const struct comm *comm, int64_t rows, const bool *use,
                                struct fit_shrink_column *inner,
                                const struct fit_shrink_column *outer)
{
    enum status status = OK;
    int64_t groups = inner->texts.count, *last = NULL;
    TRY_ALL(comm, memory_new(&inner->parent, groups, sizeof *inner->parent));
    TRY_ALL(comm, memory_new(&last, groups, sizeof *last));
    for (int64_t g = 0; g < groups; g++) {
        inner->parent[g] = INT64_MAX;
        last[g] = -1;
    }
    for (int64_t i = 0; i < rows; i++) {
        if (!use[i]) continue;
        int64_t group = inner->code[i], parent = outer->code[i];
        if (parent < inner->parent[group]) inner->parent[group] = parent;
        if (parent > last[group]) last[group] = parent;
    }
    comm_min_int64(comm, inner->parent, groups);
    comm_max_int64(comm, last, groups);
    for (int64_t g = 0; g < groups; g++) {
        if (last[g] >= 0 && inner->parent[g] != last[g])
            TRY(refuse_crossed(inner, outer, g, inner->parent[g], last[g]));
        if (last[g] < 0) inner->parent[g] = 0;
    }
done:
    free(last);
    return status;
}

enum status fit_shrink_groups_make(const struct comm *comm, const struct table *table,
                                   const char *const *names, int64_t columns, const bool *use,
                                   struct fit_shrink_groups *groups)
{
    enum status status = OK;
    struct fit_shrink_column *column = groups->column;
    groups->columns = columns;
    for (int64_t c = 0; c < columns; c++) TRY(code_column(comm, table, names[c], &column[c]));
    for (int64_t c = 0; c + 1 < columns; c++)
        TRY(find_parents(comm, table->blocks.rows_local, use, &column[c], &column[c + 1]));
done:
    return status;
}

void fit_shrink_groups_clear(struct fit_shrink_groups *groups)
{
    for (int64_t c = 0; c < groups->columns; c++) {
        struct fit_shrink_column *column = &groups->column[c];
        if (!column->borrowed) {
            dictionary_clear(&column->texts);
            free(column->code);
        }
        free(column->parent);
    }
    *groups = (struct fit_shrink_groups){0};
}
