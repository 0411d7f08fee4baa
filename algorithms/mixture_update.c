/* The M step from sums of rows and products, the floor under variances, factors of covariances. */
#include "algorithms/mixture_update.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SWEEPS_MAX = 60 };

#define LEAST_ROWS 0x1p-20 /* a component of fewer rows has no mean to speak of */

/* ---- space ---- */

static int64_t factor_count(const struct mixture_model *model)
{
    return mixture_covariance_count(model->covariance, model->k, model->columns);
}

enum status mixture_factors_init(struct mixture_factors *factors, const struct mixture_model *model)
{
    enum status status = OK;
    int64_t count = factor_count(model), columns = model->columns;
    int64_t square = model->covariance == MIXTURE_DIAGONAL ? 0 : columns * columns;
    *factors = (struct mixture_factors){0};
    TRY(memory_new(&factors->inverse, count, sizeof *factors->inverse));
    TRY(memory_new(&factors->log_scale, model->k, sizeof *factors->log_scale));
    TRY(memory_new(&factors->work, 2 * square, sizeof *factors->work));
done:
    if (status != OK) mixture_factors_clear(factors);
    return status;
}

void mixture_factors_clear(struct mixture_factors *factors)
{
    free(factors->inverse);
    free(factors->log_scale);
    free(factors->work);
    *factors = (struct mixture_factors){0};
}

int64_t mixture_terms(enum mixture_covariance covariance, int64_t columns)
{
    if (covariance == MIXTURE_FULL) return 1 + columns + columns * (columns + 1) / 2;
    return covariance == MIXTURE_DIAGONAL ? 1 + 2 * columns : 1 + columns;
}

/* ---- factors ---- */

/* lower = L with a = L L', rows of zeros above the diagonal; false if a - shift is not positive
 * definite. */
static bool decompose(const double *a, int64_t n, double shift, double *lower)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double *row = lower + i * n, sum = j <= i ? a[i * n + j] : 0.0;
            const double *other = lower + j * n;
            if (j > i) {
                row[j] = 0.0;
                continue;
            }
            if (i == j) sum -= shift;
            for (int64_t l = 0; l < j; l++) sum -= row[l] * other[l];
            if (i == j && !(sum > 0.0)) return false;
            row[j] = i == j ? sqrt(sum) : sum / other[j];
        }
    return true;
}

/* inverse = lower^-1, lower triangular too */
static void invert(const double *lower, int64_t n, double *inverse)
{
    memset(inverse, 0, (size_t)(n * n) * sizeof *inverse);
    for (int64_t i = 0; i < n; i++) {
        double *row = inverse + i * n;
        row[i] = 1.0;
        for (int64_t l = 0; l < i; l++)
            for (int64_t j = 0; j <= l; j++) row[j] -= lower[i * n + l] * inverse[l * n + j];
        for (int64_t j = 0; j <= i; j++) row[j] /= lower[i * n + i];
    }
}

static enum status factor_square(const double *covariance, int64_t n, double *work, double *inverse,
                                 double *log_scale)
{
    if (!decompose(covariance, n, 0.0, work))
        return FAIL(ERR_NUMERIC, "a component's covariance is singular within rounding; raise the "
                                 "floor under variances or leave out collinear columns");
    invert(work, n, inverse);
    *log_scale = 0.0;
    for (int64_t j = 0; j < n; j++) *log_scale += log(work[j * n + j]);
    return OK;
}

static void factor_diagonal(const struct mixture_model *model, struct mixture_factors *factors)
{
    int64_t d = model->columns;
    memset(factors->log_scale, 0, (size_t)model->k * sizeof *factors->log_scale);
    for (int64_t i = 0; i < model->k * d; i++) {
        double sd = sqrt(model->covariances[i]);
        factors->inverse[i] = 1.0 / sd;
        factors->log_scale[i / d] += log(sd);
    }
}

enum status mixture_factor(const struct mixture_model *model, struct mixture_factors *factors)
{
    enum status status = OK;
    int64_t d = model->columns, squares = model->covariance == MIXTURE_TIED ? 1 : model->k;
    if (model->covariance == MIXTURE_DIAGONAL) {
        factor_diagonal(model, factors);
        return OK;
    }
    for (int64_t c = 0; c < squares; c++)
        TRY(factor_square(model->covariances + c * d * d, d, factors->work,
                          factors->inverse + c * d * d, &factors->log_scale[c]));
    for (int64_t c = squares; c < model->k; c++) factors->log_scale[c] = factors->log_scale[0];
done:
    return status;
}

/* ---- the floor ---- */

