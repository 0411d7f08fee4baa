/* Columns, complete rows, and the values, levels, weights and clusters in them. */
#include "jobs/formula_rows.h"

#include "jobs/fit_table.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST 1e300 /* of a number in a formula: sums of larger ones overflow */

/* ---- columns and their types ---- */

static enum status find_columns(struct formula_rows *r)
{
    for (int64_t i = 0; i < r->formula->names; i++) {
        int64_t at = table_find(r->table, r->formula->name[i]);
        if (at < 0) return FAIL(ERR_DATA, "no column is called \"%s\"", r->formula->name[i]);
        r->column[i] = &r->table->column[at];
    }
    return OK;
}

static bool is_text(const struct formula_rows *r, const struct formula_factor *factor)
{
    return factor->column >= 0 && r->column[factor->column]->type == COLUMN_TEXT;
}

bool formula_rows_leveled(const struct formula_rows *r, const struct formula_factor *factor)
{
    return factor->levels || is_text(r, factor);
}

static enum status refuse_text(const struct table_column *column, const char *reason,
                               const char *remedy)
{
    const char *example = fit_table_example(column);
    return FAIL(ERR_DATA, "column \"%s\" holds text (\"%.60s\") and %s; %s", column->name, example,
                reason, fit_table_remedy(example, remedy));
}

/* The first column of text that a factor calculates with; NULL if none. */
static const struct table_column *text_inside(const struct formula_rows *r,
                                              const struct formula_factor *factor)
{
    int64_t columns[FORMULA_NAMES];
    int64_t count = expression_columns(factor->expression, columns);
    for (int64_t i = 0; i < count; i++)
        if (r->column[columns[i]]->type == COLUMN_TEXT) return r->column[columns[i]];
    return NULL;
}

static enum status check_types(const struct formula_rows *r)
{
    const struct formula *formula = r->formula;
    const struct table_column *text = text_inside(r, &formula->outcome);
    if (text != NULL)
        return refuse_text(text, "cannot be the outcome", "explain a column of numbers");
    if (formula->weight >= 0 && r->column[formula->weight]->type == COLUMN_TEXT)
        return refuse_text(r->column[formula->weight], "cannot be weights",
                           "name a column of numbers by --weights");
    for (int64_t f = 0; f < formula->factors; f++) {
        if (is_text(r, &formula->factor[f])) continue;
        text = text_inside(r, &formula->factor[f]);
        if (text != NULL)
            return refuse_text(text, "cannot be calculated with",
                               "a text column is a term of its own, as in y ~ column");
    }
    return OK;
}

/* ---- complete rows ---- */

static bool is_missing(const struct table_column *column, int64_t row)
{
    return column->type == COLUMN_TEXT ? column->code[row] < 0 : isnan(column->number[row]);
}

/* Whether a row is used, counting those that only their weight excludes. */
static bool is_complete(struct formula_rows *r, int64_t row)
{
    int64_t weight = r->formula->weight;
    for (int64_t c = 0; c < r->formula->names; c++)
        if (is_missing(r->column[c], row)) return false;
    if (weight < 0 || r->column[weight]->number[row] != 0.0) return true;
    r->weightless++;
    return false;
}

static enum status cut_complete(struct formula_rows *r)
{
    enum status status = OK;
    const struct blocks *all = &r->table->blocks;
    struct blocks *kept = &r->blocks;
    TRY(memory_new(&r->complete, all->rows_local, sizeof *r->complete));
    *kept = *all;
    kept->start = NULL;
    kept->rows_local = 0;
    TRY(memory_new(&kept->start, all->blocks_local + 1, sizeof *kept->start));
    for (int64_t b = 0; b < all->blocks_local; b++) {
        for (int64_t i = all->start[b]; i < all->start[b + 1]; i++) {
            r->complete[i] = is_complete(r, i);
            kept->rows_local += r->complete[i];
        }
        kept->start[b + 1] = kept->rows_local;
    }
done:
    return status;
}

static enum status check_weights(const struct formula_rows *r)
{
    if (r->formula->weight < 0) return OK;
    const struct table_column *column = r->column[r->formula->weight];
    for (int64_t i = 0; i < r->table->blocks.rows_local; i++)
        if (r->complete[i] && !(column->number[i] > 0.0 && column->number[i] <= LARGEST))
            return FAIL(ERR_DATA,
                        "weight \"%s\" is %g in data row %lld; weights go from 0 (the row does "
                        "not count) to 1e300",
                        column->name, column->number[i],
                        (long long)(r->table->blocks.row_first + i + 1));
    return OK;
}

