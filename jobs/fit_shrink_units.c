/* Rows into units, units into estimates, estimates shrunk. */
#include "jobs/fit_shrink_units.h"

#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_BYTES = 600 };

/* The complete rows as units' rows. */
struct gathered {
    double *x;
    uint64_t *key;
    bool *use;
};

static void gathered_clear(struct gathered *g)
{
    free(g->x);
    free(g->key);
    free(g->use);
}

/* ---- the coefficient ---- */

/* Equal but for blanks and backticks. */
static bool same_term(const char *a, const char *b)
{
    for (;;) {
        a += strspn(a, " `");
        b += strspn(b, " `");
        if (*a != *b) return false;
        if (*a == '\0') return true;
        a++;
        b++;
    }
}

static enum status refuse_term(const struct formula_design *made, const char *name)
{
    char list[LIST_BYTES] = "";
    size_t at = 0;
    for (int64_t i = 0; i < made->reported && at < sizeof list; i++)
        if (!same_term(made->term[i], "(Intercept)"))
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", at > 0 ? ", " : "",
                                   made->term[i]);
    if (same_term(name, "(Intercept)"))
        return FAIL(ERR_USAGE,
                    "every unit has its own level, which is not shrunk; name a slope with "
                    "--coefficient: %s",
                    list);
    return FAIL(ERR_USAGE, "\"%s\" is no term of the formula; --coefficient can be %s", name, list);
}

