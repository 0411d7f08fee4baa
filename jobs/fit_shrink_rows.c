/* Complete rows of the table into moments of units, and the groups that units lie in. */
#include "jobs/fit_shrink_units.h"

#include "io/parse.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WHOLE_MOST 9007199254740992.0 /* 2^53 */

/* The complete rows as units' rows. */
struct gathered {
    double *x; /* NULL: those of the design */
    uint64_t *key;
    int32_t *group;
    bool *use;
};

static void gathered_clear(struct gathered *g)
{
    free(g->x);
    free(g->key);
    free(g->group);
    free(g->use);
}

/* ---- rows ---- */

static bool is_missing(const struct table_column *column, int64_t row)
{
    return column->type == COLUMN_TEXT ? column->code[row] < 0 : isnan(column->number[row]);
}

/* Numbers in their order as unsigned integers. */
static uint64_t key_of_number(double x)
{
    uint64_t bits;
    x += 0.0; /* no -0 */
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 != 0 ? ~bits : bits | (uint64_t)1 << 63;
}

static uint64_t key_of(const struct table_column *by, int64_t row)
{
    return by->type == COLUMN_TEXT ? (uint64_t)by->code[row] : key_of_number(by->number[row]);
}

double fit_shrink_number(uint64_t key)
{
    uint64_t bits = key >> 63 != 0 ? key & ~((uint64_t)1 << 63) : ~key;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* What is asked of the table's rows. */
struct source {
    const struct table *table;
    const struct formula *formula;
    const struct design *design;
    const struct table_column *by, *weight; /* weight: NULL if there is none */
    const struct table_column *column[FORMULA_NAMES];
};

static struct source source_of(const struct fit_shrink_options *opt, const struct table *table,
                               const struct formula_design *made)
{
    const struct formula *formula = opt->formula;
    struct source s = {.table = table, .formula = formula, .design = &made->design};
    s.by = &table->column[table_find(table, opt->by)];
    for (int64_t c = 0; c < formula->names; c++)
        s.column[c] = &table->column[table_find(table, formula->name[c])];
    if (formula->weight >= 0) s.weight = s.column[formula->weight];
    return s;
}

/* Whether the design has the row. */
static bool is_complete(const struct source *s, int64_t row)
{
    for (int64_t c = 0; c < s->formula->names; c++)
        if (is_missing(s->column[c], row)) return false;
    return s->weight == NULL || s->weight->number[row] != 0.0;
}

static void fill_x(const struct design *design, int64_t row, double *x)
{
    for (int64_t j = 0; j < design->dense; j++) x[j] = design->x[row * design->dense + j];
    for (int64_t e = design->row_start[row]; e < design->row_start[row + 1]; e++)
        x[design->dense + design->column[e]] = design->value[e];
}

/* Numbers that stand for units are told apart as long as all digits are kept. */
static enum status check_by(const struct table *table, const struct table_column *by)
{
    for (int64_t i = 0; i < table->blocks.rows_local && by->type == COLUMN_NUMBER; i++)
        if (fabs(by->number[i]) > WHOLE_MOST)
            return FAIL(ERR_DATA,
                        "column \"%s\" of --by holds %.17g in data row %lld: numbers beyond 2^53 "
                        "lose digits, and units would be taken for one another; write a letter "
                        "before them",
                        by->name, by->number[i], (long long)(table->blocks.row_first + i + 1));
    return OK;
}

/* Rows of the table that count. */
static enum status find_used(const struct source *s, bool **used, int64_t *without)
{
    enum status status = OK;
    int64_t rows = s->table->blocks.rows_local;
    TRY(memory_new(used, rows, sizeof **used));
    for (int64_t i = 0; i < rows; i++) {
        bool complete = is_complete(s, i), missing = is_missing(s->by, i);
        (*used)[i] = complete && !missing;
        *without += complete && missing;
    }
done:
    return status;
}

static enum status gather(const struct source *s, const struct formula_design *made,
                          const int32_t *group, struct gathered *g)
{
    enum status status = OK;
    int64_t columns = s->design->dense + s->design->sparse, to = 0, rows = made->blocks.rows_local;
    if (columns > UNIT_COLUMNS_MAX)
        return FAIL(ERR_ARG, "%lld coefficients for each unit, more than %d; leave terms out",
                    (long long)columns, UNIT_COLUMNS_MAX);
    bool sparse = s->design->sparse > 0; /* otherwise the design's rows are as they should be */
    if (sparse) TRY(memory_new(&g->x, rows * columns, sizeof *g->x));
    TRY(memory_new(&g->key, rows, sizeof *g->key));
    TRY(memory_new(&g->group, rows, sizeof *g->group));
    TRY(memory_new(&g->use, rows, sizeof *g->use));
    for (int64_t i = 0; i < s->table->blocks.rows_local; i++) {
        if (!is_complete(s, i)) continue;
        if (to == rows) return FAIL(ERR_BUG, "more complete rows than the design has");
        g->use[to] = !is_missing(s->by, i);
        if (g->use[to]) {
            g->key[to] = key_of(s->by, i);
            g->group[to] = group != NULL ? group[i] : 0;
        }
        if (sparse) fill_x(s->design, to, g->x + to * columns);
        to++;
    }
done:
    return status;
}

/* ---- units in groups ---- */

static enum status refuse_unit(const struct fit_shrink *fit, const struct table_column *by,
                               int64_t unit)
{
    const struct fit_shrink_column *groups = &fit->groups.column[0];
    const int32_t *group = fit->statistics.group + 2 * unit;
    char number[NUMBER_TEXT_BYTES + 1];
    uint64_t key = fit->statistics.key[unit];
    const char *name = number;
    if (by->type == COLUMN_TEXT)
        name = dictionary_text(&by->levels, (int64_t)key);
    else
        format_number(fit_shrink_number(key), number);
    return FAIL(ERR_DATA,
                "%s \"%s\" stands in %s \"%s\" and in \"%s\": each unit lies in one group of "
                "--within; mend its rows, or take a column that does not change within a unit",
                by->name, name, groups->name, dictionary_text(&groups->texts, group[0]),
                dictionary_text(&groups->texts, group[1]));
}

static enum status check_units(const struct fit_shrink *fit, const struct table_column *by)
{
    const struct unit_statistics *s = &fit->statistics;
    for (int64_t u = 0; u < s->units && fit->groups.columns > 0; u++)
        if (s->group[2 * u] != s->group[2 * u + 1]) return refuse_unit(fit, by, u);
    return OK;
}

enum status fit_shrink_sum_up(const struct comm *comm, const struct fit_shrink_options *opt,
                              const struct table *table, const struct formula_design *made,
                              struct fit_shrink *fit)
{
    enum status status = OK;
    struct gathered g = {0};
    bool *used = NULL;
    struct source source = source_of(opt, table, made);
    const char *folder = getenv("TMPDIR");
    TRY_ALL(comm, check_by(table, source.by));
    TRY_ALL(comm, find_used(&source, &used, &fit->without_unit));
    comm_sum_int64(comm, &fit->without_unit, 1);
    TRY(fit_shrink_groups_make(comm, table, (const char *const *)opt->within, opt->within_count,
                               used, &fit->groups));
    const int32_t *group = fit->groups.columns > 0 ? fit->groups.column[0].code : NULL;
    TRY_ALL(comm, gather(&source, made, group, &g));
    const struct unit_rows rows = {.blocks = &made->blocks,
                                   .columns = made->design.dense + made->design.sparse,
                                   .x = g.x != NULL ? g.x : made->design.x,
                                   .y = made->y,
                                   .weight = made->weight,
                                   .key = g.key,
                                   .use = g.use,
                                   .group = g.group,
                                   .first_rows = opt->train_rows,
                                   .folder = folder != NULL ? folder : "."};
    TRY(unit_statistics_make(comm, &rows, &fit->statistics));
    if (fit->statistics.units_total == 0)
        TRY(FAIL(ERR_DATA, "no complete row has a value in column \"%s\"", opt->by));
    TRY_ALL(comm, check_units(fit, source.by));
done:
    gathered_clear(&g);
    free(used);
    return status;
}
