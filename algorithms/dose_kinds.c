/* Bent doses of kinds: a convex likelihood, a prior that rows choose, and what to expect. */
#include "algorithms/dose_kinds.h"

#include "algorithms/definite.h"
#include "algorithms/dose_prior.h"
#include "algorithms/dot.h"
#include "algorithms/special.h"
#include "algorithms/truncated_normal.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Kinds that a unit is hardly of are left out of its rows. */
#define HARDLY 2e-3f

enum {
    SCALE, /* then the shift of each kind, then its slopes; as in algorithms/dose_prior.h */
    SHIFT,
    ROW_MOST = 1 + DOSE_KINDS_MAX + DOSE_KINDS_MAX * DOSE_KNOTS_MAX,
    STEPS_MOST = 30,    /* of Newton */
    HALVINGS_MOST = 20, /* of one step */
    PRIORS_MOST = 4,    /* chosen in turn */
    UNUSED_
};

/* A step that promises less, in rows of log loss, is none. */
#define ENOUGH 1e-6

static const struct dose_prior first_prior = {0.4, 0.4};

/* ---- one row ---- */

/* The variables that count for a row, and by how much: its log odds are linear in them. */
struct terms {
    int64_t count;
    int64_t at[ROW_MOST]; /* rising */
    double value[ROW_MOST];
};

static void put(struct terms *terms, int64_t at, double value)
{
    terms->at[terms->count] = at;
    terms->value[terms->count++] = value;
}

static void lay(const struct dose_kinds_rows *rows, const struct dose_shape *knots, int64_t i,
                struct terms *terms)
{
    const float *chance = rows->chance + rows->unit[i] * rows->kinds;
    double piece[DOSE_KNOTS_MAX];
    dose_pieces(knots, (double)rows->dose[i], piece);
    terms->count = 0;
    put(terms, SCALE, (double)rows->a[i]);
    for (int64_t c = 0; c < rows->kinds; c++)
        if (chance[c] >= HARDLY) put(terms, SHIFT + c, (double)chance[c]);
    for (int64_t c = 0; c < rows->kinds; c++)
        for (int64_t k = 0; k < knots->knots && piece[k] > 0.0 && chance[c] >= HARDLY; k++)
            put(terms, SHIFT + rows->kinds + c * knots->knots + k,
                (double)(chance[c] * rows->b[i]) * piece[k]);
}

static double logit_of(const struct terms *terms, const double *x)
{
    double z = 0.0;
    for (int64_t t = 0; t < terms->count; t++) z += terms->value[t] * x[terms->at[t]];
    return z;
}

/* ---- likelihood ---- */

/* What some rows say at a point, and room to work in. n: variables. */
struct fit {
    const struct dose_kinds_rows *rows;
    const struct dose_shape *knots;
    int64_t n;
    struct dose_prior prior;
    double support; /* of kinds' own shapes, as dose_prior_choose says */
    struct exact_sums sums;
    double loss;
    double *said;             /* [1 + n + n n] loss, gradient, curvature; the upper triangle */
    double *precision;        /* [n][n] of the prior */
    double *posterior;        /* [n][n] */
    double *expected;         /* [n] by the prior */
    double *x, *tried, *step; /* [n] */
};

static double *gradient_of(const struct fit *fit)
{
    return fit->said + 1;
}

static double *curvature_of(const struct fit *fit)
{
    return fit->said + 1 + fit->n;
}

static void add_row(const struct fit *fit, const double *x, int64_t i, double *sum)
{
    struct terms terms;
    lay(fit->rows, fit->knots, i, &terms);
    double z = logit_of(&terms, x), chance = special_sigmoid(z);
    double weight = (double)fit->rows->weight[i], y = (double)fit->rows->y[i];
    double *gradient = sum + 1, *curvature = sum + 1 + fit->n;
    sum[0] += weight * (special_softplus(z) - y * z);
    for (int64_t s = 0; s < terms.count; s++) {
        double value = weight * terms.value[s], bent = value * chance * (1.0 - chance);
        double *row = curvature + terms.at[s] * fit->n;
        gradient[terms.at[s]] += value * (chance - y);
        for (int64_t t = s; t < terms.count; t++) row[terms.at[t]] += bent * terms.value[t];
    }
}

