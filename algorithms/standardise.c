/* Column means and deviations, and rows made comparable by them. */
#include "algorithms/standardise.h"

#include "algorithms/vector.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Values reach a sum times a power of two that brings the largest of their column to [1/2, 1): the
 * exact sums have one range for all columns, and powers of two change no digit. */

/* A NaN is passed over here; the sums refuse it. */
static void raise_to(double *largest, double value)
{
    *largest = fabs(value) > *largest ? fabs(value) : *largest;
}

/* scale[j] in: the largest |x| of column j on this rank; out: that power of two, on every rank. */
static void settle_scales(const struct comm *comm, int64_t columns, double *scale)
{
    comm_max_double(comm, scale, columns);
    for (int64_t j = 0; j < columns; j++) {
        int exponent = 0;
        frexp(scale[j], &exponent);
        scale[j] = ldexp(1.0, exponent > -1000 ? -exponent : 1000);
    }
}

/* partial[j] = sum over the rows of one block of the scaled values, less the mean and squared where
 * a mean is given */
static void block_sums(const double *x, int64_t rows, int64_t columns, const double *scale,
                       const double *mean, double *partial)
{
    memset(partial, 0, (size_t)columns * sizeof *partial);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            double value = x[i * columns + j] * scale[j];
            double centred = mean != NULL ? value - mean[j] : 0.0;
            partial[j] += mean != NULL ? centred * centred : value;
        }
}

static enum status column_means(const struct comm *comm, const struct blocks *blocks,
                                const double *x, int64_t columns, const double *scale,
                                const double *mean, double *out)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double *partial = NULL;
    TRY_ALL(comm, exact_init(&sums, columns));
    TRY_ALL(comm, memory_new(&partial, columns, sizeof *partial));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        int64_t first = blocks->start[b], rows = blocks->start[b + 1] - first;
        block_sums(x + first * columns, rows, columns, scale, mean, partial);
        exact_add(&sums, 0, partial, columns);
    }
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, out, columns);
    for (int64_t j = 0; j < columns && blocks->rows_total > 0; j++)
        out[j] /= (double)blocks->rows_total;
done:
    exact_clear(&sums);
    free(partial);
    return status;
}

/* From scaled means and variances to means and deviations; what is below `noise` of the mean is
 * rounding of a constant. */
static void finish(int64_t columns, const double *scale, double noise, double *mean, double *sd)
{
    for (int64_t j = 0; j < columns; j++) {
        sd[j] = sqrt(sd[j]);
        if (sd[j] <= noise * fabs(mean[j])) sd[j] = 0.0;
        mean[j] /= scale[j];
        sd[j] /= scale[j];
    }
}

enum status standardise_measure(const struct comm *comm, const struct blocks *blocks,
                                const double *x, int64_t columns, double *mean, double *sd)
{
    enum status status = OK;
    double *scale = NULL;
    TRY_ALL(comm, memory_new(&scale, columns, sizeof *scale));
    for (int64_t i = 0; i < blocks->rows_local; i++)
        for (int64_t j = 0; j < columns; j++) raise_to(&scale[j], x[i * columns + j]);
    settle_scales(comm, columns, scale);
    TRY(column_means(comm, blocks, x, columns, scale, NULL, mean));
    TRY(column_means(comm, blocks, x, columns, scale, mean, sd));
    finish(columns, scale, 1e-12, mean, sd);
done:
    free(scale);
    return status;
}

void standardise_apply(const double *x, int64_t rows, int64_t columns, const double *mean,
                       const double *sd, float *out, int64_t stride)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            double centred = x[i * columns + j] - mean[j];
            out[i * stride + j] = sd[j] > 0.0 ? (float)(centred / sd[j]) : 0.0f;
        }
}

/* ---- float32 rows ---- */

static void block_sums_of_rows(const struct rows *rows, int64_t first, int64_t next,
                               const double *scale, const double *mean, double *partial)
{
    memset(partial, 0, (size_t)rows->columns * sizeof *partial);
    for (int64_t i = first; i < next; i++)
        for (int64_t j = 0; j < rows->columns; j++) {
            double value = (double)rows->x[i * rows->stride + j] * scale[j];
            double centred = mean != NULL ? value - mean[j] : 0.0;
            partial[j] += mean != NULL ? centred * centred : value;
        }
}

static enum status means_of_rows(const struct comm *comm, const struct rows *rows,
                                 const double *scale, const double *mean, double *out)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double *partial = NULL;
    const int64_t *start = rows->blocks->start;
    TRY_ALL(comm, exact_init(&sums, rows->columns));
    TRY_ALL(comm, memory_new(&partial, rows->columns, sizeof *partial));
    for (int64_t b = 0; b < rows->blocks->blocks_local; b++) {
        block_sums_of_rows(rows, start[b], start[b + 1], scale, mean, partial);
        exact_add(&sums, 0, partial, rows->columns);
    }
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, out, rows->columns);
    for (int64_t j = 0; j < rows->columns && rows->blocks->rows_total > 0; j++)
        out[j] /= (double)rows->blocks->rows_total;
done:
    exact_clear(&sums);
    free(partial);
    return status;
}

enum status standardise_measure_rows(const struct comm *comm, const struct rows *rows, double *mean,
                                     double *sd)
{
    enum status status = OK;
    double *scale = NULL;
    TRY_ALL(comm, memory_new(&scale, rows->columns, sizeof *scale));
    for (int64_t i = 0; i < rows->blocks->rows_local; i++)
        for (int64_t j = 0; j < rows->columns; j++)
            raise_to(&scale[j], (double)rows->x[i * rows->stride + j]);
    settle_scales(comm, rows->columns, scale);
    TRY(means_of_rows(comm, rows, scale, NULL, mean));
    TRY(means_of_rows(comm, rows, scale, mean, sd));
    finish(rows->columns, scale, 1e-6, mean, sd); /* float32 has seven digits */
done:
    free(scale);
    return status;
}

/* Columns of no spread are divided by infinity. */
VECTORISED
static void standardise_row(const double *mean, const double *sd, int64_t columns, float limit,
                            float *x)
{
    for (int64_t j = 0; j < columns; j++) {
        double by = sd[j] > 0.0 ? sd[j] : (double)INFINITY;
        float scaled = (float)(((double)x[j] - mean[j]) / by);
        scaled = scaled > -limit ? scaled : -limit;
        x[j] = scaled < limit ? scaled : limit;
    }
}

void standardise_in_place(float *x, int64_t rows, int64_t columns, int64_t stride,
                          const double *mean, const double *sd, float limit)
{
    for (int64_t i = 0; i < rows; i++) standardise_row(mean, sd, columns, limit, x + i * stride);
}
