/* Exact sums over rows whose columns have any scale. */
#include "algorithms/kmeans_sums.h"

#include "algorithms/kmeans_kernel.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double kmeans_unit_of(double x)
{
    int exponent = 0;
    if (x == 0.0 || !isfinite(x)) return 1.0;
    frexp(x, &exponent);
    return ldexp(1.0, exponent < -1000 ? -1000 : exponent);
}

enum status kmeans_total(const struct comm *comm, const double *partial, int64_t blocks_local,
                         double *total)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    double largest = 0;
    for (int64_t b = 0; b < blocks_local; b++)
        if (isfinite(partial[b]) && partial[b] > largest) largest = partial[b];
    comm_max_double(comm, &largest, 1);
    double unit = kmeans_unit_of(largest);
    TRY_ALL(comm, exact_init(&sums, 1));
    for (int64_t b = 0; b < blocks_local; b++) exact_add_one(&sums, 0, partial[b] / unit);
    TRY(exact_reduce(comm, &sums));
    *total = exact_get(&sums, 0) * unit;
done:
    exact_clear(&sums);
    return status;
}

/* largest[j] = bits of the largest |x[:][j]|; as integers these order like the numbers, with inf
 * and NaN on top. */
static void largest_bits(const struct rows *x, int32_t *largest)
{
    for (int64_t i = 0; i < x->blocks->rows_local; i++) {
        const float *row = x->x + i * x->stride;
        for (int64_t j = 0; j < x->columns; j++) {
            int32_t bits;
            memcpy(&bits, row + j, sizeof bits);
            bits &= 0x7fffffff;
            largest[j] = bits > largest[j] ? bits : largest[j];
        }
    }
}

static enum status local_largest(const struct rows *x, double *largest)
{
    int32_t *bits = NULL;
    enum status status = OK;
    TRY(memory_new(&bits, x->columns, sizeof *bits));
    largest_bits(x, bits);
    for (int64_t j = 0; j < x->columns; j++) {
        float value;
        memcpy(&value, bits + j, sizeof value);
        largest[j] = (double)value;
        if (!(largest[j] <= KMEANS_LIMIT))
            TRY(FAIL(ERR_NUMERIC,
                     "column %lld holds a value that is not finite or beyond %g; replace missing "
                     "values and rescale the column",
                     (long long)j + 1, KMEANS_LIMIT));
    }
done:
    free(bits);
    return status;
}

enum status kmeans_units(const struct comm *comm, const struct rows *x, double *unit)
{
    enum status status = OK;
    TRY_ALL(comm, local_largest(x, unit));
    comm_max_double(comm, unit, x->columns);
    for (int64_t j = 0; j < x->columns; j++) unit[j] = kmeans_unit_of(unit[j]);
done:
    return status;
}

/* partial[j] = sum over the rows of one block of x / unit, or of ((x - mean) / unit)^2 */
static void block_moment(const float *x, int64_t rows, const struct rows *shape, const double *mean,
                         const double *unit, double *partial)
{
    int64_t columns = shape->columns;
    memset(partial, 0, (size_t)columns * sizeof *partial);
    for (int64_t i = 0; i < rows; i++) {
        const float *row = x + i * shape->stride;
        if (mean == NULL)
            for (int64_t j = 0; j < columns; j++) partial[j] += (double)row[j];
        else
            for (int64_t j = 0; j < columns; j++) {
                double off = ((double)row[j] - mean[j]) / unit[j];
                partial[j] += off * off;
            }
    }
    if (mean == NULL)
        for (int64_t j = 0; j < columns; j++) partial[j] /= unit[j];
}

/* out[j] = mean of the column (mean NULL), or its variance, both in units */
static enum status column_moment(const struct comm *comm, const struct rows *x, const double *mean,
                                 const double *unit, double *out)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    TRY_ALL(comm, exact_init(&sums, x->columns));
    for (int64_t b = 0; b < x->blocks->blocks_local; b++) {
        int64_t first = x->blocks->start[b], rows = x->blocks->start[b + 1] - first;
        block_moment(x->x + first * x->stride, rows, x, mean, unit, out);
        exact_add(&sums, 0, out, x->columns);
    }
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, out, x->columns);
    for (int64_t j = 0; j < x->columns; j++) out[j] /= (double)x->blocks->rows_total;
