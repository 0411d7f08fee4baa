/* The structured logit: the terms of a row, their likelihood, and the walk to its maximum. */
#include "algorithms/slope_logit.h"

#include "algorithms/definite.h"
#include "algorithms/dot.h"
#include "algorithms/quasi_newton.h"
#include "algorithms/vector.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    TRY(memory_new(&new->inverse, (terms + 2) * (terms + 2), sizeof *new->inverse));
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
    free((*model)->inverse);
    free(*model);
    *model = NULL;
}

void slope_logit_begin_with(const struct slope_logit *other, struct slope_logit *model)
{
    size_t count = (size_t)terms_of(other) + 2;
    memcpy(model->coefficient, other->coefficient, count * sizeof *model->coefficient);
    memcpy(model->inverse, other->inverse, count * count * sizeof *model->inverse);
}

enum { SAMPLE = 20000 /* rows whose curvature is enough to begin with */ };

/* ---- terms ---- */

/* A row's terms, in the order of the coefficients, and what they make. */
struct laid {
    double *value; /* [1 + terms_a + 1 + terms_b] */
    double a, log_b;
};

static enum status laid_init(const struct slope_logit *model, struct laid *laid)
{
    return memory_new(&laid->value, terms_of(model) + 2, sizeof *laid->value);
}

/* Mostly those of one column come first; they need no look at the second. */
static void expand(const struct slope_logit_term *term, int64_t terms, const float *x,
                   double *value)
{
    int64_t t = 0;
    *value++ = 1.0;
    for (; t < terms && term[t].second < 0; t++) value[t] = (double)x[term[t].first];
    for (; t < terms; t++) {
        double first = (double)x[term[t].first];
        value[t] = term[t].second < 0 ? first : first * (double)x[term[t].second];
    }
}

VECTORISED
static void lay(const struct slope_logit *model, const double *coefficient, const float *x,
                struct laid *laid)
{
    int64_t first = model->terms_a + 1, second = model->terms_b + 1;
    expand(model->term, model->terms_a, x, laid->value);
    expand(model->term + model->terms_a, model->terms_b, x, laid->value + first);
    laid->a = dot_double(laid->value, coefficient, first);
    laid->log_b = dot_double(laid->value + first, coefficient + first, second);
}

static double clamp(double log_b)
{
    return fmin(fmax(log_b, SLOPE_LOGIT_LOG_MIN), SLOPE_LOGIT_LOG_MAX);
}

/* ---- curves ---- */

enum { TILE = 8 /* rows that are asked together */ };

/* Columns that terms are made of. */
static int64_t columns_of(const struct slope_logit *model)
{
    int32_t most = -1;
    for (int64_t t = 0; t < terms_of(model); t++) {
        if (model->term[t].first > most) most = model->term[t].first;
        if (model->term[t].second > most) most = model->term[t].second;
    }
    return most + 1;
}

/* to[column][row], the last row again where there are fewer; then a column of ones. */
static void turn(const float *x, int64_t rows, int64_t stride, int64_t columns, double *to)
{
    for (int64_t r = 0; r < TILE; r++) {
        const float *row = x + (r < rows ? r : rows - 1) * stride;
        for (int64_t c = 0; c < columns; c++) to[c * TILE + r] = (double)row[c];
        to[columns * TILE + r] = 1.0;
    }
}

/* Each row's sum of terms, added in the order of dot_double. x [columns + 1][TILE] */
VECTORISED
static void sum_terms(const struct slope_logit_term *term, int64_t terms, const double *coefficient,
                      const double *restrict x, int64_t columns, double *restrict sum)
{
    double lane[DOT_LANES][TILE] = {{0}};
    for (int64_t r = 0; r < TILE; r++) lane[0][r] = coefficient[0];
    for (int64_t t = 0; t < terms; t++) {
        double *to = lane[(t + 1) % DOT_LANES], times = coefficient[t + 1];
        const double *first = x + term[t].first * TILE;
        const double *second = x + (term[t].second < 0 ? columns : term[t].second) * TILE;
        for (int64_t r = 0; r < TILE; r++) to[r] += first[r] * second[r] * times;
    }
    for (int64_t r = 0; r < TILE; r++) {
        double of_row[DOT_LANES];
        for (int64_t k = 0; k < DOT_LANES; k++) of_row[k] = lane[k][r];
        sum[r] = dot_sum(of_row);
    }
}

