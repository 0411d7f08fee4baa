/* Effects on residuals: least squares with sandwich errors. */
#include "algorithms/double_ml_effects.h"

#include "algorithms/least_squares.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COVARIANCE_GROUPS = 64 };

#define CONSTANT 1e-24   /* mean square of a treatment, in units, that does not vary */
#define ONE_CLUSTER 1e-5 /* clustered errors below this part of the others: nothing was summed */

/* Rows about their means in groups, as a design with a sparse column for each group. */
struct about {
    int64_t groups;
    int64_t *rows;      /* [groups] */
    double *left;       /* [groups] share of the treatment's variance */
    double *y, *t;      /* [rows_local] */
    double *weight;     /* [rows_local] */
    int64_t *row_start; /* [rows_local + 1] */
    int32_t *column;    /* [rows_local] */
    struct exact_sums sums;
};

enum { SUM_Y, SUM_T, SUM_SEEN, SUMS };

static enum status about_alloc(int64_t rows, struct about *a)
{
    enum status status = OK;
    TRY(memory_new(&a->rows, a->groups, sizeof *a->rows));
    TRY(memory_new(&a->left, a->groups, sizeof *a->left));
    TRY(memory_new(&a->y, rows, sizeof *a->y));
    TRY(memory_new(&a->t, rows, sizeof *a->t));
    TRY(memory_new(&a->weight, rows, sizeof *a->weight));
    TRY(memory_new(&a->row_start, rows + 1, sizeof *a->row_start));
    TRY(memory_new(&a->column, rows, sizeof *a->column));
    TRY(exact_init(&a->sums, a->groups * SUMS));
done:
    return status;
}

static void about_clear(struct about *a)
{
    free(a->rows);
    free(a->left);
    free(a->y);
    free(a->t);
    free(a->weight);
    free(a->row_start);
    free(a->column);
    exact_clear(&a->sums);
}

static void count_rows(const struct double_ml_residuals *r, const int32_t *group, struct about *a)
{
    int64_t entries = 0;
    for (int64_t i = 0; i < r->blocks->rows_local; i++) {
        int32_t g = group == NULL ? 0 : group[i];
        if (r->weight[i] > 0.0 && g >= 0) {
            const double sums[SUMS] = {r->outcome[i], r->treatment[i], r->seen[i]};
            exact_add(&a->sums, g * SUMS, sums, SUMS);
            a->weight[i] = 1;
            a->rows[g]++;
            a->column[entries++] = g;
        }
        a->row_start[i + 1] = entries;
    }
}

/* Take the groups' means, and add up what remains of the treatment. */
static void center(const struct double_ml_residuals *r, const double *sum, struct about *a)
{
    for (int64_t i = 0; i < r->blocks->rows_local; i++) {
        if (a->weight[i] <= 0.0) continue;
        int64_t at = a->row_start[i], g = a->column[at];
        const double *mean = sum + g * SUMS;
        double rows = (double)a->rows[g], seen = r->seen[i] - mean[SUM_SEEN] / rows;
        a->y[i] = r->outcome[i] - mean[SUM_Y] / rows;
        a->t[at] = r->treatment[i] - mean[SUM_T] / rows;
        const double squares[SUMS] = {0, a->t[at] * a->t[at], seen * seen};
        exact_add(&a->sums, g * SUMS, squares, SUMS);
    }
}

static enum status about_make(const struct comm *comm, const struct double_ml_residuals *r,
                              const int32_t *group, struct about *a)
{
    enum status status = OK;
    double *sum = NULL;
    TRY_ALL(comm, about_alloc(r->blocks->rows_local, a));
    TRY_ALL(comm, memory_new(&sum, a->groups * SUMS, sizeof *sum));
    count_rows(r, group, a);
    comm_sum_int64(comm, a->rows, a->groups);
    TRY(exact_reduce(comm, &a->sums));
    exact_get_all(&a->sums, 0, sum, a->groups * SUMS);
    exact_reset(&a->sums);
    center(r, sum, a);
    TRY(exact_reduce(comm, &a->sums));
    for (int64_t g = 0; g < a->groups; g++) {
        double seen = exact_get(&a->sums, g * SUMS + SUM_SEEN);
        a->left[g] = seen > CONSTANT * (double)a->rows[g]
                         ? exact_get(&a->sums, g * SUMS + SUM_T) / seen
                         : NAN;
    }
done:
    free(sum);
    return status;
}