static enum status check_some(const struct comm *comm, const struct formula_rows *r)
{
    int64_t missing[FORMULA_NAMES] = {0}, worst = 0;
    if (r->blocks.rows_total > 0) return OK;
    if (r->weightless > 0)
        return FAIL(ERR_DATA, "no row has a weight \"%s\" above 0, so none counts",
                    r->column[r->formula->weight]->name);
    for (int64_t c = 0; c < r->formula->names; c++)
        for (int64_t i = 0; i < r->table->blocks.rows_local; i++)
            missing[c] += is_missing(r->column[c], i);
    comm_sum_int64(comm, missing, r->formula->names);
    for (int64_t c = 1; c < r->formula->names; c++)
        if (missing[c] > missing[worst]) worst = c;
    return FAIL(ERR_DATA,
                "none of the %lld rows has a value in every column of the formula; \"%s\" lacks "
                "%lld: fill it or do without it",
                (long long)r->table->blocks.rows_total, r->column[worst]->name,
                (long long)missing[worst]);
}

enum status formula_rows_init(const struct comm *comm, const struct formula *formula,
                              const struct table *table, struct formula_rows *r)
{
    enum status status = OK;
    struct blocks *kept = &r->blocks;
    *r = (struct formula_rows){.formula = formula, .table = table};
    TRY_ALL(comm, find_columns(r));
    TRY_ALL(comm, check_types(r));
    TRY_ALL(comm, cut_complete(r));
    TRY_ALL(comm, check_weights(r));
    kept->rows_total = kept->rows_local;
    comm_sum_int64(comm, &kept->rows_total, 1);
    comm_sum_int64(comm, &r->weightless, 1);
    kept->row_first = comm_prefix_int64(comm, kept->rows_local);
    TRY(check_some(comm, r));
done:
    return status;
}

void formula_rows_clear(struct formula_rows *r)
{
    blocks_clear(&r->blocks);
    free(r->complete);
    *r = (struct formula_rows){0};
}

/* ---- values ---- */

void formula_rows_read(const struct formula_rows *r, int64_t row, double *values)
{
    for (int64_t i = 0; i < r->formula->names; i++)
        values[i] = r->column[i]->type == COLUMN_NUMBER ? r->column[i]->number[row] : 0.0;
}

enum status formula_rows_evaluate(const struct formula_rows *r, const struct formula_factor *factor,
                                  int64_t row, const double *values, double *result)
{
    *result = expression_evaluate(factor->expression, values);
    if (fabs(*result) <= LARGEST) return OK;
    char what[32] = "not a number";
    if (!isnan(*result)) snprintf(what, sizeof what, "%g", *result);
    return FAIL(ERR_DATA,
                "%s is %s in data row %lld; leave such rows out of the table, or transform the "
                "column otherwise%s",
                factor->text, what, (long long)(r->table->blocks.row_first + row + 1),
                isfinite(*result) ? ": sums of such numbers have no digits" : "");
}

/* value[:] = the factor in the complete rows. */
static enum status evaluate_rows(const struct formula_rows *r, const struct formula_factor *factor,
                                 double *value)
{
    enum status status = OK;
    double values[FORMULA_NAMES];
    for (int64_t i = 0, to = 0; i < r->table->blocks.rows_local; i++) {
        if (!r->complete[i]) continue;
        formula_rows_read(r, i, values);
        TRY(formula_rows_evaluate(r, factor, i, values, &value[to++]));
    }
done:
    return status;
}

/* value[:] = a column of numbers in the complete rows. */
static void copy_column(const struct formula_rows *r, const struct table_column *column,
                        double *value)
{
    for (int64_t i = 0, to = 0; i < r->table->blocks.rows_local; i++)
        if (r->complete[i]) value[to++] = column->number[i];
}

/* ---- levels ---- */

enum status formula_rows_factor_levels(const struct comm *comm, const struct formula_rows *r,
                                       const struct formula_factor *factor,
                                       struct formula_levels *levels)
{
    enum status status = OK;
    double *value = NULL;
    if (is_text(r, factor))
        return formula_levels_of_text(comm, r->column[factor->column], &r->table->blocks,
                                      r->complete, levels);
    TRY_ALL(comm, memory_new(&value, r->blocks.rows_local, sizeof *value));
    TRY_ALL(comm, evaluate_rows(r, factor, value));
    TRY(formula_levels_of_numbers(comm, value, r->blocks.rows_local, levels));
done:
    free(value);
    return status;
}

