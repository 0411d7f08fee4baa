/* Rows into units, units into estimates, estimates shrunk. */
#include "jobs/fit_shrink_units.h"

#include "jobs/fit_shrink_joint.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_BYTES = 600 };

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

static enum status make_room(struct fit_shrink *fit)
{
    enum status status = OK;
    int64_t units = fit->regression->units;
    TRY(memory_new(&fit->std_error, units, sizeof *fit->std_error));
    TRY(memory_new(&fit->shrunk, units, sizeof *fit->shrunk));
    TRY(memory_new(&fit->shrunk_sd, units, sizeof *fit->shrunk_sd));
    TRY(memory_new(&fit->share, units, sizeof *fit->share));
    TRY(memory_new(&fit->group, units, sizeof *fit->group));
    TRY(memory_new(&fit->shrunk_to, units, sizeof *fit->shrunk_to));
    TRY(memory_new(&fit->weak, units, sizeof *fit->weak));
    fit->levels = fit->groups.columns + 1;
    for (int64_t l = 0; l < fit->levels; l++) {
        bool all = l == fit->groups.columns;
        const struct fit_shrink_column *column = all ? NULL : &fit->groups.column[l];
        TRY(shrink_level_init(&fit->level[l], all ? 1 : column->texts.count,
                              all ? NULL : column->parent));
    }
done:
    return status;
}

/* Standard errors of the estimates that count. */
static enum status find_errors(const struct comm *comm, const struct fit_shrink_options *opt,
                               struct fit_shrink *fit)
{
    enum status status = OK;
    const struct unit_regression *r = fit->regression;
    TRY(variance_prior_fit(comm, r->square, r->freedom, r->units, &fit->variance));
    if (fit->variance.units == 0)
        TRY(FAIL(ERR_DATA,
                 "no unit has more rows than coefficients, so nothing tells how far estimates are "
                 "off; take fewer terms, or units with more rows"));
    for (int64_t u = 0; u < r->units; u++) {
        bool counts = opt->partial || opt->joint || fit_shrink_is_own(fit, u);
        double variance = variance_prior_apply(&fit->variance, r->square[u], r->freedom[u]);
        fit->std_error[u] = counts ? sqrt(r->leverage[u] * variance) : NAN;
        fit->group[u] = fit->statistics.group[2 * u];
    }
done:
    return status;
}

/* Without an estimate of any unit there is nothing to shrink. */
static enum status check_told(const struct comm *comm, const struct fit_shrink_options *opt,
                              const struct fit_shrink *fit)
{
    int64_t told = 0;
    for (int64_t u = 0; u < fit->regression->units; u++) told += isfinite(fit->std_error[u]);
    comm_sum_int64(comm, &told, 1);
    if (told > 0 || opt->joint) return OK;
    return FAIL(ERR_DATA,
                "no unit's rows tell all slopes, so none has an estimate in full; --joint and "
                "--partial take in what they tell%s, or leave terms out",
                opt->train_rows > 0 ? ", a higher --train-rows gives them more rows" : "");
}

/* A unit of no known group: the mean of all, and the spreads of all levels together. */
static struct shrink_prior prior_of(const struct fit_shrink *fit)
{
    double variance = 0;
    for (int64_t l = 0; l < fit->levels; l++)
        variance += fit->level[l].spread * fit->level[l].spread;
    return (struct shrink_prior){fit->level[fit->levels - 1].mean[0], sqrt(variance),
                                 fit->level[0].members};
}

static int32_t level_of(const struct fit_shrink *fit, int64_t unit)
{
    int64_t group = fit->group[unit], l = 0;
    for (; l + 1 < fit->levels && !isfinite(fit->level[l].estimate[group]); l++)
        group = fit->level[l].parent != NULL ? fit->level[l].parent[group] : 0;
    return (int32_t)l;
}

/* What is said of a unit beside its posterior; the posterior is cut off where the sign is known. */
static void judge(const struct fit_shrink_options *opt, struct fit_shrink *fit, int64_t u)
{
    double *mean = &fit->shrunk[u], *sd = &fit->shrunk_sd[u];
    bool own = fit->std_error[u] < fit->level[0].spread;
    fit->weak[u] = !own || !(fabs(*mean) > 1.96 * *sd);
    fit->shrunk_to[u] = level_of(fit, u);
    if (opt->sign == 0) return;
    *mean *= -opt->sign;
    fit->share[u] = *sd > 0.0 ? 0.5 * erfc(*mean / (*sd * sqrt(2.0))) : *mean <= 0.0;
    shrink_below_zero(mean, sd);
    *mean = *mean == 0.0 ? 0.0 : -opt->sign * *mean;
}

static enum status shrink_units(const struct comm *comm, const struct fit_shrink_options *opt,
                                bool intercept, struct fit_shrink *fit)
{
    enum status status = OK;
    const struct unit_regression *r = fit->regression;
    TRY_ALL(comm, make_room(fit));
    TRY(find_errors(comm, opt, fit));
    TRY(check_told(comm, opt, fit));
    const struct shrink_units units = {r->units, r->estimate, fit->std_error, fit->group};
    if (opt->joint) {
        TRY(fit_shrink_joint(comm, intercept, fit));
    } else {
        TRY(shrink_tree_fit(comm, &units, fit->level, fit->levels, fit->shrunk, fit->shrunk_sd));
        TRY(shrink_tree_widen(comm, &units, fit->level, fit->levels, fit->shrunk, fit->shrunk_sd));
    }
    fit->prior = prior_of(fit);
    for (int64_t u = 0; u < r->units; u++) judge(opt, fit, u);
done:
    return status;
}

