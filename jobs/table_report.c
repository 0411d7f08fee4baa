/* Chosen rows marked and counted by columns of their table. */
#include "jobs/table_report.h"

#include "jobs/cell_rows.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_row(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* mark[row] = 1 for the chosen rows of this rank's part of the table */
static enum status mark_chosen(const struct comm *comm, const struct cell_table *t,
                               const uint8_t *choice, const struct blocks *rows, double *mark)
{
    enum status status = OK;
    int64_t slots = t->blocks.rows_local, *row = NULL, *count = NULL, received_count = 0;
    void *received = NULL;
    TRY_ALL(comm, memory_new(&row, slots, sizeof *row));
    TRY_ALL(comm, memory_new(&count, comm->ranks, sizeof *count));
    for (int64_t i = 0; i < slots; i++) {
        row[i] = t->row[i * t->cells.options + choice[i]];
        count[blocks_owner(comm, rows->rows_total, BLOCK_ROWS, row[i])]++;
    }
    if (slots > 0) qsort(row, (size_t)slots, sizeof *row, by_row);
    TRY(comm_exchange(comm, row, count, sizeof *row, &received, &received_count));
    for (int64_t i = 0; i < received_count; i++)
        mark[((const int64_t *)received)[i] - rows->row_first] = 1.0;
done:
    free(row);
    free(count);
    free(received);
    return status;
}

static const struct table_column *column_of(const struct fit_table *table, const char *name)
{
    int64_t at = name != NULL ? table_find(table->table, name) : -1;
    return at >= 0 ? &table->table->column[at] : NULL;
}

enum status table_report_make(const struct comm *comm, const struct fit_table *table,
                              const struct cell_table *cells, const struct cell_names *names,
                              const struct constraint *constraint, const uint8_t *choice,
                              struct table_report *report)
{
    enum status status = OK;
    const struct blocks *blocks = &table->table->blocks;
    *report = (struct table_report){.table = table, .cells = cells};
    report->value = column_of(table, names->value);
    report->option = column_of(table, names->option);
    for (int64_t c = 0; c < cells->constraints; c++)
        report->use[c] = column_of(table, constraint[c].column);
    TRY_ALL(comm, memory_new(&report->mark, blocks->rows_local, sizeof *report->mark));
    TRY(mark_chosen(comm, cells, choice, blocks, report->mark));
    if (report->option != NULL)
        TRY(cell_groups_make(comm, report->option, blocks, INT32_MAX, &report->options));
    if (report->options.levels.count > TABLE_OPTIONS_MOST) cell_groups_clear(&report->options);
done:
    return status;
}

void table_report_clear(struct table_report *report)
{
    cell_groups_clear(&report->options);
    free(report->mark);
    *report = (struct table_report){0};
}

/* ---- counts ---- */

/* Of one group: slots, value, uses, then slots by option. */
static int64_t numbers_of(const struct table_report *r)
{
    return 2 + r->cells->constraints + r->options.levels.count;
}

static void add_row(const struct table_report *r, int64_t row, int64_t *sum)
{
    const struct cell_table *t = r->cells;
    int64_t *options = sum + 2 + t->constraints;
    sum[0]++;
    sum[1] += cell_units(r->value->number[row], t->value_unit);
    for (int64_t c = 0; c < t->constraints; c++) {
        double sign = t->use_unit[c] < 0.0 ? -1.0 : 1.0, use = r->use[c]->number[row];
        sum[2 + c] += cell_units_up(sign * use, fabs(t->use_unit[c]));
    }
    if (r->options.code != NULL && r->options.code[row] >= 0) options[r->options.code[row]]++;
}

/* sum[groups][numbers_of] over all ranks; group NULL: all rows are one */
static enum status count_groups(const struct comm *comm, const struct table_report *r,
                                const struct cell_groups *group, int64_t groups, int64_t **sum)
{
    enum status status = OK;
    int64_t numbers = numbers_of(r);
    TRY_ALL(comm, memory_new(sum, groups * numbers, sizeof **sum));
    for (int64_t i = 0; i < r->table->table->blocks.rows_local; i++) {
        int64_t g = group != NULL ? group->code[i] : 0;
        if (r->mark[i] > 0.0 && g >= 0) add_row(r, i, *sum + g * numbers);
    }
    comm_sum_int64(comm, *sum, groups * numbers);
done:
    return status;
}

static json_t *counts_json(const struct table_report *r, const int64_t *sum)
{
    json_t *list = json_array();
    for (int64_t k = 0; k < r->options.levels.count; k++)
        json_array_append_new(list, json_integer(sum[2 + r->cells->constraints + k]));
    return list;
}

enum status table_report_options(const struct comm *comm, const struct table_report *r, json_t *out)
{
    enum status status = OK;
    int64_t *sum = NULL;
    if (r->options.code == NULL) return OK;
    TRY(count_groups(comm, r, NULL, 1, &sum));
    if (out == NULL) goto done;
    json_t *names = json_array();
    for (int64_t k = 0; k < r->options.levels.count; k++) {
        char name[CELL_GROUP_NAME];
        formula_levels_name(&r->options.levels, k, name, sizeof name);
        json_array_append_new(names, json_string(name));
    }
    json_object_set_new(out, "options", names);
    json_object_set_new(out, "levels", counts_json(r, sum));
done:
    free(sum);
    return status;
}

static json_t *group_json(const struct table_report *r, const char *column, const char *name,
                          const int64_t *sum)
{
    const struct cell_table *t = r->cells;
    json_t *used = json_object();
    for (int64_t c = 0; c < t->constraints; c++)
        json_object_set_new(used, r->use[c]->name,
                            json_real(cell_amount(sum[2 + c], t->use_unit[c])));
    json_t *out = json_pack("{s:s, s:s, s:I, s:f}", "column", column, "group", name, "slots",
                            (json_int_t)sum[0], "value", cell_amount(sum[1], t->value_unit));
    json_object_set_new(out, "used", used);
    if (r->options.code != NULL) json_object_set_new(out, "levels", counts_json(r, sum));
    return out;
}

enum status table_report_groups(const struct comm *comm, const struct table_report *r,
                                const char *column, json_t *out)
{
    enum status status = OK;
    struct cell_groups group = {0};
    int64_t at = 0, *sum = NULL;
    TRY_ALL(comm, fit_table_find(r->table, column, &at));
    const struct table_column *by = &r->table->table->column[at];
    TRY(cell_groups_make(comm, by, &r->table->table->blocks, KNAPSACK_LIMITS, &group));
    TRY(count_groups(comm, r, &group, group.levels.count, &sum));
    if (out == NULL) goto done;
    json_t *list = json_array();
    for (int64_t g = 0; g < group.levels.count; g++) {
        char name[CELL_GROUP_NAME];
        formula_levels_name(&group.levels, g, name, sizeof name);
        json_array_append_new(list, group_json(r, column, name, sum + g * numbers_of(r)));
    }
    json_array_extend(json_object_get(out, "groups"), list);
    json_decref(list);
done:
    cell_groups_clear(&group);
    free(sum);
    return status;
}
