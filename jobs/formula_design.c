/* Rows and names of the design matrix that a formula asks for. */
#include "jobs/formula_design.h"

#include "jobs/fit_table.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

/* One term's columns. Levels are counted from `skip` on: 1 leaves the base out. */
struct layout {
    bool dense;
    int64_t first; /* number of its first column, within its part */
    int64_t columns;
};

struct effect {
    const struct table_column *column; /* not owned */
    int64_t first;                     /* sparse column of its second level */
    int64_t levels;
    double *number; /* [levels] sorted, for a column of numbers; else NULL */
};

struct maker {
    const struct formula *formula;
    const struct table *table;
    const struct table_column *column[FORMULA_NAMES]; /* of each name */
    struct layout layout[FORMULA_TERMS];
    struct effect effect[FORMULA_NAMES];
    bool *complete;                      /* [table rows] */
    int64_t dense, sparse, entries_most; /* columns, and entries a row may have */
    struct formula_design *out;
};

/* ---- columns and their types ---- */

static enum status find_columns(struct maker *m)
{
    for (int64_t i = 0; i < m->formula->names; i++) {
        int64_t at = table_find(m->table, m->formula->name[i]);
        if (at < 0) return FAIL(ERR_DATA, "no column is called \"%s\"", m->formula->name[i]);
        m->column[i] = &m->table->column[at];
    }
    return OK;
}

static bool is_text(const struct maker *m, int64_t factor)
{
    int64_t name = m->formula->factor[factor].column;
    return name >= 0 && m->column[name]->type == COLUMN_TEXT;
}

static enum status refuse_text(const struct table_column *column, const char *reason,
                               const char *remedy)
{
    const char *example = fit_table_example(column);
    return FAIL(ERR_DATA, "column \"%s\" holds text (\"%.60s\") and %s; %s", column->name, example,
                reason, fit_table_remedy(example, remedy));
}

/* The first column of text that a factor calculates with; NULL if none. */
static const struct table_column *text_inside(const struct maker *m,
                                              const struct formula_factor *factor)
{
    int64_t columns[FORMULA_NAMES];
    int64_t count = expression_columns(factor->expression, columns);
    for (int64_t i = 0; i < count; i++)
        if (m->column[columns[i]]->type == COLUMN_TEXT) return m->column[columns[i]];
    return NULL;
}