/* fit->said of the rows at x; fit->loss has what the prior adds. */
static enum status evaluate(const struct comm *comm, struct fit *fit, const double *x)
{
    const struct blocks *blocks = fit->rows->blocks;
    int64_t n = fit->n, count = 1 + n + n * n;
    exact_reset(&fit->sums);
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        memset(fit->said, 0, (size_t)count * sizeof *fit->said);
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++)
            if (fit->rows->skip[i] == 0) add_row(fit, x, i, fit->said);
        exact_add(&fit->sums, 0, fit->said, count);
    }
    enum status status = exact_reduce(comm, &fit->sums);
    if (status != OK) return status;
    exact_get_all(&fit->sums, 0, fit->said, count);
    fit->loss = fit->said[0];
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            fit->loss += 0.5 * (x[i] - fit->expected[i]) * fit->precision[i * n + j] *
                         (x[j] - fit->expected[j]);
    return OK;
}

/* ---- the mode ---- */

/* posterior = precision of prior and rows; symmetric, as the upper triangle is. */
static void put_posterior(struct fit *fit)
{
    const double *curvature = curvature_of(fit);
    for (int64_t i = 0; i < fit->n; i++)
        for (int64_t j = i; j < fit->n; j++) {
            double both = fit->precision[i * fit->n + j] + curvature[i * fit->n + j];
            fit->posterior[i * fit->n + j] = fit->posterior[j * fit->n + i] = both;
        }
}

/* Newton's step from x, and what it promises. */
static enum status find_step(struct fit *fit, double *promise)
{
    int64_t n = fit->n;
    const double *gradient = gradient_of(fit);
    double *pull = fit->tried;
    for (int64_t i = 0; i < n; i++) {
        pull[i] = gradient[i];
        for (int64_t j = 0; j < n; j++)
            pull[i] += fit->precision[i * n + j] * (fit->x[j] - fit->expected[j]);
    }
    memcpy(fit->step, pull, (size_t)n * sizeof *pull);
    put_posterior(fit);
    if (!definite_solve(fit->posterior, n, n, fit->step))
        return FAIL(ERR_NUMERIC, "the curvature of shapes is not definite");
    *promise = dot_double(pull, fit->step, n);
    return OK;
}

/* Along the step, halved until the loss falls; x stays where it does not. */
static enum status walk(const struct comm *comm, struct fit *fit)
{
    double before = fit->loss;
    for (int halving = 0; halving < HALVINGS_MOST; halving++) {
        for (int64_t j = 0; j < fit->n; j++) fit->tried[j] = fit->x[j] - fit->step[j];
        enum status status = evaluate(comm, fit, fit->tried);
        if (status != OK) return status;
        if (fit->loss <= before) {
            memcpy(fit->x, fit->tried, (size_t)fit->n * sizeof *fit->x);
            return OK;
        }
        for (int64_t j = 0; j < fit->n; j++) fit->step[j] *= 0.5;
    }
    return evaluate(comm, fit, fit->x);
}

/* fit->x by the prior, and what rows say there. */
static enum status find_mode(const struct comm *comm, struct fit *fit)
{
    enum status status = OK;
    dose_prior_precision(&fit->prior, fit->rows->kinds, fit->knots, fit->precision);
    TRY(evaluate(comm, fit, fit->x));
    for (int step = 0; step < STEPS_MOST; step++) {
        double promise = 0.0;
        TRY_ALL(comm, find_step(fit, &promise));
        if (!(promise > ENOUGH)) break;
        TRY(walk(comm, fit));
    }
done:
    return status;
}

/* ---- the fit ---- */

