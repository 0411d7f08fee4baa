/* Standard errors and covariances of wanted parameters. */
#include "algorithms/lsq_errors.h"

#include "algorithms/lsq_residuals.h"
#include "algorithms/sandwich.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIDES = 64,       /* columns of the inverse solved for at once */
    WHOLE_LEAST = 256 /* from so many on the whole inverse of normal equations is taken */
};

struct errors {
    const struct lsq_system *s;                  /* not owned */
    const struct least_squares_options *options; /* not owned */
    struct least_squares *fit;                   /* not owned */
    double square;                               /* of the residuals, scaled */
    int64_t count;                               /* wanted and not dropped */
    int64_t *at;                                 /* [count] their numbers among the wanted */
    double *inverse; /* [kept][kept] of the system; NULL: columns are solved for */
    /* of sandwiches */
    struct predictors influence;
    double *unit;   /* [count] */
    double *middle; /* [count] or [count][count] */
};

static int64_t wanted_at(const struct least_squares_options *options, int64_t i)
{
    return options->all_errors ? i : options->wanted[i];
}

enum status lsq_errors_check(const struct least_squares_options *options, int64_t parameters)
{
    for (int64_t i = 0; !options->all_errors && i < options->wanted_count; i++)
        if (options->wanted[i] < 0 || options->wanted[i] >= parameters)
            return FAIL(ERR_ARG, "parameter %lld, whose error is wanted, is outside 0 .. %lld",
                        (long long)options->wanted[i], (long long)parameters - 1);
    if (options->errors == ERRORS_CLUSTERED && options->cluster == NULL)
        return FAIL(ERR_ARG, "clustered errors need the cluster of each row");
    return OK;
}

/* ---- the wanted ones ---- */

static enum status errors_init(const struct lsq_system *s,
                               const struct least_squares_options *options, double square,
                               struct least_squares *fit, struct errors *e)
{
    enum status status = OK;
    *e = (struct errors){.s = s, .options = options, .fit = fit, .square = square};
    TRY(memory_new(&e->at, fit->wanted_count, sizeof *e->at));
    int64_t until = design_parameters(s->design);
    if (s->solver == LSQ_GRID && fit->wanted_count > LEAST_SQUARES_GRID_ERRORS)
        until -= s->design->sparse;
    for (int64_t i = 0; i < fit->wanted_count; i++)
        if (s->place[wanted_at(options, i)] >= 0 && wanted_at(options, i) < until)
            e->at[e->count++] = i;
    if (s->solver == LSQ_GRID && e->count > LEAST_SQUARES_GRID_ERRORS) e->count = 0;
    if (options->errors == ERRORS_CLASSICAL) return OK;
    int64_t squares = fit->covariance != NULL ? e->count * e->count : e->count;
    TRY(predictors_init(s->design, s->scaling->shift, e->count, &e->influence));
    TRY(memory_new(&e->unit, e->count, sizeof *e->unit));
    TRY(memory_new(&e->middle, squares, sizeof *e->middle));
done:
    return status;
}

static void errors_clear(struct errors *e)
{
    free(e->at);
    free(e->inverse);
    free(e->unit);
    free(e->middle);
    predictors_clear(&e->influence);
}

static int64_t place_of(const struct errors *e, int64_t k)
{
    return e->s->place[wanted_at(e->options, e->at[k])];
}

/* ---- from columns of the inverse ---- */

/* Number k's column of the inverse, x at distance sides: classical errors. */
static void set_classical(const struct errors *e, int64_t k, const double *x, int64_t sides)
{
    struct least_squares *fit = e->fit;
    double unit = fit->variance * e->s->scaling->weight_scale;
    double spread = lsq_system_parameter(e->s, place_of(e, k), x, sides);
    fit->std_error[wanted_at(e->options, e->at[k])] = sqrt(unit * spread);
    for (int64_t i = 0; fit->covariance != NULL && i < e->count; i++)
        fit->covariance[e->at[i] * fit->wanted_count + e->at[k]] =
            unit * lsq_system_parameter(e->s, place_of(e, i), x, sides);
}

/* The same column as an influence function. No row adds more to the estimate than the root of
 * square times spread, by the inequality of Cauchy and Schwarz. */
static void set_influence(struct errors *e, int64_t k, const double *x, int64_t sides)
{
    double spread = lsq_system_parameter(e->s, place_of(e, k), x, sides);
    double most = sqrt(fmax(spread, 0.0)) * sqrt(e->square), rows = (double)e->fit->rows;
    e->unit[k] = most > 0.0 ? ldexp(1.0, (int)rint(log2(rows) - log2(most))) : 1.0;
    lsq_residuals_function(e->s, x, sides, k, &e->influence);
}