/* ---- groups ---- */

/* With an intercept and a slope of its own a group has rows - 2 degrees of freedom. */
static double small_sample(const struct least_squares *fit, bool clustered, int64_t rows,
                           double left)
{
    if (rows < 3 || isnan(left)) return NAN;
    if (clustered) return 1;
    return sqrt((double)rows / (double)(rows - 2) / fit->correction);
}

static void set_estimates(const struct double_ml_residuals *r, const struct about *a,
                          const struct least_squares *fit, struct double_ml_estimate *estimate)
{
    for (int64_t g = 0; g < a->groups; g++)
        estimate[g] = (struct double_ml_estimate){
            .estimate = fit->dropped[g] || isnan(a->left[g]) ? NAN : fit->coefficient[g] * r->unit,
            .std_error = fit->std_error[g] * r->unit *
                         small_sample(fit, r->cluster != NULL, a->rows[g], a->left[g]),
            .rows = a->rows[g],
            .left = a->left[g]};
}

/* A group that lies in one cluster has no error to see: its residuals sum to 0 there. */
static void blank_single_clusters(const struct double_ml_residuals *r,
                                  const struct least_squares *independent, int64_t groups,
                                  struct double_ml_estimate *estimate)
{
    for (int64_t g = 0; g < groups; g++)
        if (!(estimate[g].std_error > ONE_CLUSTER * independent->std_error[g] * r->unit))
            estimate[g].std_error = NAN;
}

static void set_average(const struct double_ml_residuals *r, const struct about *a,
                        const struct least_squares *fit, const struct double_ml_estimate *estimate,
                        struct double_ml_estimate *average)
{
    double sum = 0, variance = 0, rows = 0;
    for (int64_t g = 0; g < a->groups; g++)
        if (!isnan(estimate[g].estimate)) rows += (double)estimate[g].rows;
    *average = (struct double_ml_estimate){.rows = (int64_t)rows, .left = NAN};
    for (int64_t g = 0; g < a->groups; g++) {
        double share = (double)estimate[g].rows / rows;
        if (isnan(estimate[g].estimate)) continue;
        sum += share * estimate[g].estimate;
        for (int64_t h = 0; fit->covariance != NULL && h < a->groups; h++)
            if (!isnan(estimate[h].estimate))
                variance += share * (double)estimate[h].rows / rows * r->unit * r->unit *
                            fit->covariance[g * a->groups + h];
        if (fit->covariance == NULL)
            variance += r->cluster != NULL
                            ? NAN
                            : share * share * estimate[g].std_error * estimate[g].std_error;
    }
    average->estimate = rows > 0 ? sum : NAN;
    average->std_error = rows > 0 ? sqrt(variance) : NAN;
}

static void set_none(const struct about *a, struct double_ml_estimate *estimate)
{
    for (int64_t g = 0; g < a->groups; g++)
        estimate[g] = (struct double_ml_estimate){NAN, NAN, a->rows[g], a->left[g]};
}

static bool any_varies(const struct about *a)
{
    for (int64_t g = 0; g < a->groups; g++)
        if (exact_get(&a->sums, g * SUMS + SUM_T) > 0) return true;
    return false;
}

static enum status fit_groups(const struct comm *comm, const struct double_ml_residuals *r,
                              const struct about *a, struct double_ml_estimate *estimate,
                              struct double_ml_estimate *average)
{
    enum status status = OK;
    struct least_squares *fit = NULL, *independent = NULL;
    struct design design = {.blocks = r->blocks,
                            .sparse = a->groups,
                            .row_start = a->row_start,
                            .column = a->column,
                            .value = a->t,
                            .y = a->y,
                            .weight = a->weight};
    struct least_squares_options opt = LEAST_SQUARES_DEFAULTS;
    opt.condition = false;
    opt.covariance = average != NULL && r->cluster != NULL && a->groups <= COVARIANCE_GROUPS;
    opt.errors = r->cluster != NULL ? ERRORS_CLUSTERED : ERRORS_HC1;
    opt.cluster = r->cluster;
    TRY(least_squares_fit(comm, &design, &opt, &fit));
    set_estimates(r, a, fit, estimate);
    if (r->cluster != NULL) {
        opt.errors = ERRORS_HC1;
        opt.covariance = false;
        TRY(least_squares_fit(comm, &design, &opt, &independent));
        blank_single_clusters(r, independent, a->groups, estimate);
    }
    if (average != NULL) set_average(r, a, fit, estimate, average);
done:
    least_squares_free(&fit);
    least_squares_free(&independent);
    return status;
}

