/* Average curves: doubly robust, or by a fluctuation; errors by groups of users. */
#include "jobs/fit_response_average.h"

#include "algorithms/definite.h"
#include "algorithms/logistic.h"
#include "algorithms/loss.h"
#include "mpi/exact.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = RESPONSE_LEVELS_MAX, GROUPS = 256, DRAW_GROUP = 103 };

struct work {
    const struct fit_response_honest *honest;
    const struct fit_response_data *data;
    struct dose_shape knots;
    int64_t columns;                 /* of the fluctuation: 1 and the pieces of the dose */
    double delta[LEVELS];            /* its coefficients */
    double inverse[LEVELS * LEVELS]; /* of its curvature, [columns][columns] */
    double bend[LEVELS];             /* mean of P (1 - P) at each level */
    double estimate[LEVELS];
    double weight[LEVELS]; /* doubly robust: of the rows of each level */
    double left[LEVELS];   /* doubly robust: weighted mean of what curves leave there */
    double all;            /* weight of all rows in the fluctuation */
};

double fit_response_honest_chance(const struct fit_response_honest *honest, int64_t i, double dose)
{
    return calibration_chance(&honest->check->half[1 - honest->half[i]],
                              (double)honest->model->a[i], (double)honest->model->b[i],
                              fit_response_dose(honest->model, dose));
}

static double log_odds(double chance)
{
    double p = fmin(fmax(chance, 1e-9), 1.0 - 1e-9);
    return log(p / (1.0 - p));
}

/* 1 and the pieces of a dose. */
static void columns_at(const struct work *work, double dose, double *x)
{
    x[0] = 1.0;
    dose_pieces(&work->knots, dose, x + 1);
    for (int64_t k = 0; k < work->knots.knots; k++)
        x[1 + k] /= work->knots.dose[work->knots.knots - 1];
}

static double fluctuated(const struct work *work, int64_t i, double dose)
{
    double x[LEVELS], z = log_odds(fit_response_honest_chance(work->honest, i, dose));
    columns_at(work, dose, x);
    for (int64_t j = 0; j < work->columns; j++) z += work->delta[j] * x[j];
    return loss_sigmoid(z);
}

/* ---- sums over rows ---- */

typedef void add_row(const struct work *work, int64_t i, double *sum);

static enum status sum_rows(const struct comm *comm, const struct work *work, add_row *add,
                            int64_t sums_count, double *total)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    const struct blocks *blocks = &work->data->blocks;
    double partial[4 * LEVELS];
    TRY_ALL(comm, exact_init(&sums, sums_count));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        memset(partial, 0, sizeof partial);
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++) add(work, i, partial);
        exact_add(&sums, 0, partial, sums_count);
    }
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, total, sums_count);
done:
    exact_clear(&sums);
    return status;
}

/* [4][LEVELS]: chances of the curves, rows and outcomes at the level. */
static void add_plain(const struct work *work, int64_t i, double *sum)
{
    const struct fit_response_data *data = work->data;
    for (int64_t l = 0; l < data->levels; l++)
        sum[l] += fit_response_honest_chance(work->honest, i, data->level[l]);
    sum[LEVELS + data->at[i]] += 1.0;
    sum[2 * LEVELS + data->at[i]] += (double)data->y[i];
}

/* ---- doubly robust ---- */

static void add_left(const struct work *work, int64_t i, double *sum)
{
    const struct fit_response_data *data = work->data;
    int64_t l = data->at[i];
    double weight = (double)data->inverse[i];
    double chance = fit_response_honest_chance(work->honest, i, data->level[l]);
    sum[l] += weight;
    sum[LEVELS + l] += weight * ((double)data->y[i] - chance);
}

static enum status estimate_robust(const struct comm *comm, struct work *work, const double *model)
{
    double sum[2 * LEVELS];
    enum status status = sum_rows(comm, work, add_left, 2 * LEVELS, sum);
    for (int64_t l = 0; l < work->data->levels && status == OK; l++) {
        work->weight[l] = sum[l];
        work->left[l] = sum[l] > 0.0 ? sum[LEVELS + l] / sum[l] : 0.0;
        work->estimate[l] = model[l] + work->left[l];
    }
    return status;
}

