/* A weighted logistic correction with a prior, and its errors by clusters. */
#include "algorithms/transport.h"

#include "algorithms/definite.h"
#include "algorithms/loss.h"
#include "mpi/exact.h"

#include <math.h>
#include <string.h>

enum { MOST = LOGISTIC_COLUMNS_MAX, ITERATIONS = 50 };

/* ---- how clusters pull ---- */

/* score[columns] += the pull of row i on each coefficient */
static void add_pull(const struct logistic_rows *rows, const double *c, int64_t i, double *score)
{
    double x[MOST];
    double z = rows->row(rows->context, i, x);
    for (int64_t j = 0; j < rows->columns; j++) z += c[j] * x[j];
    double weight = rows->weight != NULL ? (double)rows->weight[i] : 1.0;
    double pull = weight * ((double)rows->y[i] - loss_sigmoid(z));
    for (int64_t j = 0; j < rows->columns; j++) score[j] += pull * x[j];
}

/* meat[columns][columns], its upper triangle, += the square of the cluster's pull */
static void add_cluster(const struct logistic_rows *rows, const double *c, int64_t first,
                        int64_t each, double *meat)
{
    double score[MOST] = {0};
    int64_t columns = rows->columns;
    for (int64_t i = first; i < first + each; i++)
        if (rows->skip == NULL || rows->skip[i] == 0) add_pull(rows, c, i, score);
    for (int64_t j = 0; j < columns; j++)
        for (int64_t k = j; k < columns; k++) meat[j * columns + k] += score[j] * score[k];
}

static enum status sum_meat(const struct comm *comm, const struct logistic_rows *rows,
                            const double *c, int64_t each, double *meat)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double partial[MOST * MOST];
    int64_t columns = rows->columns, cells = columns * columns;
    const struct blocks *blocks = rows->blocks;
    TRY_ALL(comm, exact_init(&sums, cells));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        memset(partial, 0, (size_t)cells * sizeof *partial);
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i += each)
            add_cluster(rows, c, i, each, partial);
        exact_add(&sums, 0, partial, cells);
    }
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, meat, cells);
    for (int64_t j = 0; j < columns; j++)
        for (int64_t k = 0; k < j; k++) meat[j * columns + k] = meat[k * columns + j];
done:
    exact_clear(&sums);
    return status;
}

/* ---- the covariance ---- */

/* out = left right, of n columns each */
static void multiply(const double *left, const double *right, int64_t n, double *out)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0.0;
            for (int64_t k = 0; k < n; k++) sum += left[i * n + k] * right[k * n + j];
            out[i * n + j] = sum;
        }
}

/* Bread meat bread, the prior in both. */
static enum status find_covariance(const struct logistic_result *fit, const double *ridge,
                                   double *meat, struct transport *model)
{
    double bend[MOST * MOST], bread[MOST * MOST], half[MOST * MOST];
    int64_t n = model->columns;
    for (int64_t i = 0; i < n * n; i++) bend[i] = fit->weight * fit->curvature[i];
    for (int64_t j = 0; j < n; j++) {
        bend[j * n + j] += ridge[j];
        meat[j * n + j] += ridge[j];
    }
    if (!definite_invert(bend, n, n, bread))
        return FAIL(ERR_NUMERIC, "columns of the correction depend on each other; give each a "
                                 "prior");
    multiply(bread, meat, n, half);
    multiply(half, bread, n, model->covariance);
    return OK;
}

static enum status check(const struct logistic_rows *rows, int64_t each)
{
    if (rows->columns < 1 || rows->columns > MOST)
        return FAIL(ERR_ARG, "transport of %lld columns", (long long)rows->columns);
    for (int64_t b = 0; b <= rows->blocks->blocks_local; b++)
        if (each < 1 || rows->blocks->start[b] % each != 0)
            return FAIL(ERR_ARG, "blocks cut clusters of %lld rows", (long long)each);
    return OK;
}

enum status transport_fit(const struct comm *comm, const struct logistic_rows *rows,
                          const double *spread, int64_t each, struct transport *model)
{
    enum status status = OK;
    double ridge[MOST], meat[MOST * MOST];
    struct logistic_result fit;
    const struct logistic_options opt = {NULL, ridge, ITERATIONS};
    *model = (struct transport){.columns = rows->columns};
    TRY_ALL(comm, check(rows, each));
    for (int64_t j = 0; j < rows->columns; j++) ridge[j] = 1.0 / (spread[j] * spread[j]);
    TRY(logistic_fit(comm, rows, &opt, model->coefficient, &fit));
    model->converged = fit.converged;
    TRY(sum_meat(comm, rows, model->coefficient, each, meat));
    TRY(find_covariance(&fit, ridge, meat, model));
done:
    return status;
}

/* ---- elsewhere ---- */

void transport_add(const struct transport *model, double z, const double *x, double worth,
                   double *sums)
{
    sums[0] += worth * loss_sigmoid(z);
    for (int64_t j = 0; j < model->columns; j++) z += model->coefficient[j] * x[j];
    double p = loss_sigmoid(z);
    sums[1] += worth * p;
    for (int64_t j = 0; j < model->columns; j++) sums[2 + j] += worth * p * (1.0 - p) * x[j];
}

double transport_error(const struct transport *model, const double *slope)
{
    double square = 0.0;
    int64_t n = model->columns;
    for (int64_t j = 0; j < n; j++)
        for (int64_t k = 0; k < n; k++)
            square += slope[j] * model->covariance[j * n + k] * slope[k];
    return sqrt(fmax(square, 0.0));
}
