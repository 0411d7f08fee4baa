/* Two stages of least squares, and their tests. */
#include "algorithms/instruments.h"

#include "algorithms/instruments_part.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SINGULAR \
    1e-12 /* a pivot below this part of its diagonal: the covariance has not full rank */

/* Fitted values are rounded, and those that others explain not quite explained by them. */
#define FITTED_TOLERANCE 1e-12

struct work {
    struct instruments_split split;
    const struct least_squares_options *options; /* not owned */
    int64_t exogenous;                           /* rank of the exogenous columns and effects */
    struct instruments *out;
};

/* ---- tests ---- */

/* b' v^-1 b; NaN if v is singular. v [n][n] and b [n] are used up. */
static double wald(double *v, double *b, int64_t n)
{
    double sum = 0.0;
    for (int64_t j = 0; j < n; j++) {
        double *row = v + j * n, diagonal = row[j];
        for (int64_t k = 0; k < j; k++) row[j] -= row[k] * row[k];
        if (!(row[j] > SINGULAR * diagonal)) return NAN;
        row[j] = sqrt(row[j]);
        for (int64_t i = j + 1; i < n; i++) {
            double *below = v + i * n;
            for (int64_t k = 0; k < j; k++) below[j] -= below[k] * row[k];
            below[j] /= row[j];
        }
        for (int64_t k = 0; k < j; k++) b[j] -= row[k] * b[k];
        b[j] /= row[j];
        sum += b[j] * b[j];
    }
    return sum;
}

/* Wald's statistic of the wanted parameters that are not dropped, and how many these are. Units do
 * not matter to it: the covariance is brought to correlations first. */
static enum status test_wanted(const struct least_squares *fit, const int64_t *wanted,
                               double *statistic, int64_t *count)
{
    enum status status = OK;
    double *v = NULL, *b = NULL;
    int64_t *kept = NULL, all = fit->wanted_count, n = 0;
    TRY(memory_new(&kept, all, sizeof *kept));
    for (int64_t i = 0; i < all; i++)
        if (!fit->dropped[wanted[i]]) kept[n++] = i;
    TRY(memory_new(&v, n * n, sizeof *v));
    TRY(memory_new(&b, n, sizeof *b));
    for (int64_t i = 0; i < n; i++) {
        double error = fit->std_error[wanted[kept[i]]];
        b[i] = fit->coefficient[wanted[kept[i]]] / error;
        for (int64_t j = 0; j < n; j++)
            v[i * n + j] = fit->covariance[kept[i] * all + kept[j]] /
                           (error * fit->std_error[wanted[kept[j]]]);
    }
    *statistic = n > 0 ? wald(v, b, n) : NAN;
    *count = n;
done:
    free(kept);
    free(v);
    free(b);
    return status;
}

/* The stage's parameters that are instruments; *wanted new. */
static enum status list_instruments(const struct work *w, const struct instruments_part *part,
                                    int64_t **wanted, int64_t *count)
{
    int64_t parameters = design_parameters(&part->design);
    enum status status = memory_new(wanted, parameters, sizeof **wanted);
    *count = 0;
    for (int64_t j = 0; j < parameters && status == OK; j++)
        if (w->split.role[part->origin[j]] == ROLE_INSTRUMENT) (*wanted)[(*count)++] = j;
    return status;
}

/* ---- first stage ---- */

/* Fitted values and what is left of endogenous column k. */
static void keep_fitted(struct work *w, int64_t k, const struct least_squares *fit)
{
    struct instruments_split *s = &w->split;
    for (int64_t i = 0; i < s->design->blocks->rows_local; i++) {
        int64_t at = i * s->endogenous + k;
        s->left[at] = fit->residual[i];
        s->fitted[at] = s->actual[at] - fit->residual[i];
    }
}

/* What the first stage says of the columns, the same for every endogenous one. */
static void keep_ranks(struct work *w, const struct instruments_part *part,
                       const struct least_squares *fit)
{
    w->exogenous = fit->rank + fit->groups + fit->levels - w->out->instruments;
    w->out->f_freedom = fit->clusters > 0 ? fit->clusters - 1 : fit->freedom;
    for (int64_t j = 0; j < design_parameters(&part->design); j++)
        if (w->split.role[part->origin[j]] == ROLE_INSTRUMENT)
            w->out->explained[part->origin[j]] = fit->dropped[j];
}

