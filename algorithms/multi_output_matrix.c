/* Columns to whole numbers, and their correlations. */
#include "algorithms/multi_output_matrix.h"

#include "algorithms/syrk.h"
#include "algorithms/vector.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256, BITS_MOST = 22 };

/* ---- ranges ---- */

static int log_above(int64_t count)
{
    int log = 0;
    while (((int64_t)1 << log) < count) log++;
    return log;
}

/* Digits of a number that is multiplied with one of `others` digits and summed over the rows. */
static int bits_beside(int64_t rows, int others)
{
    int bits = 62 - log_above(rows) - others;
    return bits < BITS_MOST ? bits : BITS_MOST;
}

static int column_bits(int64_t rows)
{
    return bits_beside(rows, (62 - log_above(rows)) / 2);
}

static double unit_below(double most, int bits)
{
    int power = 0;
    frexp(most, &power);
    return most > 0.0 ? ldexp(1.0, power - bits) : 1.0;
}

static void get_row(const struct multi_output_data *data, int64_t row, float *x)
{
    memset(x, 0, (size_t)data->columns * sizeof *x);
    data->row(data->context, row, x);
}

/* Sums of the columns block by block, scaled by `scale`; the largest sizes. */
static enum status sum_columns(const struct comm *comm, const struct multi_output_data *data,
                               const double *scale, float *x, double *sum)
{
    enum status status = OK;
    const struct blocks *blocks = data->blocks;
    struct exact_sums sums = {0};
    double *part = NULL;
    TRY_ALL(comm, exact_init(&sums, data->columns));
    TRY_ALL(comm, memory_new(&part, data->columns, sizeof *part));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        memset(part, 0, (size_t)data->columns * sizeof *part);
        for (int64_t r = blocks->start[b]; r < blocks->start[b + 1]; r++) {
            get_row(data, r, x);
            for (int64_t j = 0; j < data->columns; j++) part[j] += (double)x[j] * scale[j];
        }
        exact_add(&sums, 0, part, data->columns);
    }
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, sum, data->columns);
done:
    exact_clear(&sums);
    free(part);
    return status;
}

static void largest(const struct comm *comm, const struct multi_output_data *data,
                    const double *mean, float *x, double *most)
{
    for (int64_t j = 0; j < data->columns; j++) most[j] = 0.0;
    for (int64_t r = 0; r < data->blocks->rows_local; r++) {
        get_row(data, r, x);
        for (int64_t j = 0; j < data->columns; j++) {
            double size = fabs((double)x[j] - mean[j]);
            /* not finite in any sense: larger than all that is */
            most[j] = size <= most[j] ? most[j] : size < INFINITY ? size : INFINITY;
        }
    }
    comm_max_double(comm, most, data->columns);
}

static enum status check_finite(const double *most, int64_t columns)
{
    for (int64_t j = 0; j < columns; j++)
        if (!isfinite(most[j]))
            return FAIL(ERR_NUMERIC, "column %lld holds a number that is not finite", (long long)j);
    return OK;
}

/* Means, and units that leave the columns their digits. */
static enum status measure(const struct comm *comm, const struct multi_output_data *data,
                           struct output_matrix *n)
{
    enum status status = OK;
    largest(comm, data, n->mean, n->x, n->unit);
    TRY(check_finite(n->unit, n->columns));
    for (int64_t j = 0; j < n->columns; j++) n->per_unit[j] = 1.0 / unit_below(n->unit[j], 0);
    TRY(sum_columns(comm, data, n->per_unit, n->x, n->mean));
    for (int64_t j = 0; j < n->columns; j++) n->mean[j] /= n->per_unit[j] * (double)n->rows;
    largest(comm, data, n->mean, n->x, n->unit);
    for (int64_t j = 0; j < n->columns; j++) {
        n->unit[j] = unit_below(n->unit[j], column_bits(n->rows));
        n->per_unit[j] = 1.0 / n->unit[j];
    }
done:
    return status;
}

static enum status measure_values(const struct comm *comm, const struct multi_output_data *data,
                                  struct output_matrix *n)
{
    double most = data->value == NULL ? 1.0 : 0.0;
    int64_t entries = data->start[data->blocks->rows_local];
    for (int64_t e = 0; data->value != NULL && e < entries; e++) {
        double size = fabs((double)data->value[e]);
        most = size <= most ? most : size < INFINITY ? size : INFINITY;
    }
    comm_max_double(comm, &most, 1);
    if (!isfinite(most)) return FAIL(ERR_NUMERIC, "an output has a value that is not finite");
    n->value_unit = unit_below(most, bits_beside(n->rows, column_bits(n->rows)));
    return OK;
}

/* ---- the matrix ---- */

/* z = rint((x - mean) / unit) */
VECTORISED static void whole(const float *restrict x, const double *restrict mean,
                             const double *restrict per_unit, int64_t columns, double *restrict z)
{
    for (int64_t j = 0; j < columns; j++) z[j] = rint(((double)x[j] - mean[j]) * per_unit[j]);
}