static void influence_robust(const struct work *work, const double *model, int64_t i,
                             double *influence)
{
    const struct fit_response_data *data = work->data;
    int64_t own = data->at[i];
    for (int64_t l = 0; l < data->levels; l++) {
        double chance = fit_response_honest_chance(work->honest, i, data->level[l]);
        influence[l] = chance - model[l];
        if (l != own || !(work->weight[l] > 0.0)) continue;
        double weight = (double)data->inverse[i] * (double)data->blocks.rows_total;
        influence[l] += weight / work->weight[l] * ((double)data->y[i] - chance - work->left[l]);
    }
}

/* ---- fluctuation ---- */

static double logistic_columns(const void *context, int64_t i, double *x)
{
    const struct work *work = context;
    double dose = (double)work->data->dose[i];
    columns_at(work, dose, x);
    return log_odds(fit_response_honest_chance(work->honest, i, dose));
}

static enum status fluctuate(const struct comm *comm, struct work *work)
{
    struct logistic_result result;
    const struct fit_response_data *data = work->data;
    double ridge[LEVELS], curvature[LEVELS * LEVELS];
    int64_t columns = work->columns;
    for (int64_t j = 0; j < columns; j++) ridge[j] = 1e-3;
    const struct logistic_rows rows = {&data->blocks, columns, logistic_columns, work, data->y,
                                       data->weight,  NULL};
    const struct logistic_options opt = {NULL, ridge, 50};
    enum status status = logistic_fit(comm, &rows, &opt, work->delta, &result);
    if (status != OK) return status;
    work->all = result.weight;
    memcpy(curvature, result.curvature, sizeof(double) * (size_t)(columns * columns));
    for (int64_t j = 0; j < columns; j++)
        curvature[j * columns + j] += 1e-9 + ridge[j] / result.weight;
    if (!definite_invert(curvature, columns, columns, work->inverse))
        return FAIL(ERR_NUMERIC, "the average curve has no standard errors: discounts hardly "
                                 "differ");
    return OK;
}

/* Sums of chances, and of their slopes by the logit, at each level. */
static void add_fluctuated(const struct work *work, int64_t i, double *sum)
{
    for (int64_t l = 0; l < work->data->levels; l++) {
        double p = fluctuated(work, i, work->data->level[l]);
        sum[l] += p;
        sum[LEVELS + l] += p * (1.0 - p);
    }
}

static enum status estimate_fluctuated(const struct comm *comm, struct work *work)
{
    double sum[2 * LEVELS], rows = (double)work->data->blocks.rows_total;
    enum status status = fluctuate(comm, work);
    if (status == OK) status = sum_rows(comm, work, add_fluctuated, 2 * LEVELS, sum);
    for (int64_t l = 0; l < work->data->levels && status == OK; l++) {
        work->estimate[l] = sum[l] / rows;
        work->bend[l] = sum[LEVELS + l] / rows;
    }
    return status;
}

static void influence_fluctuated(const struct work *work, int64_t i, double *influence)
{
    const struct fit_response_data *data = work->data;
    double x[LEVELS], moved[LEVELS] = {0}, dose = (double)data->dose[i];
    double weight = (double)data->weight[i] * (double)data->blocks.rows_total / work->all;
    double left = weight * ((double)data->y[i] - fluctuated(work, i, dose));
    columns_at(work, dose, x);
    for (int64_t j = 0; j < work->columns; j++)
        for (int64_t k = 0; k < work->columns; k++)
            moved[j] += work->inverse[j * work->columns + k] * x[k] * left;
    for (int64_t l = 0; l < data->levels; l++) {
        influence[l] = fluctuated(work, i, data->level[l]) - work->estimate[l];
        columns_at(work, data->level[l], x);
        for (int64_t j = 0; j < work->columns; j++) influence[l] += work->bend[l] * x[j] * moved[j];
    }
}

/* ---- errors ---- */