static enum status first_stage(const struct comm *comm, struct work *w,
                               struct instruments_part *part, int64_t k, double *y)
{
    enum status status = OK;
    struct least_squares *fit = NULL;
    struct least_squares_options options = *w->options;
    int64_t *wanted = NULL, rows = w->split.design->blocks->rows_local;
    for (int64_t i = 0; i < rows; i++) y[i] = w->split.actual[i * w->split.endogenous + k];
    TRY_ALL(comm, list_instruments(w, part, &wanted, &options.wanted_count));
    options.all_errors = false;
    options.wanted = wanted;
    options.covariance = options.residuals = true;
    options.condition = options.score = false;
    options.late_count = 0;
    TRY(least_squares_fit(comm, &part->design, &options, &fit));
    TRY_ALL(comm, test_wanted(fit, wanted, &w->out->f[k], &w->out->instruments));
    if (w->out->instruments > 0) w->out->f[k] /= (double)w->out->instruments;
    keep_fitted(w, k, fit);
    keep_ranks(w, part, fit);
done:
    free(wanted);
    least_squares_free(&fit);
    return status;
}

static enum status first_stages(const struct comm *comm, struct work *w)
{
    enum status status = OK;
    struct instruments_part part = {0};
    double *y = NULL;
    TRY_ALL(comm, memory_new(&y, w->split.design->blocks->rows_local, sizeof *y));
    TRY_ALL(comm, instruments_part_make(&w->split, false, true, y, &part));
    for (int64_t k = 0; k < w->split.endogenous; k++) TRY(first_stage(comm, w, &part, k, y));
done:
    instruments_part_clear(&part);
    free(y);
    return status;
}

/* ---- second stage ---- */

/* The wanted parameters of the design that the stage has; *wanted new. */
static enum status list_wanted(const struct work *w, const struct instruments_part *part,
                               struct least_squares_options *options, int64_t **wanted)
{
    enum status status = OK;
    bool *is_wanted = NULL;
    const struct least_squares_options *given = w->options;
    int64_t all = design_parameters(w->split.design), parameters = design_parameters(&part->design);
    TRY(memory_new(&is_wanted, all, sizeof *is_wanted));
    TRY(memory_new(wanted, parameters, sizeof **wanted));
    for (int64_t i = 0; i < all && given->all_errors; i++) is_wanted[i] = true;
    for (int64_t i = 0; i < given->wanted_count && !given->all_errors; i++)
        is_wanted[given->wanted[i]] = true;
    options->wanted_count = 0;
    for (int64_t j = 0; j < parameters; j++)
        if (is_wanted[part->origin[j]]) (*wanted)[options->wanted_count++] = j;
    options->all_errors = false;
    options->wanted = *wanted;
done:
    free(is_wanted);
    return status;
}

/* Parameters of the stage take their numbers in the design; those it has not are dropped. */
static enum status renumber(const struct work *w, const struct instruments_part *part,
                            struct least_squares *fit)
{
    enum status status = OK;
    int64_t all = design_parameters(w->split.design);
    double *coefficient = NULL, *std_error = NULL;
    bool *dropped = NULL;
    TRY(memory_new(&coefficient, all, sizeof *coefficient));
    TRY(memory_new(&std_error, all, sizeof *std_error));
    TRY(memory_new(&dropped, all, sizeof *dropped));
    for (int64_t j = 0; j < all; j++) {
        std_error[j] = NAN;
        dropped[j] = true;
    }
    for (int64_t j = 0; j < fit->parameters; j++) {
        coefficient[part->origin[j]] = fit->coefficient[j];
        std_error[part->origin[j]] = fit->std_error[j];
        dropped[part->origin[j]] = fit->dropped[j];
    }
    free(fit->coefficient);
    free(fit->std_error);
    free(fit->dropped);
    fit->coefficient = coefficient;
    fit->std_error = std_error;
    fit->dropped = dropped;
    fit->parameters = all;
done:
    if (status != OK) {
        free(coefficient);
        free(std_error);
        free(dropped);
    }
    return status;
}

/* Fitted values must add as many dimensions to the exogenous columns as there are. */
static void judge_identified(const struct work *w)
{
    struct instruments *out = w->out;
    const struct least_squares *fit = out->fit;
    int64_t rank = fit->rank + fit->groups + fit->levels, marked = 0;
    out->identified = rank >= w->exogenous + out->endogenous;
    if (out->identified) return;
    for (int64_t k = 0; k < out->endogenous; k++)
        marked += out->unidentified[k] = fit->dropped[out->parameter[k]];
    for (int64_t k = 0; k < out->endogenous && marked == 0; k++) out->unidentified[k] = true;
}