/* The panel of syrk_add with a last column of ones; sums go to an int64 chunk by chunk. */
static enum status sum_products(const struct multi_output_data *data, const struct output_matrix *n,
                                int64_t *sum)
{
    enum status status = OK;
    int64_t strips = n->columns / SYRK_STRIP + 1, width = strips * SYRK_STRIP, held = 0;
    double *panel = NULL, *square = NULL, *z = NULL;
    TRY(memory_new(&panel, CHUNK * width, sizeof *panel));
    TRY(memory_new(&square, width * width, sizeof *square));
    TRY(memory_new(&z, width, sizeof *z));
    z[n->columns] = 1.0;
    for (int64_t r = 0; r < data->blocks->rows_local; r++) {
        get_row(data, r, n->x);
        whole(n->x, n->mean, n->per_unit, n->columns, z);
        for (int64_t s = 0; s < strips; s++)
            memcpy(panel + (s * CHUNK + held) * SYRK_STRIP, z + s * SYRK_STRIP,
                   SYRK_STRIP * sizeof *z);
        if (++held < CHUNK && r + 1 < data->blocks->rows_local) continue;
        syrk_add(panel, strips, held, CHUNK, square);
        for (int64_t j = 0, at = 0; j < n->columns; j++)
            for (int64_t k = j; k <= n->columns; k++) sum[at++] += (int64_t)square[j * width + k];
        memset(square, 0, (size_t)(width * width) * sizeof *square);
        held = 0;
    }
done:
    free(panel);
    free(square);
    free(z);
    return status;
}

/* From sums to correlations. */
static void centre(const int64_t *sum, struct output_matrix *n)
{
    int64_t columns = n->columns;
    double rows = (double)n->rows;
    for (int64_t j = 0, at = -1; j < columns; j++) {
        at += columns - j + 1; /* the product with 1 ends a row */
        n->sum[j] = (double)sum[at];
    }
    for (int64_t j = 0, at = 0; j < columns; j++, at++)
        for (int64_t k = j; k < columns; k++, at++)
            n->correlation[j * columns + k] = (double)sum[at] - n->sum[j] * n->sum[k] / rows;
    for (int64_t j = 0; j < columns; j++) {
        double square = n->correlation[j * columns + j] / rows;
        n->sd[j] = square > 0.0 ? sqrt(square) : 0.0;
    }
    for (int64_t j = 0; j < columns; j++)
        for (int64_t k = j; k < columns; k++) {
            double both = n->sd[j] * n->sd[k], *to = n->correlation + j * columns + k;
            *to = both > 0.0 ? *to / (both * rows) : 0.0;
            if (j == k) *to = 1.0;
            n->correlation[k * columns + j] = *to;
        }
}

/* ---- together ---- */

static enum status matrix_init(const struct multi_output_data *data, struct output_matrix *n)
{
    enum status status = OK;
    int64_t columns = data->columns;
    *n = (struct output_matrix){.columns = columns, .rows = data->blocks->rows_total};
    TRY(memory_new(&n->mean, columns, sizeof *n->mean));
    TRY(memory_new(&n->unit, columns, sizeof *n->unit));
    TRY(memory_new(&n->per_unit, columns, sizeof *n->per_unit));
    TRY(memory_new(&n->sum, columns, sizeof *n->sum));
    TRY(memory_new(&n->sd, columns, sizeof *n->sd));
    TRY(memory_new(&n->correlation, columns * columns, sizeof *n->correlation));
    TRY(memory_new(&n->x, columns, sizeof *n->x));
    TRY(memory_new(&n->whole, columns, sizeof *n->whole));
    TRY(memory_new(&n->z, columns + 1, sizeof *n->z));
    n->z[columns] = 1;
done:
    return status;
}

enum status output_matrix_make(const struct comm *comm, const struct multi_output_data *data,
                               struct output_matrix *m)
{
    enum status status = OK;
    int64_t *sum = NULL, size = data->columns * (data->columns + 1) / 2 + data->columns;
    TRY_ALL(comm, matrix_init(data, m));
    TRY_ALL(comm, memory_new(&sum, size, sizeof *sum));
    TRY(measure(comm, data, m));
    TRY(measure_values(comm, data, m));
    TRY_ALL(comm, sum_products(data, m, sum));
    comm_sum_int64(comm, sum, size);
    centre(sum, m);
done:
    free(sum);
    return status;
}

void output_matrix_clear(struct output_matrix *n)
{
    free(n->mean);
    free(n->unit);
    free(n->per_unit);
    free(n->sum);
    free(n->sd);
    free(n->correlation);
    free(n->x);
    free(n->whole);
    free(n->z);
    *n = (struct output_matrix){0};
}

void output_matrix_row(const struct multi_output_data *data, int64_t row,
                       const struct output_matrix *n)
{
    get_row(data, row, n->x);
    whole(n->x, n->mean, n->per_unit, n->columns, n->whole);
    for (int64_t j = 0; j < n->columns; j++) n->z[j] = (int32_t)n->whole[j];
}
