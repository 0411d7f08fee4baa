/* Rows and names of the design matrix that a formula asks for. */
#include "jobs/formula_design.h"

#include "jobs/formula_rows.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVEL_BYTES = 1024 };

/* One term's columns. Levels are counted from `skip` on: 1 leaves the base out. */
struct layout {
    bool dense;
    int64_t first; /* number of its first column, within its part */
    int64_t columns;
};

struct maker {
    const struct formula *formula;
    struct formula_rows rows;
    struct layout layout[FORMULA_TERMS];
    struct formula_levels levels[FORMULA_FACTORS]; /* count 0 for a factor that is a number */
    int64_t dense, sparse, entries_most;           /* columns, and entries a row may have */
    struct formula_design *out;
};

static enum status find_levels(const struct comm *comm, struct maker *m)
{
    enum status status = OK;
    for (int64_t f = 0; f < m->formula->factors; f++)
        if (formula_rows_leveled(&m->rows, &m->formula->factor[f]))
            TRY(formula_rows_factor_levels(comm, &m->rows, &m->formula->factor[f], &m->levels[f]));
done:
    return status;
}

static bool has_levels(const struct maker *m, int64_t f)
{
    return m->levels[f].count > 0;
}

/* ---- weights, clusters and absorbed effects ---- */

static enum status find_effect(const struct comm *comm, struct maker *m, int64_t e)
{
    enum status status = OK;
    struct formula_design *out = m->out;
    struct formula_levels *levels = &out->levels[e];
    int64_t nested = 0;
    TRY(formula_rows_effect_levels(comm, &m->rows, &m->formula->effect[e], levels));
    out->effect[e] = (struct design_effect){levels->count, levels->level};
    if (levels->count == 1)
        log_warning("%s has a single value: absorbing it leaves an intercept",
                    m->formula->effect[e].text);
    if (out->cluster == NULL) return OK;
    TRY(formula_rows_nested(comm, &m->rows, levels, out->cluster, out->weight, &nested));
    out->nested_levels += nested > 0 ? nested - 1 : 0;
done:
    return status;
}

static enum status find_effects(const struct comm *comm, struct maker *m)
{
    enum status status = OK;
    for (int64_t e = 0; e < m->formula->effects; e++) TRY(find_effect(comm, m, e));
done:
    return status;
}

/* ---- layout ---- */

static enum formula_role role_of(const struct maker *m, uint64_t term)
{
    int64_t t = 0;
    while (m->formula->term[t] != term) t++;
    return m->formula->role[t];
}

/* 1 if the factor's base level is left out in this term. */
static int64_t level_skip(const struct maker *m, uint64_t term, int64_t factor)
{
    return formula_has(m->formula, term & ~((uint64_t)1 << factor), role_of(m, term)) ? 1 : 0;
}

static int64_t level_count(const struct maker *m, uint64_t term, int64_t factor)
{
    return m->levels[factor].count - level_skip(m, term, factor);
}

static bool has_factor(uint64_t term, int64_t factor)
{
    return (term >> factor & 1) != 0;
}

static enum status too_many(const char *what, int64_t columns)
{
    return FAIL(ERR_ARG,
                "%s takes the model to %lld columns, more than %d; use a column with fewer "
                "levels, or absorb it: write it behind |, as in y ~ x | a",
                what, (long long)columns, DESIGN_PARAMETERS_MAX);
}

/* A factor with one level has nothing to be compared with. */
static void warn_single(const struct maker *m, int64_t f)
{
    char level[LEVEL_BYTES];
    formula_levels_name(&m->levels[f], 0, level, sizeof level);
    log_warning("%s has a single value, \"%.200s\", in the rows that are used: it explains nothing "
                "and is left out",
                m->formula->factor[f].text, level);
}