/* Sums of influences by group of users: what users of one group have in common stays together. */
static enum status sum_groups(const struct comm *comm, const struct work *work, const double *model,
                              bool robust, double *sum, int64_t *members)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    const struct fit_response_data *data = work->data;
    TRY_ALL(comm, exact_init(&sums, GROUPS * LEVELS));
    for (int64_t i = 0; i < data->blocks.rows_local; i++) {
        double influence[LEVELS];
        int64_t group = (int64_t)random_below(work->honest->seed, RANDOM_SPLIT, data->user[i],
                                              DRAW_GROUP, GROUPS);
        if (robust)
            influence_robust(work, model, i, influence);
        else
            influence_fluctuated(work, i, influence);
        exact_add(&sums, group * LEVELS, influence, data->levels);
        members[group]++;
    }
    comm_sum_int64(comm, members, GROUPS);
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, sum, GROUPS * LEVELS);
done:
    exact_clear(&sums);
    return status;
}

static void settle_errors(const double *sum, const int64_t *members, double rows,
                          struct fit_response_average *average)
{
    double groups = 0.0, own[LEVELS] = {0}, gap[LEVELS] = {0};
    for (int64_t g = 0; g < GROUPS; g++) {
        const double *s = sum + g * LEVELS;
        groups += members[g] > 0;
        for (int64_t l = 0; l < average->levels; l++) {
            own[l] += s[l] * s[l];
            gap[l] += (s[l] - s[0]) * (s[l] - s[0]);
        }
    }
    double scale = groups > 1.0 ? groups / (groups - 1.0) / (rows * rows) : (double)NAN;
    for (int64_t l = 0; l < average->levels; l++) {
        average->std_error[l] = sqrt(own[l] * scale);
        average->effect_error[l] = sqrt(gap[l] * scale);
    }
}

/* Estimates that rise, the less certain giving way. */
static void settle_chances(const struct work *work, struct fit_response_average *average)
{
    double weight[LEVELS];
    for (int64_t l = 0; l < average->levels; l++) {
        double error = average->std_error[l];
        weight[l] = error > 0.0 ? 1.0 / (error * error) : 1.0;
        average->estimate[l] = work->estimate[l];
        average->effect[l] = work->estimate[l] - work->estimate[0];
        average->chance[l] = fmin(fmax(work->estimate[l], 0.0), 1.0);
    }
    isotonic_rise(average->levels, weight, average->chance);
}

static enum status settle(const struct comm *comm, const struct work *work,
                          struct fit_response_average *average)
{
    enum status status = OK;
    double *sum = NULL;
    int64_t members[GROUPS] = {0};
    TRY_ALL(comm, memory_new(&sum, GROUPS * LEVELS, sizeof *sum));
    TRY(sum_groups(comm, work, average->model, average->doubly_robust, sum, members));
    settle_errors(sum, members, (double)work->data->blocks.rows_total, average);
    settle_chances(work, average);
done:
    free(sum);
    return status;
}

enum status fit_response_average(const struct comm *comm, const struct fit_response_honest *honest,
                                 struct fit_response_average *average)
{
    enum status status = OK;
    const struct fit_response_data *data = honest->data;
    struct work work = {.honest = honest, .data = data, .knots = fit_response_knots(data)};
    double sum[3 * LEVELS];
    work.columns = 1 + work.knots.knots;
    *average = (struct fit_response_average){.levels = data->levels,
                                             .doubly_robust = data->inverse != NULL && data->few};
    TRY(sum_rows(comm, &work, add_plain, 3 * LEVELS, sum));
    for (int64_t l = 0; l < data->levels; l++) {
        average->model[l] = sum[l] / (double)data->blocks.rows_total;
        average->rows[l] = (int64_t)sum[LEVELS + l];
        average->observed[l] = sum[2 * LEVELS + l] / sum[LEVELS + l];
    }
    if (average->doubly_robust)
        TRY(estimate_robust(comm, &work, average->model));
    else
        TRY(estimate_fluctuated(comm, &work));
    TRY(settle(comm, &work, average));
done:
    return status;
}