static enum status find_wanted(const struct formula_design *made, const char *name, int64_t *wanted)
{
    int64_t first = made->design.intercept ? 1 : 0;
    for (int64_t i = 0; i < made->reported; i++)
        if (made->parameter[i] >= first && same_term(made->term[i], name)) {
            *wanted = made->parameter[i] - first;
            return OK;
        }
    return refuse_term(made, name);
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

double fit_shrink_number(uint64_t key)
{
    uint64_t bits = key >> 63 != 0 ? key & ~((uint64_t)1 << 63) : ~key;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static bool is_complete(const struct formula *formula, const struct table *table, int64_t row)
{
    for (int64_t c = 0; c < formula->names; c++)
        if (is_missing(&table->column[table_find(table, formula->name[c])], row)) return false;
    return true;
}

static void fill_x(const struct design *design, int64_t row, double *x)
{
    for (int64_t j = 0; j < design->dense; j++) x[j] = design->x[row * design->dense + j];
    if (design->sparse == 0) return;
    for (int64_t e = design->row_start[row]; e < design->row_start[row + 1]; e++)
        x[design->dense + design->column[e]] = design->value[e];
}

static enum status gather(const struct fit_shrink_options *opt, const struct table *table,
                          const struct formula_design *made, struct gathered *g, int64_t *without)
{
    enum status status = OK;
    const struct design *design = &made->design;
    const struct table_column *by = &table->column[table_find(table, opt->by)];
    int64_t columns = design->dense + design->sparse, to = 0, rows = made->blocks.rows_local;
    if (columns > UNIT_COLUMNS_MAX)
        return FAIL(ERR_ARG, "%lld coefficients for each unit, more than %d; leave terms out",
                    (long long)columns, UNIT_COLUMNS_MAX);
    TRY(memory_new(&g->x, rows * columns, sizeof *g->x));
    TRY(memory_new(&g->key, rows, sizeof *g->key));
    TRY(memory_new(&g->use, rows, sizeof *g->use));
    for (int64_t i = 0; i < table->blocks.rows_local; i++) {
        if (!is_complete(opt->formula, table, i)) continue;
        if (to == rows) return FAIL(ERR_BUG, "more complete rows than the design has");
        g->use[to] = !is_missing(by, i);
        if (!g->use[to])
            (*without)++;
        else
            g->key[to] =
                by->type == COLUMN_TEXT ? (uint64_t)by->code[i] : key_of_number(by->number[i]);
        fill_x(design, to, g->x + to * columns);
        to++;
    }
done:
    return status;
}

static enum status sum_up(const struct comm *comm, const struct fit_shrink_options *opt,
                          const struct table *table, const struct formula_design *made,
                          struct fit_shrink *fit)
{
    enum status status = OK;
    struct gathered g = {0};
    const char *folder = getenv("TMPDIR");
    TRY_ALL(comm, gather(opt, table, made, &g, &fit->without_unit));
    comm_sum_int64(comm, &fit->without_unit, 1);
    const struct unit_rows rows = {.blocks = &made->blocks,
                                   .columns = made->design.dense + made->design.sparse,
                                   .x = g.x,
                                   .y = made->y,
                                   .key = g.key,
                                   .use = g.use,
                                   .first_rows = opt->train_rows,
                                   .folder = folder != NULL ? folder : "."};
    TRY(unit_statistics_make(comm, &rows, &fit->statistics));
    if (fit->statistics.units_total == 0)
        TRY(FAIL(ERR_DATA, "no complete row has a value in column \"%s\"", opt->by));
done:
    gathered_clear(&g);
    return status;
}

/* ---- estimates ---- */

static int64_t told_by_all(const struct unit_regression *r)
{
    int64_t told = 0;
    for (int64_t j = 0; j < r->columns; j++) told += !r->dropped[j];
    return told;
}

bool fit_shrink_is_own(const struct fit_shrink *fit, int64_t unit)
{
    return fit->regression->rank[unit] == told_by_all(fit->regression);
}

static enum status shrink_units(const struct comm *comm, const struct fit_shrink_options *opt,
                                struct fit_shrink *fit)
{
    enum status status = OK;
    const struct unit_regression *r = fit->regression;
    TRY_ALL(comm, memory_new(&fit->std_error, r->units, sizeof *fit->std_error));
    TRY_ALL(comm, memory_new(&fit->shrunk, r->units, sizeof *fit->shrunk));
    TRY_ALL(comm, memory_new(&fit->shrunk_sd, r->units, sizeof *fit->shrunk_sd));
    TRY(variance_prior_fit(comm, r->square, r->freedom, r->units, &fit->variance));
    if (fit->variance.units == 0)
        TRY(FAIL(ERR_DATA,
                 "no unit has more rows than coefficients, so nothing tells how far estimates are "
                 "off; take fewer terms, or units with more rows"));
    for (int64_t u = 0; u < r->units; u++) {
        bool counts = opt->partial || fit_shrink_is_own(fit, u);
        double variance = variance_prior_apply(&fit->variance, r->square[u], r->freedom[u]);
        fit->std_error[u] = counts ? sqrt(r->leverage[u] * variance) : NAN;
    }
    const struct shrink_units units = {r->units, r->estimate, fit->std_error, NULL};
    TRY(shrink_fit(comm, &units, fit->shrunk, fit->shrunk_sd, &fit->prior));
    for (int64_t u = 0; u < r->units && opt->sign != 0; u++) {
        fit->shrunk[u] *= -opt->sign;
        shrink_below_zero(&fit->shrunk[u], &fit->shrunk_sd[u]);
        fit->shrunk[u] *= -opt->sign;
    }
done:
    return status;
}

static void count_units(const struct comm *comm, struct fit_shrink *fit)
{
    const struct unit_regression *r = fit->regression;
    for (int64_t u = 0; u < r->units; u++) {
        bool own = fit_shrink_is_own(fit, u);
        fit->own += own;
        fit->told += isfinite(fit->std_error[u]);
        fit->in_part += !own && isfinite(r->estimate[u]);
        fit->positive[PREDICT_UNIT] += own && r->estimate[u] > 0.0;
        fit->positive[PREDICT_SHRUNK] += fit->shrunk[u] > 0.0;
        fit->train_rows += (int64_t)unit_moments(&fit->statistics, u, 0)[0];
        if (fit->statistics.parts == 2)
            fit->test_rows += (int64_t)unit_moments(&fit->statistics, u, 1)[0];
    }
    comm_sum_int64(comm, &fit->own, 1);
    comm_sum_int64(comm, &fit->told, 1);
    comm_sum_int64(comm, &fit->in_part, 1);
    comm_sum_int64(comm, fit->positive, PREDICTORS);
    comm_sum_int64(comm, &fit->train_rows, 1);
    comm_sum_int64(comm, &fit->test_rows, 1);
}

/* ---- the test ---- */

/* Slopes of a unit as a predictor has them. */
static void slopes_of(const struct fit_shrink *fit, enum predictor predictor, int64_t u,
                      double *slope)
{
    const struct unit_regression *r = fit->regression;
    bool own = predictor == PREDICT_UNIT && fit_shrink_is_own(fit, u);
    const double *from = own ? r->coefficient + u * r->columns : r->shared;
    memcpy(slope, from, (size_t)r->columns * sizeof *slope);
    if (predictor == PREDICT_SHRUNK) slope[fit->wanted] = fit->shrunk[u];
}

static double test_square(const struct fit_shrink *fit, enum predictor predictor, bool intercept,
                          int64_t u)
{
    double slope[UNIT_COLUMNS_MAX];
    int64_t columns = fit->regression->columns;
    slopes_of(fit, predictor, u, slope);
    double level =
        intercept ? unit_level(unit_moments(&fit->statistics, u, 0), columns, slope) : 0.0;
    return unit_square(unit_moments(&fit->statistics, u, 1), columns, slope, level);
}

static enum status test(const struct comm *comm, bool intercept, struct fit_shrink *fit)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double most[PREDICTORS] = {0};
    int64_t units = fit->regression->units;
    for (int p = 0; p < PREDICTORS; p++) fit->rmse[p] = NAN;
    if (fit->test_rows == 0) return OK;
    for (int64_t u = 0; u < units; u++)
        for (int p = 0; p < PREDICTORS; p++) {
            double square = test_square(fit, (enum predictor)p, intercept, u);
            if (square > most[p]) most[p] = square;
        }
    comm_max_double(comm, most, PREDICTORS);
    TRY_ALL(comm, exact_init(&sums, PREDICTORS));
    for (int64_t u = 0; u < units; u++)
        for (int p = 0; p < PREDICTORS; p++)
            if (most[p] > 0.0)
                exact_add_one(&sums, p,
                              test_square(fit, (enum predictor)p, intercept, u) / most[p]);
    TRY(exact_reduce(comm, &sums));
    for (int p = 0; p < PREDICTORS; p++)
        fit->rmse[p] = sqrt(most[p] * (exact_get(&sums, p) / (double)fit->test_rows));
done:
    exact_clear(&sums);
    return status;
}

enum status fit_shrink_make(const struct comm *comm, const struct fit_shrink_options *opt,
                            const struct table *table, const struct formula_design *made,
                            struct fit_shrink *fit)
{
    enum status status = OK;
    TRY_ALL(comm, find_wanted(made, opt->coefficient, &fit->wanted));
    TRY(sum_up(comm, opt, table, made, fit));
    const struct unit_regression_options options = {made->design.intercept, fit->wanted};
    TRY(unit_regression_fit(comm, &fit->statistics, &options, &fit->regression));
    if (fit->regression->dropped[fit->wanted])
        TRY(FAIL(ERR_DATA,
                 "%s varies within no value of column \"%s\" apart from the other terms, so no "
                 "unit tells its coefficient; take another --coefficient or --by",
                 opt->coefficient, opt->by));
    TRY(shrink_units(comm, opt, fit));
    count_units(comm, fit);
    TRY(test(comm, made->design.intercept, fit));
done:
    return status;
}

void fit_shrink_clear(struct fit_shrink *fit)
{
    unit_statistics_clear(&fit->statistics);
    unit_regression_free(&fit->regression);
    free(fit->std_error);
    free(fit->shrunk);
    free(fit->shrunk_sd);
    *fit = (struct fit_shrink){0};
}