done:
    exact_clear(&sums);
    return status;
}

enum status kmeans_mean_variance(const struct comm *comm, const struct rows *x, const double *unit,
                                 double *variance)
{
    enum status status = OK;
    double *mean = NULL, *square = NULL;
    TRY_ALL(comm, memory_new(&mean, x->columns, sizeof *mean));
    TRY_ALL(comm, memory_new(&square, x->columns, sizeof *square));
    TRY(column_moment(comm, x, NULL, unit, mean));
    for (int64_t j = 0; j < x->columns; j++) mean[j] *= unit[j];
    TRY(column_moment(comm, x, mean, unit, square));
    *variance = 0;
    for (int64_t j = 0; j < x->columns; j++) *variance += square[j] * unit[j] * unit[j];
    *variance /= (double)x->columns;
done:
    free(mean);
    free(square);
    return status;
}

enum status kmeans_sums_init(struct kmeans_sums *sums, int64_t k, int64_t columns,
                             const double *unit)
{
    enum status status = OK;
    *sums = (struct kmeans_sums){.k = k, .columns = columns, .unit = unit};
    TRY(memory_new(&sums->block, k * kmeans_pitch(columns), sizeof *sums->block));
    TRY(memory_new(&sums->scaled, k * columns, sizeof *sums->scaled));
    TRY(memory_new(&sums->block_count, k, sizeof *sums->block_count));
    TRY(memory_new(&sums->scale, columns, sizeof *sums->scale));
    TRY(memory_new(&sums->mine_count, k, sizeof *sums->mine_count));
    TRY(memory_new(&sums->count, k, sizeof *sums->count));
    TRY(exact_init(&sums->mine, k * (columns + 1)));
    TRY(exact_init(&sums->exact, k * (columns + 1)));
    for (int64_t j = 0; j < columns; j++) sums->scale[j] = 1.0 / unit[j];
done:
    if (status != OK) kmeans_sums_clear(sums);
    return status;
}

void kmeans_sums_clear(struct kmeans_sums *sums)
{
    free(sums->block);
    free(sums->block_count);
    free(sums->scale);
    free(sums->scaled);
    free(sums->mine_count);
    free(sums->count);
    exact_clear(&sums->mine);
    exact_clear(&sums->exact);
    *sums = (struct kmeans_sums){0};
}

void kmeans_sums_reset(struct kmeans_sums *sums)
{
    memset(sums->mine_count, 0, (size_t)sums->k * sizeof *sums->mine_count);
    exact_reset(&sums->mine);
}

void kmeans_sums_take_block(struct kmeans_sums *sums)
{
    int64_t k = sums->k, columns = sums->columns, pitch = kmeans_pitch(columns);
    for (int64_t c = 0; c < k; c++) {
        const double *sum = sums->block + c * pitch; /* block[c][:] */
        for (int64_t j = 0; j < columns; j++)
            sums->scaled[c * columns + j] = sum[j] * sums->scale[j];
        sums->mine_count[c] += sums->block_count[c];
    }
    exact_add(&sums->mine, 0, sums->scaled, k * columns);
    sums->block_rows = 0;
    memset(sums->block, 0, (size_t)(k * pitch) * sizeof *sums->block);
    memset(sums->block_count, 0, (size_t)k * sizeof *sums->block_count);
}

enum status kmeans_sums_reduce(const struct comm *comm, struct kmeans_sums *sums, double *sum)
{
    int64_t k = sums->k, columns = sums->columns;
    memcpy(sums->exact.sum, sums->mine.sum,
           (size_t)(sums->exact.count + 1) * sizeof *sums->exact.sum);
    for (int64_t c = 0; c < k; c++)
        exact_add_one(&sums->exact, k * columns + c, (double)sums->mine_count[c]);
    enum status status = exact_reduce(comm, &sums->exact);
    if (status != OK) return status;
    for (int64_t c = 0; c < k; c++) {
        sums->count[c] = (int64_t)exact_get(&sums->exact, k * columns + c);
        for (int64_t j = 0; j < columns; j++)
            sum[c * columns + j] = exact_get(&sums->exact, c * columns + j) * sums->unit[j];
    }
    return OK;
}
