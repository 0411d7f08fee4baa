/* Column means and deviations, and rows made comparable by them. */
#include "algorithms/standardise.h"

#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* partial[j] = sum over the rows of one block of (x - mean)^power */
static void block_sums(const double *x, int64_t rows, int64_t columns, const double *mean,
                       double *partial)
{
    memset(partial, 0, (size_t)columns * sizeof *partial);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            double value = x[i * columns + j];
            double centred = mean != NULL ? value - mean[j] : 0.0;
            partial[j] += mean != NULL ? centred * centred : value;
        }
}

static enum status column_means(const struct comm *comm, const struct blocks *blocks,
                                const double *x, int64_t columns, const double *mean, double *out)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double *partial = NULL;
    TRY_ALL(comm, exact_init(&sums, columns));
    TRY_ALL(comm, memory_new(&partial, columns, sizeof *partial));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        int64_t first = blocks->start[b], rows = blocks->start[b + 1] - first;
        block_sums(x + first * columns, rows, columns, mean, partial);
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

enum status standardise_measure(const struct comm *comm, const struct blocks *blocks,
                                const double *x, int64_t columns, double *mean, double *sd)
{
    enum status status = OK;
    TRY(column_means(comm, blocks, x, columns, NULL, mean));
    TRY(column_means(comm, blocks, x, columns, mean, sd));
    for (int64_t j = 0; j < columns; j++) {
        sd[j] = sqrt(sd[j]);
        if (sd[j] <= 1e-12 * fabs(mean[j])) sd[j] = 0.0; /* rounding noise of a constant */
    }
done:
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
                               const double *mean, double *partial)
{
    memset(partial, 0, (size_t)rows->columns * sizeof *partial);
    for (int64_t i = first; i < next; i++)
        for (int64_t j = 0; j < rows->columns; j++) {
            double value = (double)rows->x[i * rows->stride + j];
            double centred = mean != NULL ? value - mean[j] : 0.0;
            partial[j] += mean != NULL ? centred * centred : value;
        }
}

static enum status means_of_rows(const struct comm *comm, const struct rows *rows,
                                 const double *mean, double *out)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double *partial = NULL;
    TRY_ALL(comm, exact_init(&sums, rows->columns));
    TRY_ALL(comm, memory_new(&partial, rows->columns, sizeof *partial));
    for (int64_t b = 0; b < rows->blocks->blocks_local; b++) {
        block_sums_of_rows(rows, rows->blocks->start[b], rows->blocks->start[b + 1], mean, partial);
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
    TRY(means_of_rows(comm, rows, NULL, mean));
    TRY(means_of_rows(comm, rows, mean, sd));
    for (int64_t j = 0; j < rows->columns; j++) {
        sd[j] = sqrt(sd[j]);
        if (sd[j] <= 1e-6 * fabs(mean[j]))
            sd[j] = 0.0; /* rounding noise of a constant in float32 */
    }
done:
    return status;
}

void standardise_in_place(float *x, int64_t rows, int64_t columns, int64_t stride,
                          const double *mean, const double *sd, float limit)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            double centred = (double)x[i * stride + j] - mean[j];
            float scaled = sd[j] > 0.0 ? (float)(centred / sd[j]) : 0.0f;
            x[i * stride + j] = fminf(fmaxf(scaled, -limit), limit);
        }
}