/* One of Jacobi's rotations of rows and columns p, q of a, and of the columns of `vectors`. */
static void rotate(double *a, double *vectors, int64_t n, int64_t p, int64_t q)
{
    double theta = (a[q * n + q] - a[p * n + p]) / (2.0 * a[p * n + q]);
    double t = (theta >= 0.0 ? 1.0 : -1.0) / (fabs(theta) + sqrt(theta * theta + 1.0));
    double cosine = 1.0 / sqrt(t * t + 1.0), sine = t * cosine;
    for (int64_t i = 0; i < n; i++) {
        double ip = a[i * n + p], iq = a[i * n + q];
        a[i * n + p] = cosine * ip - sine * iq;
        a[i * n + q] = sine * ip + cosine * iq;
    }
    for (int64_t i = 0; i < n; i++) {
        double pi = a[p * n + i], qi = a[q * n + i];
        a[p * n + i] = cosine * pi - sine * qi;
        a[q * n + i] = sine * pi + cosine * qi;
    }
    for (int64_t i = 0; i < n; i++) { /* vectors[:][p], vectors[:][q], stored as rows */
        double ip = vectors[p * n + i], iq = vectors[q * n + i];
        vectors[p * n + i] = cosine * ip - sine * iq;
        vectors[q * n + i] = sine * ip + cosine * iq;
    }
}

/* a becomes diagonal; vectors[e][:] is the eigenvector of a[e][e]. */
static void diagonalise(double *a, double *vectors, int64_t n)
{
    bool moved = true;
    memset(vectors, 0, (size_t)(n * n) * sizeof *vectors);
    for (int64_t i = 0; i < n; i++) vectors[i * n + i] = 1.0;
    for (int sweep = 0; moved && sweep < SWEEPS_MAX; sweep++) {
        moved = false;
        for (int64_t p = 0; p < n; p++)
            for (int64_t q = p + 1; q < n; q++) {
                double least = fmin(fabs(a[p * n + p]), fabs(a[q * n + q]));
                double most = fmax(fabs(a[p * n + p]), fabs(a[q * n + q]));
                double off = fabs(a[p * n + q]);
                if (off <= 0x1p-54 * least || off <= 0x1p-70 * most) continue;
                rotate(a, vectors, n, p, q);
                a[p * n + q] = a[q * n + p] = 0.0;
                moved = true;
            }
    }
}

/* a = sum over e of max(values[e][e], floor) vectors[e] vectors[e]' */
static int64_t recompose(double *a, const double *values, const double *vectors, int64_t n,
                         double floor)
{
    int64_t raised = 0;
    memset(a, 0, (size_t)(n * n) * sizeof *a);
    for (int64_t e = 0; e < n; e++) {
        double value = values[e * n + e];
        const double *vector = vectors + e * n;
        raised += value < floor;
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++)
                a[i * n + j] += fmax(value, floor) * vector[i] * vector[j];
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) a[i * n + j] = a[j * n + i];
    return raised;
}

int64_t mixture_raise(double *a, int64_t n, double floor, double *work)
{
    double *values = work, *vectors = work + n * n;
    if (decompose(a, n, floor, values)) return 0;
    memcpy(values, a, (size_t)(n * n) * sizeof *values);
    diagonalise(values, vectors, n);
    return recompose(a, values, vectors, n, floor);
}

/* ---- the M step ---- */

static void update_full(const double *sums, double floor, int64_t c, struct mixture_model *model,
                        struct mixture_factors *factors)
{
    int64_t d = model->columns;
    const double *mean = model->means + c * d, *product = sums + 1 + d;
    double *a = model->covariances + c * d * d;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = i; j < d; j++, product++)
            a[i * d + j] = a[j * d + i] = *product / sums[0] - mean[i] * mean[j];
    model->held[c] = mixture_raise(a, d, floor, factors->work);
}

static void update_diagonal(const double *sums, double floor, int64_t c,
                            struct mixture_model *model)
{
    int64_t d = model->columns;
    model->held[c] = 0;
    for (int64_t j = 0; j < d; j++) {
        double mean = model->means[c * d + j];
        double variance = sums[1 + d + j] / sums[0] - mean * mean;
        model->held[c] += variance < floor;
        model->covariances[c * d + j] = fmax(variance, floor);
    }
}

/* What of the scatter of all rows lies within the components. */
static void update_tied(const double *scatter, double floor, struct mixture_model *model,
                        struct mixture_factors *factors)
{
    int64_t d = model->columns;
    double *a = model->covariances;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = i; j < d; j++) {
            double within = scatter[i * d + j] / (double)model->rows;
            for (int64_t c = 0; c < model->k; c++)
                within -= model->weights[c] * model->means[c * d + i] * model->means[c * d + j];
            a[i * d + j] = a[j * d + i] = within;
        }
    int64_t held = mixture_raise(a, d, floor, factors->work);
    for (int64_t c = 0; c < model->k; c++) model->held[c] = held;
}

enum status mixture_update(const double *sums, const double *scatter, double floor,
                           struct mixture_model *model, struct mixture_factors *factors)
{
    int64_t d = model->columns, terms = mixture_terms(model->covariance, d);
    for (int64_t c = 0; c < model->k; c++, sums += terms) {
        model->weights[c] = sums[0] / (double)model->rows;
        if (!(sums[0] >= LEAST_ROWS)) continue;
        for (int64_t j = 0; j < d; j++) model->means[c * d + j] = sums[1 + j] / sums[0];
        if (model->covariance == MIXTURE_FULL) update_full(sums, floor, c, model, factors);
        if (model->covariance == MIXTURE_DIAGONAL) update_diagonal(sums, floor, c, model);
    }
    if (model->covariance == MIXTURE_TIED) update_tied(scatter, floor, model, factors);
    return mixture_factor(model, factors);
}