enum status double_ml_effects(const struct comm *comm, const struct double_ml_residuals *r,
                              int64_t groups, const int32_t *group,
                              struct double_ml_estimate *estimate,
                              struct double_ml_estimate *average)
{
    enum status status = OK;
    struct about about = {.groups = groups};
    if (groups < 1 || groups > DOUBLE_ML_GROUPS_MAX)
        return FAIL(ERR_ARG,
                    "%lld groups; an effect is estimated in up to %d of them: group coarser",
                    (long long)groups, DOUBLE_ML_GROUPS_MAX);
    TRY(about_make(comm, r, group, &about));
    if (any_varies(&about)) {
        TRY(fit_groups(comm, r, &about, estimate, average));
    } else {
        set_none(&about, estimate);
        if (average != NULL) *average = (struct double_ml_estimate){NAN, NAN, 0, NAN};
    }
done:
    about_clear(&about);
    return status;
}

static struct double_ml_residuals residuals_of(const struct double_ml *ml)
{
    return (struct double_ml_residuals){.blocks = ml->blocks,
                                        .outcome = ml->outcome,
                                        .treatment = ml->treatment,
                                        .seen = ml->treatment_seen,
                                        .weight = ml->weight,
                                        .cluster = ml->cluster,
                                        .unit = ml->outcome_unit / ml->treatment_unit};
}

enum status double_ml_groups(const struct comm *comm, const struct double_ml *ml, int64_t groups,
                             const int32_t *group, struct double_ml_estimate *estimate,
                             struct double_ml_estimate *average)
{
    const struct double_ml_residuals r = residuals_of(ml);
    return double_ml_effects(comm, &r, groups, group, estimate, average);
}

/* ---- terms ---- */

static enum status terms_alloc(int64_t rows, int64_t terms, struct double_ml_terms *out, double **x)
{
    enum status status = OK;
    if (terms < 1 || terms > DOUBLE_ML_TERMS_MAX)
        return FAIL(ERR_ARG, "%lld terms of the effect; there may be up to %d", (long long)terms,
                    DOUBLE_ML_TERMS_MAX);
    out->terms = terms;
    TRY(memory_new(&out->coefficient, terms, sizeof *out->coefficient));
    TRY(memory_new(&out->covariance, terms * terms, sizeof *out->covariance));
    TRY(memory_new(x, rows * terms, sizeof **x));
done:
    return status;
}

enum status double_ml_terms(const struct comm *comm, const struct double_ml *ml, int64_t terms,
                            const double *term, struct double_ml_terms *out)
{
    enum status status = OK;
    const struct double_ml_residuals r = residuals_of(ml);
    int64_t rows = r.blocks->rows_local;
    struct least_squares *fit = NULL;
    double *x = NULL;
    *out = (struct double_ml_terms){0};
    TRY_ALL(comm, terms_alloc(rows, terms, out, &x));
    for (int64_t i = 0; i < rows * terms; i++)
        x[i] = r.weight[i / terms] > 0.0 ? term[i] * r.treatment[i / terms] : 0;
    struct design design = {
        .blocks = r.blocks, .dense = terms, .x = x, .y = r.outcome, .weight = r.weight};
    struct least_squares_options opt = LEAST_SQUARES_DEFAULTS;
    opt.condition = false;
    opt.covariance = true;
    opt.errors = r.cluster != NULL ? ERRORS_CLUSTERED : ERRORS_HC1;
    opt.cluster = r.cluster;
    TRY(least_squares_fit(comm, &design, &opt, &fit));
    for (int64_t k = 0; k < terms; k++)
        out->coefficient[k] = fit->dropped[k] ? NAN : fit->coefficient[k] * r.unit;
    for (int64_t k = 0; k < terms * terms; k++)
        out->covariance[k] = fit->covariance[k] * r.unit * r.unit;
done:
    least_squares_free(&fit);
    free(x);
    return status;
}

void double_ml_terms_clear(struct double_ml_terms *terms)
{
    free(terms->coefficient);
    free(terms->covariance);
    *terms = (struct double_ml_terms){0};
}
