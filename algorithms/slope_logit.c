/* The structured logit: terms of a tile of rows, their likelihood, and the walk to its maximum. */
#include "algorithms/slope_logit.h"

#include "algorithms/dot.h"
#include "algorithms/quasi_newton.h"
#include "algorithms/vector.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TILE = 64 };

static int64_t terms_of(const struct slope_logit *model)
{
    return model->terms_a + model->terms_b;
}

enum status slope_logit_new(const struct slope_logit_term *term, int64_t terms_a, int64_t terms_b,
                            struct slope_logit **model)
{
    enum status status = OK;
    struct slope_logit *new = NULL;
    int64_t terms = terms_a + terms_b;
    *model = NULL;
    TRY(memory_new(&new, 1, sizeof *new));
    new->terms_a = terms_a;
    new->terms_b = terms_b;
    TRY(memory_new(&new->term, terms, sizeof *new->term));
    TRY(memory_new(&new->coefficient, terms + 2, sizeof *new->coefficient));
    memcpy(new->term, term, (size_t)terms * sizeof *term);
done:
    if (status != OK) slope_logit_free(&new);
    *model = new;
    return status;
}

void slope_logit_free(struct slope_logit **model)
{
    if (*model == NULL) return;
    free((*model)->term);
    free((*model)->coefficient);
    free(*model);
    *model = NULL;
}

/* ---- terms ---- */

/* Terms of a tile of rows, and what its rows make of them. */
struct tile {
    double *value; /* [TILE][1 + terms_a + 1 + terms_b] in the order of the coefficients */
    double a[TILE], log_b[TILE];
};

static enum status tile_init(const struct slope_logit *model, struct tile *tile)
{
    return memory_new(&tile->value, TILE * (terms_of(model) + 2), sizeof *tile->value);
}

static void expand(const struct slope_logit_term *term, int64_t terms, const float *x,
                   double *value)
{
    *value++ = 1.0;
    for (int64_t t = 0; t < terms; t++) {
        double first = (double)x[term[t].first];
        value[t] = term[t].second < 0 ? first : first * (double)x[term[t].second];
    }
}

/* value, a and log_b of count rows. */
VECTORISED
static void lay_tile(const struct slope_logit *model, const double *coefficient, const float *x,
                     int64_t count, int64_t stride, struct tile *tile)
{
    int64_t first = model->terms_a + 1, second = model->terms_b + 1;
    for (int64_t i = 0; i < count; i++) {
        double *value = tile->value + i * (first + second);
        expand(model->term, model->terms_a, x + i * stride, value);
        expand(model->term + model->terms_a, model->terms_b, x + i * stride, value + first);
        tile->a[i] = dot_double(value, coefficient, first);
        tile->log_b[i] = dot_double(value + first, coefficient + first, second);
    }
}

static double clamp(double log_b)
{
    return fmin(fmax(log_b, SLOPE_LOGIT_LOG_MIN), SLOPE_LOGIT_LOG_MAX);
}

enum status slope_logit_apply(const struct slope_logit *model, const float *x, int64_t rows,
                              int64_t stride, float *a, float *b)
{
    enum status status = OK;
    struct tile tile = {0};
    TRY(tile_init(model, &tile));
    for (int64_t at = 0; at < rows; at += TILE) {
        int64_t count = rows - at < TILE ? rows - at : TILE;
        lay_tile(model, model->coefficient, x + at * stride, count, stride, &tile);
        for (int64_t i = 0; i < count; i++) {
            a[at + i] = (float)tile.a[i];
            b[at + i] = (float)exp(clamp(tile.log_b[i]));
        }
    }
done:
    free(tile.value);
    return status;
}

/* ---- likelihood ---- */

struct fit {
    const struct slope_logit_rows *rows;
    const struct slope_logit_options *opt;
    const struct slope_logit *model;
    int64_t variables;
    double weight;          /* of all rows */
    double mean_a, mean_b;  /* where the constants begin */
    struct exact_sums sums; /* [1 + variables] loss and gradient */
    struct tile tile;
    double *partial; /* [1 + variables] of a block */
};