static enum status column_levels(const struct comm *comm, const struct formula_rows *r,
                                 int64_t name, struct formula_levels *levels)
{
    enum status status = OK;
    double *value = NULL;
    const struct table_column *column = r->column[name];
    if (column->type == COLUMN_TEXT)
        return formula_levels_of_text(comm, column, &r->table->blocks, r->complete, levels);
    TRY_ALL(comm, memory_new(&value, r->blocks.rows_local, sizeof *value));
    copy_column(r, column, value);
    TRY(formula_levels_of_numbers(comm, value, r->blocks.rows_local, levels));
done:
    free(value);
    return status;
}

/* levels = the combinations of those in levels and the column's. */
static enum status cross_levels(const struct comm *comm, const struct formula_rows *r, int64_t name,
                                struct formula_levels *levels)
{
    enum status status = OK;
    struct formula_levels more = {0}, crossed = {0};
    double *value = NULL;
    int64_t rows = r->blocks.rows_local;
    TRY(column_levels(comm, r, name, &more));
    TRY_ALL(comm, memory_new(&value, rows, sizeof *value));
    for (int64_t i = 0; i < rows; i++)
        value[i] = (double)levels->level[i] * (double)more.count + (double)more.level[i];
    TRY(formula_levels_of_numbers(comm, value, rows, &crossed));
    formula_levels_clear(levels);
    *levels = crossed;
done:
    formula_levels_clear(&more);
    free(value);
    return status;
}

enum status formula_rows_effect_levels(const struct comm *comm, const struct formula_rows *r,
                                       const struct formula_effect *effect,
                                       struct formula_levels *levels)
{
    enum status status = column_levels(comm, r, effect->name[0], levels);
    for (int64_t k = 1; k < effect->names && status == OK; k++)
        status = cross_levels(comm, r, effect->name[k], levels);
    if (status != OK) formula_levels_clear(levels);
    return status;
}

/* ---- weights ---- */

enum status formula_rows_weights(const struct comm *comm, const struct formula_rows *r,
                                 double **weight)
{
    enum status status = OK;
    *weight = NULL;
    if (r->formula->weight < 0) return OK;
    TRY_ALL(comm, memory_new(weight, r->blocks.rows_local, sizeof **weight));
    copy_column(r, r->column[r->formula->weight], *weight);
done:
    return status;
}

/* ---- clusters ---- */

static int64_t key_of(const struct table_column *column, int64_t row)
{
    int64_t key = 0;
    if (column->type == COLUMN_TEXT) return column->code[row];
    double number = column->number[row] + 0.0; /* no -0 */
    memcpy(&key, &number, sizeof key);
    return key;
}

enum status formula_rows_clusters(const struct comm *comm, const struct formula_rows *r,
                                  int64_t **cluster)
{
    enum status status = OK;
    *cluster = NULL;
    if (r->formula->cluster < 0) return OK;
    const struct table_column *column = r->column[r->formula->cluster];
    TRY_ALL(comm, memory_new(cluster, r->blocks.rows_local, sizeof **cluster));
    for (int64_t i = 0, to = 0; i < r->table->blocks.rows_local; i++)
        if (r->complete[i]) (*cluster)[to++] = key_of(column, i);
done:
    return status;
}

enum status formula_rows_nested(const struct comm *comm, const struct formula_rows *r,
                                const struct formula_levels *levels, const int64_t *cluster,
                                const double *weight, int64_t *nested)
{
    enum status status = OK;
    int64_t *low = NULL;
    TRY_ALL(comm, memory_new(&low, 2 * levels->count, sizeof *low));
    int64_t *high = low + levels->count;
    for (int64_t l = 0; l < levels->count; l++) {
        low[l] = INT64_MAX;
        high[l] = INT64_MIN;
    }
    for (int64_t i = 0; i < r->blocks.rows_local; i++) {
        int32_t l = levels->level[i];
        if (weight != NULL && !(weight[i] > 0.0)) continue;
        if (cluster[i] < low[l]) low[l] = cluster[i];
        if (cluster[i] > high[l]) high[l] = cluster[i];
    }
    comm_min_int64(comm, low, levels->count);
    comm_max_int64(comm, high, levels->count);
    bool inside = true;
    *nested = 0;
    for (int64_t l = 0; l < levels->count; l++) {
        inside = inside && low[l] >= high[l]; /* low > high in a level without rows */
        *nested += low[l] == high[l];
    }
    if (!inside) *nested = 0;
done:
    free(low);
    return status;
}
