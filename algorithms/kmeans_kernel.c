/* Choosing the version of the k-means loops, and the layout of centroids that they share. */
#include "algorithms/kmeans_kernel.h"

#include "mpi/memory.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static bool has_avx2(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return false;
#endif
}

static bool has_avx512(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
#else
    return false;
#endif
}

const struct kmeans_kernel *kmeans_kernel_choose(enum kmeans_path path)
{
    const struct kmeans_kernel *wide = has_avx512() ? kmeans_kernel_avx512 : NULL;
    const struct kmeans_kernel *middle = has_avx2() ? kmeans_kernel_avx2 : NULL;
    switch (path) {
    case KMEANS_PATH_AVX512:
        return wide;
    case KMEANS_PATH_AVX2:
        return middle;
    case KMEANS_PATH_PLAIN:
        return kmeans_kernel_plain;
    case KMEANS_PATH_BEST:
        break;
    }
    if (wide != NULL) return wide;
    return middle != NULL ? middle : kmeans_kernel_plain;
}

enum status kmeans_panels_init(struct kmeans_panels *panels, const struct kmeans_kernel *kernel,
                               int64_t k, int64_t columns)
{
    enum status status = OK;
    *panels = (struct kmeans_panels){.kernel = kernel, .k = k, .columns = columns};
    panels->chunks = (k + kernel->chunk_max - 1) / kernel->chunk_max;
    TRY(memory_new(&panels->chunk, k * columns, sizeof *panels->chunk));
    TRY(memory_new(&panels->half, k, sizeof *panels->half));
    TRY(memory_new(&panels->tile, kernel->tile_rows * columns, sizeof *panels->tile));
done:
    if (status != OK) kmeans_panels_clear(panels);
    return status;
}

void kmeans_panels_clear(struct kmeans_panels *panels)
{
    free(panels->chunk);
    free(panels->half);
    free(panels->tile);
    *panels = (struct kmeans_panels){0};
}

static float half_norm(const double *centroid, int64_t columns)
{
    double square = 0;
    for (int64_t j = 0; j < columns; j++) {
        double value = (double)(float)centroid[j];
        square += value * value;
    }
    return (float)(square / 2);
}

void kmeans_panels_set(struct kmeans_panels *panels, const double *centroids)
{
    int64_t k = panels->k, columns = panels->columns;
    for (int64_t i = 0; i < panels->chunks; i++) {
        int64_t first = i * k / panels->chunks, count = (i + 1) * k / panels->chunks - first;
        float *chunk = panels->chunk + first * columns; /* [columns][count] */
        for (int64_t c = 0; c < count; c++)
            for (int64_t j = 0; j < columns; j++)
                chunk[j * count + c] = (float)centroids[(first + c) * columns + j];
    }
    panels->reach = 0;
    for (int64_t c = 0; c < k; c++) {
        panels->half[c] = half_norm(centroids + c * columns, columns);
        panels->reach = fmaxf(panels->reach, sqrtf(2 * panels->half[c]) * (1 + 4 * FLT_EPSILON));
    }
    panels->error = (float)(columns + 4) * FLT_EPSILON / 2;
}