static void count_units(const struct comm *comm, struct fit_shrink *fit)
{
    const struct unit_regression *r = fit->regression;
    const struct unit_statistics *s = &fit->statistics;
    for (int64_t u = 0; u < r->units; u++) {
        bool own = fit_shrink_is_own(fit, u);
        fit->own += own;
        fit->told += isfinite(fit->std_error[u]);
        fit->in_part += !own && isfinite(r->estimate[u]);
        fit->weak_units += fit->weak[u];
        fit->positive[PREDICT_UNIT] += own && r->estimate[u] > 0.0;
        fit->positive[PREDICT_SHRUNK] += fit->shrunk[u] > 0.0;
        fit->train_rows += s->rows[u * s->parts];
        if (s->parts == 2) fit->test_rows += s->rows[u * s->parts + 1];
    }
    comm_sum_int64(comm, &fit->own, 1);
    comm_sum_int64(comm, &fit->told, 1);
    comm_sum_int64(comm, &fit->in_part, 1);
    comm_sum_int64(comm, &fit->weak_units, 1);
    comm_sum_int64(comm, fit->positive, PREDICTORS);
    comm_sum_int64(comm, &fit->train_rows, 1);
    comm_sum_int64(comm, &fit->test_rows, 1);
}

/* Means over the units, in parts of the largest. */
static enum status average_units(const struct comm *comm, struct fit_shrink *fit)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double most = 0, units = (double)fit->statistics.units_total;
    for (int64_t u = 0; u < fit->regression->units; u++) most = fmax(most, fabs(fit->shrunk[u]));
    comm_max_double(comm, &most, 1);
    TRY_ALL(comm, exact_init(&sums, 2));
    for (int64_t u = 0; u < fit->regression->units; u++) {
        if (most > 0.0) exact_add_one(&sums, 0, fit->shrunk[u] / most);
        exact_add_one(&sums, 1, fit->share[u]);
    }
    TRY(exact_reduce(comm, &sums));
    fit->mean_shrunk = most * (exact_get(&sums, 0) / units);
    fit->mean_share = exact_get(&sums, 1) / units;
done:
    exact_clear(&sums);
    return status;
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
    if (predictor != PREDICT_SHRUNK) return;
    if (fit->slope != NULL)
        memcpy(slope, fit->slope + u * r->columns, (size_t)r->columns * sizeof *slope);
    slope[fit->wanted] = fit->shrunk[u];
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
    TRY_ALL(comm, exact_init(&sums, PREDICTORS + 1));
    for (int64_t u = 0; u < units; u++) {
        for (int p = 0; p < PREDICTORS; p++)
            if (most[p] > 0.0)
                exact_add_one(&sums, p,
                              test_square(fit, (enum predictor)p, intercept, u) / most[p]);
        exact_add_one(&sums, PREDICTORS, unit_moments(&fit->statistics, u, 1)[0]);
    }
    TRY(exact_reduce(comm, &sums));
    double weight = exact_get(&sums, PREDICTORS);
    for (int p = 0; p < PREDICTORS; p++)
        fit->rmse[p] = sqrt(most[p] * (exact_get(&sums, p) / weight));
done:
    exact_clear(&sums);
    return status;
}

enum status fit_shrink_make(const struct comm *comm, const struct fit_shrink_options *opt,
                            const struct table *table, const struct formula_design *made,
                            struct fit_shrink *fit)
{
    enum status status = OK;
    bool first = opt->train_rows > 0;
    TRY_ALL(comm, find_wanted(made, opt->coefficient, &fit->wanted));
    TRY(fit_shrink_sum_up(comm, opt, table, made, fit));
    const struct unit_regression_options options = {made->design.intercept, fit->wanted};
    TRY(unit_regression_fit(comm, &fit->statistics, &options, &fit->regression));
    if (fit->regression->dropped[fit->wanted])
        TRY(FAIL(ERR_DATA,
                 "%s varies within no value of column \"%s\" apart from the other terms%s, so no "
                 "unit tells its coefficient; take another --coefficient or --by%s",
                 opt->coefficient, opt->by, first ? " in the first rows" : "",
                 first ? ", or raise --train-rows" : ""));
    TRY(shrink_units(comm, opt, made->design.intercept, fit));
    count_units(comm, fit);
    TRY(average_units(comm, fit));
    TRY(test(comm, made->design.intercept, fit));
done:
    return status;
}

void fit_shrink_clear(struct fit_shrink *fit)
{
    unit_statistics_clear(&fit->statistics);
    fit_shrink_groups_clear(&fit->groups);
    unit_regression_free(&fit->regression);
    for (int64_t l = 0; l < fit->levels; l++) shrink_level_clear(&fit->level[l]);
    free(fit->std_error);
    free(fit->shrunk);
    free(fit->shrunk_sd);
    free(fit->slope);
    free(fit->share);
    free(fit->group);
    free(fit->shrunk_to);
    free(fit->weak);
    *fit = (struct fit_shrink){0};
}