static enum status check_types(const struct maker *m)
{
    const struct table_column *text = text_inside(m, &m->formula->outcome);
    if (text != NULL)
        return refuse_text(text, "cannot be the outcome", "explain a column of numbers");
    for (int64_t f = 0; f < m->formula->factors; f++) {
        if (is_text(m, f)) continue;
        text = text_inside(m, &m->formula->factor[f]);
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

static enum status cut_complete(struct maker *m)
{
    enum status status = OK;
    const struct blocks *all = &m->table->blocks;
    struct blocks *kept = &m->out->blocks;
    TRY(memory_new(&m->complete, all->rows_local, sizeof *m->complete));
    *kept = *all;
    kept->start = NULL;
    kept->rows_local = 0;
    TRY(memory_new(&kept->start, all->blocks_local + 1, sizeof *kept->start));
    for (int64_t b = 0; b < all->blocks_local; b++) {
        for (int64_t i = all->start[b]; i < all->start[b + 1]; i++) {
            m->complete[i] = true;
            for (int64_t c = 0; c < m->formula->names; c++)
                m->complete[i] = m->complete[i] && !is_missing(m->column[c], i);
            kept->rows_local += m->complete[i];
        }
        kept->start[b + 1] = kept->rows_local;
    }
done:
    return status;
}

/* Same blocks as the table's, less the rows with missing values. */
static enum status find_complete(const struct comm *comm, struct maker *m)
{
    enum status status = OK;
    struct blocks *kept = &m->out->blocks;
    TRY_ALL(comm, cut_complete(m));
    kept->rows_total = kept->rows_local;
    comm_sum_int64(comm, &kept->rows_total, 1);
    kept->row_first = comm_prefix_int64(comm, kept->rows_local);
    m->out->left_out = m->table->blocks.rows_total - kept->rows_total;
    if (kept->rows_total == 0)
        status = FAIL(ERR_DATA, "none of the %lld rows has a value in every column of the formula",
                      (long long)m->table->blocks.rows_total);
done:
    return status;
}

/* ---- absorbed effects ---- */

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

/* The distinct numbers of a column in complete rows, on all ranks. */
static enum status distinct_numbers(const struct comm *comm, const struct maker *m,
                                    struct effect *effect)
{
    enum status status = OK;
    double *mine = NULL;
    void *all = NULL;
    int64_t count = 0, bytes = 0;
    TRY_ALL(comm, memory_new(&mine, m->out->blocks.rows_local, sizeof *mine));
    for (int64_t i = 0; i < m->table->blocks.rows_local; i++)
        if (m->complete[i]) mine[count++] = effect->column->number[i] + 0.0; /* no -0 */
    count = sort_distinct(mine, count);
    TRY(comm_gather_all(comm, mine, count * (int64_t)sizeof *mine, &all, &bytes));
    effect->number = all;
    effect->levels = sort_distinct(effect->number, bytes / (int64_t)sizeof *mine);
done:
    free(mine);
    return status;
}

/* Level of an absorbed effect in a row; its first one is the base. */
static int64_t effect_level(const struct effect *effect, int64_t row)
{
    if (effect->number == NULL) return effect->column->code[row];
    double wanted = effect->column->number[row];
    int64_t low = 0, high = effect->levels - 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (effect->number[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum status find_effects(const struct comm *comm, struct maker *m)
{
    enum status status = OK;
    for (int64_t e = 0; e < m->formula->effects; e++) {
        struct effect *effect = &m->effect[e];
        effect->column = m->column[m->formula->effect[e]];
        if (effect->column->type == COLUMN_TEXT)
            effect->levels = effect->column->levels.count;
        else
            TRY(distinct_numbers(comm, m, effect));
    }
done:
    return status;
}

/* ---- layout ---- */

/* 1 if the factor's base level is left out in this term. */
static int64_t level_skip(const struct maker *m, uint64_t term, int64_t factor)
{
    return formula_has(m->formula, term & ~((uint64_t)1 << factor)) ? 1 : 0;
}

static int64_t level_count(const struct maker *m, uint64_t term, int64_t factor)
{
    const struct formula_factor *f = &m->formula->factor[factor];
    return m->column[f->column]->levels.count - level_skip(m, term, factor);
}

static bool has_factor(uint64_t term, int64_t factor)
{
    return (term >> factor & 1) != 0;
}

static enum status too_many(const char *what, int64_t columns)
{
    return FAIL(ERR_ARG,
                "%s takes the model to %lld columns, more than %d; use a column with fewer "
                "levels",
                what, (long long)columns, DESIGN_PARAMETERS_MAX);
}

static enum status lay_out_term(struct maker *m, int64_t t)
{
    uint64_t term = m->formula->term[t];
    struct layout *layout = &m->layout[t];
    *layout = (struct layout){.dense = true, .columns = 1};
    const char *name = "";
    for (int64_t f = 0; f < m->formula->factors; f++) {
        if (!has_factor(term, f) || !is_text(m, f)) continue;
        name = m->formula->factor[f].text;
        layout->dense = false;
        layout->columns *= level_count(m, term, f);
        if (m->sparse + m->dense + layout->columns > DESIGN_PARAMETERS_MAX)
            return too_many(name, m->sparse + m->dense + layout->columns);
    }
    int64_t *part = layout->dense ? &m->dense : &m->sparse;
    layout->first = *part;
    *part += layout->columns;
    m->entries_most += !layout->dense;
    return OK;
}

static enum status lay_out(struct maker *m)
{
    enum status status = OK;
    for (int64_t t = 0; t < m->formula->terms; t++) TRY(lay_out_term(m, t));
    for (int64_t e = 0; e < m->formula->effects; e++) {
        struct effect *effect = &m->effect[e];
        effect->first = m->sparse;
        m->sparse += effect->levels - 1;
        if (m->sparse + m->dense + 1 > DESIGN_PARAMETERS_MAX)
            TRY(too_many(effect->column->name, m->sparse + m->dense + 1));
    }
    m->entries_most += m->formula->effects;
done:
    return status;
}

/* ---- rows ---- */

/* Value of a factor or the outcome in a row; values in [names]. */
static enum status evaluate(const struct maker *m, const struct formula_factor *factor, int64_t row,
                            const double *values, double *result)
{
    *result = expression_evaluate(factor->expression, values);
    if (isfinite(*result)) return OK;
    char what[32] = "not a number";
    if (!isnan(*result)) snprintf(what, sizeof what, "%g", *result);
    return FAIL(ERR_DATA,
                "%s is %s in data row %lld; leave such rows out of the table, or transform the "
                "column otherwise",
                factor->text, what, (long long)(m->table->blocks.row_first + row + 1));
}

/* The product of a term's numbers, and the combination of its levels: -1 where a base level is met.
 */
static double term_value(const struct maker *m, uint64_t term, int64_t row, const double *factors,
                         int64_t *level)
{
    double value = 1.0;
    int64_t stride = 1;
    *level = 0;
    for (int64_t f = 0; f < m->formula->factors; f++) {
        if (!has_factor(term, f)) continue;
        if (!is_text(m, f)) {
            value *= factors[f];
            continue;
        }
        int64_t skip = level_skip(m, term, f);
        int64_t own = m->column[m->formula->factor[f].column]->code[row] - skip;
        if (own < 0) *level = -1;
        if (*level >= 0) *level += own * stride;
        stride *= level_count(m, term, f);
    }
    return value;
}

static void add_entry(struct formula_design *out, int64_t *end, int64_t column, double value)
{
    out->column[*end] = (int32_t)column;
    out->value[(*end)++] = value;
}

static void fill_terms(struct maker *m, int64_t row, int64_t to, const double *factors)
{
    struct formula_design *out = m->out;
    int64_t end = out->row_start[to], level = 0;
    for (int64_t t = 0; t < m->formula->terms; t++) {
        double value = term_value(m, m->formula->term[t], row, factors, &level);
        if (m->layout[t].dense)
            out->x[to * m->dense + m->layout[t].first] = value;
        else if (level >= 0 && value != 0.0)
            add_entry(out, &end, m->layout[t].first + level, value);
    }
    for (int64_t e = 0; e < m->formula->effects; e++) {
        level = effect_level(&m->effect[e], row);
        if (level > 0) add_entry(out, &end, m->effect[e].first + level - 1, 1.0);
    }
    out->row_start[to + 1] = end;
}

static enum status fill_row(struct maker *m, int64_t row, int64_t to)
{
    enum status status = OK;
    double values[FORMULA_NAMES], factors[FORMULA_FACTORS] = {0};
    for (int64_t i = 0; i < m->formula->names; i++)
        values[i] = m->column[i]->type == COLUMN_NUMBER ? m->column[i]->number[row] : 0.0;
    TRY(evaluate(m, &m->formula->outcome, row, values, &m->out->y[to]));
    for (int64_t f = 0; f < m->formula->factors; f++)
        if (!is_text(m, f)) TRY(evaluate(m, &m->formula->factor[f], row, values, &factors[f]));
    fill_terms(m, row, to, factors);
done:
    return status;
}

static enum status fill_rows(struct maker *m)
{
    enum status status = OK;
    struct formula_design *out = m->out;
    int64_t rows = out->blocks.rows_local, entries = rows * m->entries_most, to = 0;
    TRY(memory_new(&out->x, rows * m->dense, sizeof *out->x));
    TRY(memory_new(&out->y, rows, sizeof *out->y));
    TRY(memory_new(&out->row_start, rows + 1, sizeof *out->row_start));
    TRY(memory_new(&out->column, entries, sizeof *out->column));
    TRY(memory_new(&out->value, entries, sizeof *out->value));
    for (int64_t i = 0; i < m->table->blocks.rows_local; i++)
        if (m->complete[i]) TRY(fill_row(m, i, to++));
done:
    return status;
}

/* ---- names ---- */

/* The name of column `level` of a term, into text of `room` bytes (0 to measure); its length. */
static int64_t write_name(const struct maker *m, uint64_t term, int64_t level, char *text,
                          size_t room)
{
    size_t length = 0;
    for (int64_t f = 0; f < m->formula->factors; f++) {
        if (!has_factor(term, f)) continue;
        const struct formula_factor *factor = &m->formula->factor[f];
        const char *colon = length > 0 ? ":" : "", *open = "", *label = "", *close = "";
        if (is_text(m, f)) {
            int64_t count = level_count(m, term, f), own = level % count + level_skip(m, term, f);
            label = dictionary_text(&m->column[factor->column]->levels, own);
            open = "[";
            close = "]";
            level /= count;
        }
        size_t left = room > length ? room - length : 0;
        char *to = left > 0 ? text + length : NULL;
        length += (size_t)snprintf(to, left, "%s%s%s%s%s", colon, factor->text, open, label, close);
    }
    return (int64_t)length;
}

static enum status add_name(struct maker *m, uint64_t term, int64_t level, int64_t parameter)
{
    struct formula_design *out = m->out;
    int64_t bytes =
        (term == 0 ? (int64_t)sizeof "(Intercept)" : write_name(m, term, level, NULL, 0)) + 1;
    char **name = &out->term[out->reported];
    enum status status = memory_new(name, bytes, 1);
    if (status != OK) return status;
    if (term == 0)
        strcpy(*name, "(Intercept)");
    else
        write_name(m, term, level, *name, (size_t)bytes);
    out->parameter[out->reported++] = parameter;
    return OK;
}

static enum status name_terms(struct maker *m)
{
    enum status status = OK;
    const struct formula *formula = m->formula;
    int64_t dense = m->out->design.intercept ? 1 : 0, sparse = dense + m->dense;
    TRY(memory_new(&m->out->term, 1 + m->dense + m->sparse, sizeof *m->out->term));
    TRY(memory_new(&m->out->parameter, 1 + m->dense + m->sparse, sizeof *m->out->parameter));
    if (formula->intercept && formula->effects == 0) TRY(add_name(m, 0, 0, 0));
    for (int64_t t = 0; t < formula->terms; t++) {
        int64_t first = (m->layout[t].dense ? dense : sparse) + m->layout[t].first;
        for (int64_t c = 0; c < m->layout[t].columns; c++)
            TRY(add_name(m, formula->term[t], c, first + c));
    }
done:
    return status;
}

/* ---- public ---- */

static void set_design(struct maker *m)
{
    struct formula_design *out = m->out;
    out->design = (struct design){.blocks = &out->blocks,
                                  .intercept = formula_has(m->formula, 0),
                                  .dense = m->dense,
                                  .x = out->x,
                                  .sparse = m->sparse,
                                  .row_start = out->row_start,
                                  .column = out->column,
                                  .value = out->value,
                                  .y = out->y};
}

enum status formula_design_make(const struct comm *comm, const struct formula *formula,
                                const struct table *table, struct formula_design **design)
{
    enum status status = OK;
    struct maker m = {.formula = formula, .table = table};
    *design = NULL;
    TRY_ALL(comm, memory_new(&m.out, 1, sizeof *m.out));
    TRY_ALL(comm, find_columns(&m));
    TRY_ALL(comm, check_types(&m));
    TRY(find_complete(comm, &m));
    TRY(find_effects(comm, &m));
    TRY_ALL(comm, lay_out(&m));
    TRY_ALL(comm, fill_rows(&m));
    set_design(&m);
    TRY_ALL(comm, name_terms(&m));
    *design = m.out;
    m.out = NULL;
done:
    formula_design_free(&m.out);
    for (int64_t e = 0; e < formula->effects; e++) free(m.effect[e].number);
    free(m.complete);
    return status;
}

void formula_design_free(struct formula_design **design)
{
    struct formula_design *d = *design;
    if (d == NULL) return;
    blocks_clear(&d->blocks);
    free(d->x);
    free(d->y);
    free(d->value);
    free(d->row_start);
    free(d->column);
    for (int64_t i = 0; i < d->reported; i++) free(d->term[i]);
    free(d->term);
    free(d->parameter);
    free(d);
    *design = NULL;
}