/* partial += the terms of a row, those of a times pull_a, those of b times pull_b */
VECTORISED
static void pull(const double *value, int64_t first, int64_t second, double pull_a, double pull_b,
                 double *partial)
{
    for (int64_t t = 0; t < first; t++) partial[t] += pull_a * value[t];
    for (int64_t t = first; t < first + second; t++) partial[t] += pull_b * value[t];
}

/* log(1 + exp(z)) */
static double soft(double z)
{
    return z > 0.0 ? z + log1p(exp(-z)) : log1p(exp(z));
}

static void add_tile(struct fit *fit, int64_t at, int64_t count)
{
    const struct slope_logit_rows *rows = fit->rows;
    int64_t first = fit->model->terms_a + 1, second = fit->model->terms_b + 1;
    for (int64_t i = 0; i < count; i++) {
        double weight = rows->weight != NULL ? (double)rows->weight[at + i] : 1.0;
        if (rows->skip != NULL && rows->skip[at + i] != 0) continue;
        double log_b = fit->tile.log_b[i], effect = exp(clamp(log_b)) * (double)rows->dose[at + i];
        double z = fit->tile.a[i] + effect, y = (double)rows->y[at + i];
        double rest = weight * (1.0 / (1.0 + exp(-z)) - y);
        bool bound = log_b < SLOPE_LOGIT_LOG_MIN || log_b > SLOPE_LOGIT_LOG_MAX;
        fit->partial[0] += weight * (soft(z) - y * z);
        pull(fit->tile.value + i * (first + second), first, second, rest,
             bound ? 0.0 : rest * effect, fit->partial + 1);
    }
}

static void add_rows(struct fit *fit, const double *coefficient)
{
    const struct rows *x = &fit->rows->x;
    exact_reset(&fit->sums);
    for (int64_t b = 0; b < x->blocks->blocks_local; b++) {
        int64_t end = x->blocks->start[b + 1];
        memset(fit->partial, 0, (size_t)(1 + fit->variables) * sizeof *fit->partial);
        for (int64_t at = x->blocks->start[b]; at < end; at += TILE) {
            int64_t count = end - at < TILE ? end - at : TILE;
            lay_tile(fit->model, coefficient, x->x + at * x->stride, count, x->stride, &fit->tile);
            add_tile(fit, at, count);
        }
        exact_add(&fit->sums, 0, fit->partial, 1 + fit->variables);
    }
}

/* Of variable v: its penalty's weight, and where it is none. */
static double ridge_of(const struct fit *fit, int64_t v, double *mean)
{
    int64_t first = fit->model->terms_a + 1;
    *mean = v == 0 ? fit->mean_a : v == first ? fit->mean_b : 0.0;
    if (v < first) return v == 0 ? fit->opt->ridge_a_mean : fit->opt->ridge_a;
    return v == first ? fit->opt->ridge_b_mean : fit->opt->ridge_b;
}

static enum status evaluate(const struct comm *comm, void *context, const double *x, double *value,
                            double *gradient)
{
    enum status status = OK;
    struct fit *fit = context;
    add_rows(fit, x);
    TRY(exact_reduce(comm, &fit->sums));
    *value = exact_get(&fit->sums, 0) / fit->weight;
    exact_get_all(&fit->sums, 1, gradient, fit->variables);
    for (int64_t v = 0; v < fit->variables; v++) {
        double mean, ridge = ridge_of(fit, v, &mean) / fit->weight;
        *value += 0.5 * ridge * (x[v] - mean) * (x[v] - mean);
        gradient[v] = gradient[v] / fit->weight + ridge * (x[v] - mean);
    }
done:
    return status;
}

/* ---- the walk ---- */