enum status slope_logit_apply(const struct slope_logit *model, const float *x, int64_t rows,
                              int64_t stride, float *a, float *b)
{
    double *tile = NULL, sum_a[TILE], log_b[TILE];
    int64_t columns = columns_of(model), first = model->terms_a + 1;
    enum status status = memory_new(&tile, (columns + 1) * TILE, sizeof *tile);
    for (int64_t i = 0; i < rows && status == OK; i += TILE) {
        int64_t count = rows - i < TILE ? rows - i : TILE;
        turn(x + i * stride, count, stride, columns, tile);
        sum_terms(model->term, model->terms_a, model->coefficient, tile, columns, sum_a);
        sum_terms(model->term + model->terms_a, model->terms_b, model->coefficient + first, tile,
                  columns, log_b);
        for (int64_t r = 0; r < count; r++) {
            a[i + r] = (float)sum_a[r];
            b[i + r] = (float)exp(clamp(log_b[r]));
        }
    }
    free(tile);
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
    struct laid laid;
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

static void add_row(struct fit *fit, const double *coefficient, int64_t i)
{
    const struct slope_logit_rows *rows = fit->rows;
    struct laid *laid = &fit->laid;
    int64_t first = fit->model->terms_a + 1, second = fit->model->terms_b + 1;
    double weight = rows->weight != NULL ? (double)rows->weight[i] : 1.0;
    lay(fit->model, coefficient, rows->x.x + i * rows->x.stride, laid);
    double effect = exp(clamp(laid->log_b)) * (double)rows->dose[i];
    double z = laid->a + effect, y = (double)rows->y[i], power = exp(-fabs(z));
    double rest = weight * ((z > 0.0 ? 1.0 : power) / (1.0 + power) - y);
    bool bound = laid->log_b < SLOPE_LOGIT_LOG_MIN || laid->log_b > SLOPE_LOGIT_LOG_MAX;
    fit->partial[0] += weight * (fmax(z, 0.0) + log1p(power) - y * z);
    pull(laid->value, first, second, rest, bound ? 0.0 : rest * effect, fit->partial + 1);
}

static void add_rows(struct fit *fit, const double *coefficient)
{
    const struct blocks *blocks = fit->rows->x.blocks;
    const uint8_t *skip = fit->rows->skip;
    exact_reset(&fit->sums);
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        memset(fit->partial, 0, (size_t)(1 + fit->variables) * sizeof *fit->partial);
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++)
            if (skip == NULL || skip[i] == 0) add_row(fit, coefficient, i);
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
    TRY(laid_init(fit->model, &fit->laid));
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
    free(fit->laid.value);
    free(fit->partial);
    exact_clear(&fit->sums);
}

static bool begun(const struct fit *fit, const struct slope_logit *model)
{
    for (int64_t v = 0; v < fit->variables; v++)
        if (model->coefficient[v] != 0.0) return true;
    return false;
}

static void start(const struct fit *fit, struct slope_logit *model)
{
    model->coefficient[0] = fit->mean_a;
    model->coefficient[model->terms_a + 1] = fit->mean_b;
}

/* ---- expected curvature ---- */

/* upper triangle of matrix [n][n] += weight value value' */
VECTORISED
static void add_square(const double *value, int64_t n, double weight, double *matrix)
{
    for (int64_t i = 0; i < n; i++) {
        double factor = weight * value[i];
        for (int64_t j = i; j < n; j++) matrix[i * n + j] += factor * value[j];
    }
}

/* matrix += the expected second derivatives of a row; returns its weight. */
static double add_expected(struct fit *fit, int64_t i, double *matrix)
{
    const struct slope_logit_rows *rows = fit->rows;
    struct laid *laid = &fit->laid;
    double weight = rows->weight != NULL ? (double)rows->weight[i] : 1.0;
    lay(fit->model, fit->model->coefficient, rows->x.x + i * rows->x.stride, laid);
    double effect = exp(clamp(laid->log_b)) * (double)rows->dose[i];
    double p = 1.0 / (1.0 + exp(-(laid->a + effect)));
    for (int64_t v = fit->model->terms_a + 1; v < fit->variables; v++) laid->value[v] *= effect;
    add_square(laid->value, fit->variables, weight * p * (1.0 - p), matrix);
    return weight;
}

/* The sums of all ranks: first the weight, then the matrix. */
static enum status sum_expected(const struct comm *comm, struct fit *fit, double *matrix,
                                struct exact_sums *sums)
{
    const struct blocks *blocks = fit->rows->x.blocks;
    int64_t square = fit->variables * fit->variables, each = blocks->rows_total / SAMPLE + 1;
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        double weight = 0.0;
        memset(matrix, 0, (size_t)square * sizeof *matrix);
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++)
            if ((blocks->row_first + i) % each == 0 &&
                (fit->rows->skip == NULL || fit->rows->skip[i] == 0))
                weight += add_expected(fit, i, matrix);
        exact_add_one(sums, 0, weight);
        if (weight > 0.0) exact_add(sums, 1, matrix, square);
    }
    return exact_reduce(comm, sums);
}

/* model->inverse of what a sample of the rows lets expect; as it is where that cannot be inverted.
 */
static enum status expect_curvature(const struct comm *comm, struct fit *fit,
                                    struct slope_logit *model)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double *matrix = NULL;
    int64_t n = fit->variables;
    TRY_ALL(comm, exact_init(&sums, 1 + n * n));
    TRY_ALL(comm, memory_new(&matrix, n * n, sizeof *matrix));
    TRY(sum_expected(comm, fit, matrix, &sums));
    double weight = exact_get(&sums, 0);
    if (!(weight > 0.0)) goto done;
    exact_get_all(&sums, 1, matrix, n * n);
    for (int64_t v = 0; v < n; v++) {
        double mean;
        for (int64_t w = v; w < n; w++) matrix[v * n + w] /= weight;
        matrix[v * n + v] += ridge_of(fit, v, &mean) / fit->weight;
    }
    if (!definite_invert(matrix, n, n, model->inverse))
        memset(model->inverse, 0, (size_t)(n * n) * sizeof *model->inverse);
done:
    exact_clear(&sums);
    free(matrix);
    return status;
}

/* ---- the walk ---- */

enum status slope_logit_fit(const struct comm *comm, const struct slope_logit_rows *rows,
                            const struct slope_logit_options *opt, struct slope_logit *model,
                            struct slope_logit_result *result)
{
    enum status status = OK;
    struct fit fit = {0};
    struct quasi_newton_result walk = {0};
    struct quasi_newton_options options = QUASI_NEWTON_DEFAULTS;
    TRY(fit_init(comm, rows, opt, model, &fit));
    if (!begun(&fit, model)) {
        start(&fit, model);
        TRY(expect_curvature(comm, &fit, model));
    }
    options.max_iterations = opt->max_iterations;
    options.tolerance = 1e-12;
    options.decrease = fit.weight > 0.0 ? opt->tolerance / fit.weight : 0.0;
    options.inverse = model->inverse;
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