static enum status lay_out_term(struct maker *m, int64_t t)
{
    uint64_t term = m->formula->term[t];
    struct layout *layout = &m->layout[t];
    *layout = (struct layout){.dense = true, .columns = 1};
    for (int64_t f = 0; f < m->formula->factors; f++) {
        if (!has_factor(term, f) || !has_levels(m, f)) continue;
        int64_t count = level_count(m, term, f);
        layout->dense = false;
        layout->columns *= count;
        if (count == 0) warn_single(m, f);
        if (m->sparse + m->dense + layout->columns > DESIGN_PARAMETERS_MAX)
            return too_many(m->formula->factor[f].text, m->sparse + m->dense + layout->columns);
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
    if (m->dense + m->sparse == 0 && m->formula->effects == 0 && !m->formula->intercept)
        TRY(FAIL(ERR_DATA, "no term is left to explain %s by", m->formula->outcome.text));
done:
    return status;
}

/* ---- rows ---- */

/* The product of a term's numbers, and the combination of its levels: -1 where a base level is met.
 */
static double term_value(const struct maker *m, uint64_t term, int64_t to, const double *factors,
                         int64_t *level)
{
    double value = 1.0;
    int64_t stride = 1;
    *level = 0;
    for (int64_t f = 0; f < m->formula->factors; f++) {
        if (!has_factor(term, f)) continue;
        if (!has_levels(m, f)) {
            value *= factors[f];
            continue;
        }
        int64_t own = m->levels[f].level[to] - level_skip(m, term, f);
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

static void fill_terms(struct maker *m, int64_t to, const double *factors)
{
    struct formula_design *out = m->out;
    int64_t end = out->row_start[to], level = 0;
    for (int64_t t = 0; t < m->formula->terms; t++) {
        double value = term_value(m, m->formula->term[t], to, factors, &level);
        if (m->layout[t].dense)
            out->x[to * m->dense + m->layout[t].first] = value;
        else if (level >= 0 && value != 0.0)
            add_entry(out, &end, m->layout[t].first + level, value);
    }
    out->row_start[to + 1] = end;
}

static enum status fill_row(struct maker *m, int64_t row, int64_t to)
{
    enum status status = OK;
    const struct formula *formula = m->formula;
    double values[FORMULA_NAMES], factors[FORMULA_FACTORS] = {0};
    formula_rows_read(&m->rows, row, values);
    TRY(formula_rows_evaluate(&m->rows, &formula->outcome, row, values, &m->out->y[to]));
    for (int64_t f = 0; f < formula->factors; f++)
        if (!has_levels(m, f))
            TRY(formula_rows_evaluate(&m->rows, &formula->factor[f], row, values, &factors[f]));
    fill_terms(m, to, factors);
done:
    return status;
}

static enum status fill_rows(struct maker *m)
{
    enum status status = OK;
    struct formula_design *out = m->out;
    int64_t rows = m->rows.blocks.rows_local, entries = rows * m->entries_most, to = 0;
    TRY(memory_new(&out->x, rows * m->dense, sizeof *out->x));
    TRY(memory_new(&out->y, rows, sizeof *out->y));
    TRY(memory_new(&out->row_start, rows + 1, sizeof *out->row_start));
    TRY(memory_new(&out->column, entries, sizeof *out->column));
    TRY(memory_new(&out->value, entries, sizeof *out->value));
    for (int64_t i = 0; i < m->rows.table->blocks.rows_local; i++)
        if (m->rows.complete[i]) TRY(fill_row(m, i, to++));
done:
    return status;
}

/* ---- names ---- */

/* The name of column `level` of a term, into text of `room` bytes (0 to measure); its length. */
static int64_t write_name(const struct maker *m, uint64_t term, int64_t level, char *text,
                          size_t room)
{
    size_t length = 0;
    char label[LEVEL_BYTES];
    for (int64_t f = 0; f < m->formula->factors; f++) {
        if (!has_factor(term, f)) continue;
        const char *name = m->formula->factor[f].text, *colon = length > 0 ? ":" : "";
        size_t left = room > length ? room - length : 0;
        char *to = left > 0 ? text + length : NULL;
        if (!has_levels(m, f)) {
            length += (size_t)snprintf(to, left, "%s%s", colon, name);
            continue;
        }
        int64_t count = level_count(m, term, f), own = level % count + level_skip(m, term, f);
        formula_levels_name(&m->levels[f], own, label, sizeof label);
        length += (size_t)snprintf(to, left, "%s%s[%s]", colon, name, label);
        level /= count;
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
    out->role[out->reported] = term == 0 ? FORMULA_EXOGENOUS : role_of(m, term);
    out->parameter[out->reported++] = parameter;
    return OK;
}

static enum status name_terms(struct maker *m)
{
    enum status status = OK;
    const struct formula *formula = m->formula;
    struct formula_design *out = m->out;
    int64_t dense = out->design.intercept ? 1 : 0, sparse = dense + m->dense;
    TRY(memory_new(&out->term, 1 + m->dense + m->sparse, sizeof *out->term));
    TRY(memory_new(&out->parameter, 1 + m->dense + m->sparse, sizeof *out->parameter));
    TRY(memory_new(&out->role, 1 + m->dense + m->sparse, sizeof *out->role));
    if (out->design.intercept) TRY(add_name(m, 0, 0, 0));
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
    out->weightless = m->rows.weightless;
    out->left_out =
        m->rows.table->blocks.rows_total - m->rows.blocks.rows_total - m->rows.weightless;
    out->blocks = m->rows.blocks;
    m->rows.blocks = (struct blocks){0};
    out->design = (struct design){.blocks = &out->blocks,
                                  .intercept = m->formula->intercept && m->formula->effects == 0,
                                  .dense = m->dense,
                                  .x = out->x,
                                  .sparse = m->sparse,
                                  .row_start = out->row_start,
                                  .column = out->column,
                                  .value = out->value,
                                  .y = out->y,
                                  .weight = out->weight,
                                  .effects = m->formula->effects,
                                  .effect = out->effect};
}

enum status formula_design_make(const struct comm *comm, const struct formula *formula,
                                const struct table *table, struct formula_design **design)
{
    enum status status = OK;
    struct maker m = {.formula = formula};
    *design = NULL;
    TRY_ALL(comm, memory_new(&m.out, 1, sizeof *m.out));
    TRY(formula_rows_init(comm, formula, table, &m.rows));
    TRY(find_levels(comm, &m));
    TRY(formula_rows_weights(comm, &m.rows, &m.out->weight));
    TRY(formula_rows_clusters(comm, &m.rows, &m.out->cluster));
    TRY(find_effects(comm, &m));
    TRY_ALL(comm, lay_out(&m));
    TRY_ALL(comm, fill_rows(&m));
    set_design(&m);
    TRY_ALL(comm, name_terms(&m));
    *design = m.out;
    m.out = NULL;
done:
    formula_design_free(&m.out);
    for (int64_t f = 0; f < formula->factors; f++) formula_levels_clear(&m.levels[f]);
    formula_rows_clear(&m.rows);
    return status;
}

enum status formula_design_varying(const struct comm *comm, const struct formula_design *made,
                                   bool *varies)
{
    const struct design *design = &made->design;
    enum status status = OK;
    double *low = NULL;
    int64_t width = design->dense + 1;
    TRY_ALL(comm, memory_new(&low, 2 * width, sizeof *low));
    double *high = low + width;
    for (int64_t j = 0; j < 2 * width; j++) low[j] = INFINITY;
    for (int64_t i = 0; i < design->blocks->rows_local; i++) {
        if (design->weight != NULL && !(design->weight[i] > 0.0)) continue;
        for (int64_t j = 0; j < width; j++) {
            double x = j < design->dense ? design->x[i * design->dense + j] : design->y[i];
            low[j] = fmin(low[j], x);
            high[j] = fmin(high[j], -x);
        }
    }
    comm_min_double(comm, low, 2 * width);
    for (int64_t j = 0; j < width; j++) varies[j] = low[j] < -high[j];
done:
    free(low);
    return status;
}

void formula_design_free(struct formula_design **design)
{
    struct formula_design *d = *design;
    if (d == NULL) return;
    blocks_clear(&d->blocks);
    free(d->x);
    free(d->y);
    free(d->weight);
    free(d->cluster);
    free(d->value);
    free(d->row_start);
    free(d->column);
    for (int64_t e = 0; e < FORMULA_EFFECTS; e++) formula_levels_clear(&d->levels[e]);
    for (int64_t i = 0; i < d->reported; i++) free(d->term[i]);
    free(d->term);
    free(d->parameter);
    free(d->role);
    free(d);
    *design = NULL;
}