/* The weight of all rows, and the constants of the mean chance. */
static enum status begin(const struct comm *comm, struct fit *fit)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    const struct slope_logit_rows *rows = fit->rows;
    TRY_ALL(comm, exact_init(&sums, 2));
    for (int64_t i = 0; i < rows->x.blocks->rows_local; i++) {
        double weight = rows->weight != NULL ? (double)rows->weight[i] : 1.0;
        if (rows->skip != NULL && rows->skip[i] != 0) continue;
        exact_add_one(&sums, 0, weight);
        exact_add_one(&sums, 1, weight * (double)rows->y[i]);
    }
    TRY(exact_reduce(comm, &sums));
    fit->weight = exact_get(&sums, 0);
    double yes = exact_get(&sums, 1) + 0.5;
    fit->mean_a = log(yes / (fit->weight + 1.0 - yes));
    fit->mean_b = log(fit->opt->slope);
done:
    exact_clear(&sums);
    return status;
}

static enum status fit_reserve(struct fit *fit)
{
    enum status status = OK;
    TRY(tile_init(fit->model, &fit->tile));
    TRY(memory_new(&fit->partial, 1 + fit->variables, sizeof *fit->partial));
    TRY(exact_init(&fit->sums, 1 + fit->variables));
done:
    return status;
}

static enum status fit_init(const struct comm *comm, const struct slope_logit_rows *rows,
                            const struct slope_logit_options *opt, const struct slope_logit *model,
                            struct fit *fit)
{
    enum status status = OK;
    *fit = (struct fit){.rows = rows, .opt = opt, .model = model};
    fit->variables = terms_of(model) + 2;
    TRY_ALL(comm, fit_reserve(fit));
    TRY(begin(comm, fit));
done:
    return status;
}

static void fit_clear(struct fit *fit)
{
    free(fit->tile.value);
    free(fit->partial);
    exact_clear(&fit->sums);
}

static void start(const struct fit *fit, struct slope_logit *model)
{
    for (int64_t v = 0; v < fit->variables; v++)
        if (model->coefficient[v] != 0.0) return;
    model->coefficient[0] = fit->mean_a;
    model->coefficient[model->terms_a + 1] = fit->mean_b;
}

enum status slope_logit_fit(const struct comm *comm, const struct slope_logit_rows *rows,
                            const struct slope_logit_options *opt, struct slope_logit *model,
                            struct slope_logit_result *result)
{
    enum status status = OK;
    struct fit fit = {0};
    struct quasi_newton_result walk = {0};
    struct quasi_newton_options options = QUASI_NEWTON_DEFAULTS;
    options.max_iterations = opt->max_iterations;
    options.tolerance = opt->tolerance;
    TRY(fit_init(comm, rows, opt, model, &fit));
    start(&fit, model);
    if (fit.weight > 0.0)
        TRY(quasi_newton_minimise(comm, evaluate, &fit, fit.variables, &options, model->coefficient,
                                  &walk));
    if (result == NULL) goto done;
    *result = (struct slope_logit_result){fit.weight, walk.value, walk.iterations, walk.evaluations,
                                          walk.converged};
    for (int64_t v = 0; v < fit.variables && fit.weight > 0.0; v++) {
        double mean, ridge = ridge_of(&fit, v, &mean) / fit.weight,
                     way = model->coefficient[v] - mean;
        result->loss -= 0.5 * ridge * way * way;
    }
done:
    fit_clear(&fit);
    return status;
}

enum status slope_logit_loss(const struct comm *comm, const struct slope_logit_rows *rows,
                             const struct slope_logit_options *opt, const struct slope_logit *model,
                             double *loss, double *gradient)
{
    enum status status = OK;
    struct fit fit = {0};
    TRY(fit_init(comm, rows, opt, model, &fit));
    TRY(evaluate(comm, &fit, model->coefficient, loss, gradient));
done:
    fit_clear(&fit);
    return status;
}
