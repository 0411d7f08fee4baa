/* The use of a k-means model: labels and distances, and its last digits from double-precision rows.
 */
#include "algorithms/kmeans.h"

#include "algorithms/kmeans_sums.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum status kmeans_apply(const struct kmeans_model *model, const struct rows *x, int32_t *labels,
                         float *distance)
{
    enum status status = OK;
    struct kmeans_panels panels = {0};
    const struct kmeans_kernel *kernel = kmeans_kernel_choose(KMEANS_PATH_BEST);
    double squares[KMEANS_STRIP];
    int64_t rows_local = x->blocks->rows_local;
    if (x->columns != model->columns)
        return FAIL(ERR_ARG,
                    "rows have %lld columns, the clusters %lld; use the columns of the fit",
                    (long long)x->columns, (long long)model->columns);
    TRY(kmeans_panels_init(&panels, kernel, model->k, model->columns));
    kmeans_panels_set(&panels, model->centroids);
    for (int64_t i = 0; i < rows_local; i += KMEANS_STRIP) {
        int64_t rows = rows_local - i < KMEANS_STRIP ? rows_local - i : KMEANS_STRIP;
        const float *strip = x->x + i * x->stride;
        kernel->assign(&panels, strip, rows, x->stride, labels + i);
        if (distance == NULL) continue;
        kernel->squares(strip, rows, x->stride, x->columns, labels + i, model->centroids, squares);
        for (int64_t r = 0; r < rows; r++) distance[i + r] = (float)sqrt(squares[r]);
    }
done:
    kmeans_panels_clear(&panels);
    return status;
}

/* unit[j]: the power of two above the largest |x[:][j]| of all ranks */
static void double_units(const struct comm *comm, const double *x, int64_t rows, int64_t columns,
                         double *unit)
{
    for (int64_t i = 0; i < rows * columns; i++)
        unit[i % columns] = fmax(unit[i % columns], fabs(x[i]));
    comm_max_double(comm, unit, columns);
    for (int64_t j = 0; j < columns; j++) unit[j] = kmeans_unit_of(unit[j]);
}

/* centroids = means of the rows with their label */
static enum status refine_centroids(const struct comm *comm, const struct blocks *blocks,
                                    const double *x, const int32_t *labels,
                                    struct kmeans_model *model)
{
    enum status status = OK;
    struct kmeans_sums sums = {0};
    int64_t k = model->k, columns = model->columns;
    double *unit = NULL, *sum = NULL;
    TRY_ALL(comm, memory_new(&unit, columns, sizeof *unit));
    TRY_ALL(comm, memory_new(&sum, k * columns, sizeof *sum));
    double_units(comm, x, blocks->rows_local, columns, unit);
    TRY_ALL(comm, kmeans_sums_init(&sums, k, columns, unit));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++) {
            double *block = sums.block + labels[i] * kmeans_pitch(columns); /* block[label][:] */
            for (int64_t j = 0; j < columns; j++) block[j] += x[i * columns + j];
            sums.block_count[labels[i]]++;
        }
        kmeans_sums_take_block(&sums);
    }
    TRY(kmeans_sums_reduce(comm, &sums, sum));
    for (int64_t i = 0; i < k * columns; i++)
        if (sums.count[i / columns] > 0)
            model->centroids[i] = sum[i] / (double)sums.count[i / columns];
done:
    kmeans_sums_clear(&sums);
    free(unit);
    free(sum);
    return status;
}

static double square_distance(const double *row, const double *centroid, int64_t columns)
{
    double square = 0;
    for (int64_t j = 0; j < columns; j++) square += (row[j] - centroid[j]) * (row[j] - centroid[j]);
    return square;
}

static enum status refine_inertia(const struct comm *comm, const struct blocks *blocks,
                                  const double *x, const int32_t *labels,
                                  struct kmeans_model *model)
{
    enum status status = OK;
    double *partial = NULL;
    int64_t columns = model->columns;
    TRY_ALL(comm, memory_new(&partial, blocks->blocks_local, sizeof *partial));
    for (int64_t b = 0; b < blocks->blocks_local; b++)
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++)
            partial[b] +=
                square_distance(x + i * columns, model->centroids + labels[i] * columns, columns);
    TRY(kmeans_total(comm, partial, blocks->blocks_local, &model->inertia));
done:
    free(partial);
    return status;
}

enum status kmeans_refine(const struct comm *comm, const struct blocks *blocks, const double *x,
                          const int32_t *labels, struct kmeans_model *model)
{
    enum status status = OK;
    if (model->settled) TRY(refine_centroids(comm, blocks, x, labels, model));
    TRY(refine_inertia(comm, blocks, x, labels, model));
done:
    return status;
}