static enum status second_stage(const struct comm *comm, struct work *w)
{
    enum status status = OK;
    struct instruments_part part = {0};
    struct least_squares_options options = *w->options;
    int64_t *wanted = NULL;
    TRY_ALL(comm, instruments_part_make(&w->split, true, false, w->split.design->y, &part));
    TRY_ALL(comm, list_wanted(w, &part, &options, &wanted));
    options.tolerance = fmax(options.tolerance, FITTED_TOLERANCE);
    options.covariance = options.score = false;
    options.residuals = true;
    options.late_count = w->split.endogenous;
    options.late_first = part.design.dense - w->split.endogenous;
    options.late = w->split.left;
    TRY(least_squares_fit(comm, &part.design, &options, &w->out->fit));
    TRY_ALL(comm, renumber(w, &part, w->out->fit));
    judge_identified(w);
done:
    free(wanted);
    instruments_part_clear(&part);
    return status;
}

/* ---- over-identification ---- */

static enum status test_over(const struct comm *comm, struct work *w)
{
    enum status status = OK;
    struct instruments *out = w->out;
    struct instruments_part part = {0};
    struct least_squares *fit = NULL;
    struct least_squares_options options = *w->options;
    int64_t *wanted = NULL, spare = 0;
    TRY_ALL(comm, instruments_part_make(&w->split, true, true, out->fit->residual, &part));
    TRY_ALL(comm, list_instruments(w, &part, &wanted, &options.wanted_count));
    options.all_errors = false;
    options.wanted = wanted;
    options.tolerance = fmax(options.tolerance, FITTED_TOLERANCE);
    options.covariance = options.score = true;
    options.condition = options.residuals = false;
    options.late_count = 0;
    TRY(least_squares_fit(comm, &part.design, &options, &fit));
    TRY_ALL(comm, test_wanted(fit, wanted, &out->over, &spare));
    out->over *= fit->correction; /* covariances bear the factor, this statistic does not */
    if (spare != out->over_freedom) out->over = NAN;
done:
    free(wanted);
    least_squares_free(&fit);
    instruments_part_clear(&part);
    return status;
}

/* ---- the whole ---- */

static enum status instruments_new(const struct instruments_split *split, struct instruments **fit)
{
    enum status status = OK;
    struct instruments *out = NULL;
    int64_t count = split->dense[ROLE_INSTRUMENT] + split->sparse[ROLE_INSTRUMENT];
    if (split->endogenous < 1)
        return FAIL(ERR_ARG, "a model with instruments needs an endogenous column");
    if (count < split->endogenous)
        return FAIL(ERR_ARG, "%lld instruments are too few for %lld endogenous columns",
                    (long long)count, (long long)split->endogenous);
    TRY(memory_new(&out, 1, sizeof *out));
    out->endogenous = split->endogenous;
    out->over = NAN;
    TRY(memory_new(&out->parameter, split->endogenous, sizeof *out->parameter));
    TRY(memory_new(&out->unidentified, split->endogenous, sizeof *out->unidentified));
    TRY(memory_new(&out->f, split->endogenous, sizeof *out->f));
    TRY(memory_new(&out->explained, design_parameters(split->design), sizeof *out->explained));
    memcpy(out->parameter, split->parameter, (size_t)split->endogenous * sizeof *out->parameter);
    *fit = out;
done:
    if (status != OK) instruments_free(&out);
    return status;
}

void instruments_free(struct instruments **fit)
{
    if (*fit == NULL) return;
    least_squares_free(&(*fit)->fit);
    free((*fit)->parameter);
    free((*fit)->unidentified);
    free((*fit)->explained);
    free((*fit)->f);
    free(*fit);
    *fit = NULL;
}

enum status instruments_fit(const struct comm *comm, const struct design *design,
                            const enum instruments_role *role,
                            const struct least_squares_options *options, struct instruments **fit)
{
    enum status status = OK;
    struct work w = {.options = options};
    *fit = NULL;
    TRY_ALL(comm, instruments_split_make(design, role, &w.split));
    TRY_ALL(comm, instruments_new(&w.split, fit));
    w.out = *fit;
    TRY(first_stages(comm, &w));
    if (w.out->instruments < w.out->endogenous) { /* fitted values would be nothing but rounding */
        memset(w.out->unidentified, true, (size_t)w.out->endogenous * sizeof *w.out->unidentified);
        goto done;
    }
    TRY(second_stage(comm, &w));
    w.out->over_freedom = w.out->instruments - w.out->endogenous;
    if (w.out->identified && w.out->over_freedom > 0) TRY(test_over(comm, &w));
done:
    instruments_split_clear(&w.split);
    if (status != OK) instruments_free(fit);
    return status;
}