static enum status fit_init(const struct dose_kinds_rows *rows, const struct dose_shape *knots,
                            struct fit *fit)
{
    enum status status = OK;
    int64_t n = dose_prior_variables(rows->kinds, knots->knots);
    *fit = (struct fit){.rows = rows, .knots = knots, .n = n, .prior = first_prior};
    TRY(exact_init(&fit->sums, 1 + n + n * n));
    TRY(memory_new(&fit->said, 1 + n + n * n, sizeof *fit->said));
    TRY(memory_new(&fit->precision, n * n, sizeof *fit->precision));
    TRY(memory_new(&fit->posterior, n * n, sizeof *fit->posterior));
    TRY(memory_new(&fit->expected, n, sizeof *fit->expected));
    TRY(memory_new(&fit->x, n, sizeof *fit->x));
    TRY(memory_new(&fit->tried, n, sizeof *fit->tried));
    TRY(memory_new(&fit->step, n, sizeof *fit->step));
    dose_prior_expect(rows->kinds, knots->knots, fit->expected);
    memcpy(fit->x, fit->expected, (size_t)n * sizeof *fit->x);
done:
    return status;
}

static void fit_clear(struct fit *fit)
{
    exact_clear(&fit->sums);
    free(fit->said);
    free(fit->precision);
    free(fit->posterior);
    free(fit->expected);
    free(fit->x);
    free(fit->tried);
    free(fit->step);
}

/* Mode and prior in turn, until the rows ask for no other prior. */
static enum status settle(const struct comm *comm, struct fit *fit)
{
    enum status status = OK;
    const struct dose_evidence evidence = {fit->x, gradient_of(fit), curvature_of(fit)};
    TRY(find_mode(comm, fit));
    for (int round = 0; round < PRIORS_MOST; round++) {
        struct dose_prior before = fit->prior;
        TRY_ALL(comm, dose_prior_choose(&evidence, fit->rows->kinds, fit->knots, &fit->prior,
                                        &fit->support));
        comm_broadcast(comm, &fit->prior, sizeof fit->prior, 0);
        comm_broadcast(comm, &fit->support, sizeof fit->support, 0);
        if (fit->prior.own == before.own && fit->prior.common == before.common) break;
        TRY(find_mode(comm, fit));
    }
done:
    return status;
}

static enum status check_arguments(const struct dose_kinds_rows *rows,
                                   const struct dose_shape *knots)
{
    if (rows->kinds >= 2 && rows->kinds <= DOSE_KINDS_MAX && knots->knots >= 1) return OK;
    return FAIL(ERR_ARG, "shapes of 2 to %d kinds with a knot at least, not of %lld",
                DOSE_KINDS_MAX, (long long)rows->kinds);
}

/* ---- shapes ---- */

/* Heights by the slopes of a kind's pieces. */
static void put_shapes(int64_t kinds, const struct dose_shape *knots, const double *slope,
                       struct dose_shapes *shapes)
{
    *shapes = (struct dose_shapes){.kinds = kinds};
    for (int64_t c = 0; c < kinds; c++) {
        struct dose_shape *shape = &shapes->shape[c];
        *shape = *knots;
        double scale = dose_bend(shape, slope + c * knots->knots);
        for (int64_t k = 0; k < knots->knots; k++) shape->value[k] *= scale;
    }
}

/* Libraries of functions may differ between ranks, so that one says to all what is expected. */
enum status dose_kinds_fit(const struct comm *comm, const struct dose_kinds_rows *rows,
                           const struct dose_shape *knots, struct dose_shapes *shapes,
                           double *support)
{
    enum status status = OK;
    double x[ROW_MOST];
    struct fit fit = {0};
    *shapes = (struct dose_shapes){0};
    *support = 0.0;
    TRY(check_arguments(rows, knots));
    TRY_ALL(comm, fit_init(rows, knots, &fit));
    TRY(settle(comm, &fit));
    put_posterior(&fit);
    TRY_ALL(comm, truncated_normal_mean(fit.n, SHIFT + rows->kinds, fit.x, fit.posterior, x));
    comm_broadcast(comm, x, fit.n * (int64_t)sizeof *x, 0);
    put_shapes(rows->kinds, knots, x + SHIFT + rows->kinds, shapes);
    *support = fit.support;
done:
    fit_clear(&fit);
    return status;
}