/* x = (X'WX)^-1 b; b is mostly 0. */
static void multiply_inverse(const struct errors *e, const double *b, int64_t sides, double *x)
{
    int64_t kept = e->s->kept;
    memset(x, 0, (size_t)(kept * sides) * sizeof *x);
    for (int64_t i = 0; i < kept; i++)
        for (int64_t side = 0; side < sides; side++) {
            double times = b[i * sides + side];
            const double *row = e->inverse + i * kept;
            for (int64_t j = 0; j < kept && times != 0.0; j++)
                x[j * sides + side] += times * row[j];
        }
}

static enum status solve_sides(const struct comm *comm, const struct errors *e, const double *b,
                               int64_t sides, double *x)
{
    if (e->inverse == NULL) return lsq_system_solve(comm, e->s, b, sides, x);
    multiply_inverse(e, b, sides, x);
    return OK;
}

static enum status take_columns(const struct comm *comm, struct errors *e)
{
    enum status status = OK;
    double *b = NULL;
    int64_t kept = e->s->kept;
    TRY_ALL(comm, memory_new(&b, 2 * kept * SIDES, sizeof *b));
    double *x = b + kept * SIDES;
    if (e->s->solver == LSQ_CHOLESKY && e->count >= WHOLE_LEAST)
        TRY(cholesky_inverse(comm, &e->s->factor, &e->inverse));
    for (int64_t first = 0; first < e->count; first += SIDES) {
        int64_t sides = e->count - first < SIDES ? e->count - first : SIDES;
        memset(b, 0, (size_t)(kept * sides) * sizeof *b);
        for (int64_t i = 0; i < sides; i++)
            lsq_system_side(e->s, place_of(e, first + i), b + i, sides);
        TRY(solve_sides(comm, e, b, sides, x));
        for (int64_t i = 0; i < sides; i++) {
            if (e->options->errors == ERRORS_CLASSICAL)
                set_classical(e, first + i, x + i, sides);
            else
                set_influence(e, first + i, x + i, sides);
        }
    }
done:
    free(b);
    return status;
}

/* ---- sandwiches ---- */

/* The factor for small samples, known once the clusters are counted; NaN: there are no errors. */
static double correction_of(const struct errors *e)
{
    const struct least_squares *fit = e->fit;
    double rows = (double)fit->rows, estimated = rows - (double)fit->freedom;
    if (e->options->errors != ERRORS_CLUSTERED) return rows / (double)fit->freedom;
    double clusters = (double)fit->clusters;
    estimated = fmax(estimated - (double)e->options->nested_levels, 1.0);
    if (fit->clusters < 2 || !(rows > estimated)) return NAN;
    return clusters / (clusters - 1.0) * (rows - 1.0) / (rows - estimated);
}

static void set_sandwich(const struct errors *e)
{
    struct least_squares *fit = e->fit;
    double y_scale = e->s->scaling->scale[e->s->design->dense];
    double unit = fit->correction / (y_scale * y_scale);
    bool pairs = fit->covariance != NULL;
    for (int64_t i = 0; i < e->count; i++) {
        double own = e->middle[pairs ? i * e->count + i : i];
        fit->std_error[wanted_at(e->options, e->at[i])] = sqrt(unit * own);
        for (int64_t j = 0; j < e->count && pairs; j++)
            fit->covariance[e->at[i] * fit->wanted_count + e->at[j]] =
                unit * e->middle[i * e->count + j];
    }
}

static enum status take_sandwich(const struct comm *comm, struct errors *e, const double *error)
{
    const struct sandwich sandwich = {
        .influence = &e->influence,
        .error = error,
        .weight_scale = e->s->scaling->weight_scale,
        .unit = e->unit,
        .cluster = e->options->errors == ERRORS_CLUSTERED ? e->options->cluster : NULL,
        .pairs = e->fit->covariance != NULL};
    enum status status = sandwich_sum(comm, &sandwich, e->middle, &e->fit->clusters);
    if (status != OK) return status;
    e->fit->correction = correction_of(e);
    set_sandwich(e);
    return OK;
}

/* ---- the whole ---- */

enum status lsq_errors_set(const struct comm *comm, const struct lsq_system *s,
                           const struct least_squares_options *options, const double *error,
                           double square, struct least_squares *fit)
{
    enum status status = OK;
    struct errors e = {0};
    fit->correction = fit->freedom > 0 ? (double)fit->rows / (double)fit->freedom : NAN;
    if (fit->freedom < 1) return OK;
    TRY_ALL(comm, errors_init(s, options, square, fit, &e));
    TRY(take_columns(comm, &e));
    if (options->errors != ERRORS_CLASSICAL) TRY(take_sandwich(comm, &e, error));
done:
    errors_clear(&e);
    return status;
}
