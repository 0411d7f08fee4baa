/**
 * The inner loops of k-means, in one version per instruction set, chosen when the program runs.
 *
 * A row goes to the centroid with the least |c|^2/2 - x.c, which orders centroids as the distance
 * does. The scores of a tile of rows with a few centroids live in registers, where the least one is
 * kept: no score reaches memory. Every version computes a score by the same chain of fused
 * multiply-adds in float32, column after column, adds rows to their sums as whole multiples of a
 * small unit, which is exact in any order, and adds squares in eight fixed lanes: all versions give
 * the same bits.
 */
#ifndef REMISE_ALGORITHMS_KMEANS_KERNEL_H
#define REMISE_ALGORITHMS_KMEANS_KERNEL_H

#include "mpi/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Which version; BEST is the widest this processor has. The result does not depend on it. */
enum kmeans_path { KMEANS_PATH_BEST, KMEANS_PATH_PLAIN, KMEANS_PATH_AVX2, KMEANS_PATH_AVX512 };

struct kmeans_kernel;

/** Doubles from one cluster's sums to the next: whole cache lines. Local. */
static inline int64_t kmeans_pitch(int64_t columns)
{
    return (columns + 7) / 8 * 8;
}

/* Rows handed to the kernel at once: they stay in the first-level cache between labelling and
 * summing. */
enum { KMEANS_STRIP = 192 };

/* Largest |x| and |centroid| the float32 scores can hold without overflow. */
#define KMEANS_LIMIT 1e15

/* Centroids rounded to float32 and laid out for the kernel. */
struct kmeans_panels {
    const struct kmeans_kernel *kernel;
    int64_t k, columns;
    int64_t chunks; /* chunk i holds centroids [i k / chunks, (i + 1) k / chunks) */
    float *chunk;   /* [k * columns] per chunk [columns][its centroids] */
    float *half;    /* [k] half of the squared norm */
    float *tile;    /* work space: a tile of rows, column by column */
    float reach;    /* the largest norm of a centroid */
    float error;    /* a score errs by at most error (reach^2 + |x|^2 / 2) */
};

/* A row that leaves one cluster for another. */
struct kmeans_move {
    int32_t row;
    int32_t from; /* -1: it was in none */
    int32_t to;
};

struct kmeans_kernel {
    const char *name;
    int64_t tile_rows; /* rows whose scores are in registers together */
    int64_t chunk_max; /* centroids in a chunk, at most */

    /* labels[i] = nearest centroid of row i, the lower one in a tie. x [rows][stride]. */
    void (*assign)(const struct kmeans_panels *panels, const float *x, int64_t rows, int64_t stride,
                   int32_t *labels);

    /* assign for rows index[0 .. rows - 1] of x (NULL: 0 .. rows - 1), and gap[i]: how much farther
     * than its centroid any other is, at least, beyond what the rounding of scores may hide. It may
     * be negative, or NAN for k = 1. */
    void (*judge)(const struct kmeans_panels *panels, const float *x, const int32_t *index,
                  int64_t rows, int64_t stride, int32_t *labels, float *gap);

    /* sums[to][:] += q and sums[from][:] -= q for all moves in order, where q = (x[row][:] + grid)
     * - grid in double. grid [kmeans_pitch(columns)], sums [k][kmeans_pitch(columns)], both aligned
     * to 64; the padding stays 0. */
    void (*move)(const float *x, int64_t stride, int64_t columns, const double *grid,
                 const struct kmeans_move *moves, int64_t count, double *sums);

    /* squares[i] = |x[i] - centroids[labels[i]]|^2 by differences in double. labels NULL: all 0. */
    void (*squares)(const float *x, int64_t rows, int64_t stride, int64_t columns,
                    const int32_t *labels, const double *centroids, double *squares);
};

/* The versions; those of other processors are NULL. */
extern const struct kmeans_kernel *const kmeans_kernel_plain;
extern const struct kmeans_kernel *const kmeans_kernel_avx2;
extern const struct kmeans_kernel *const kmeans_kernel_avx512;

/** The version for a path, NULL if this processor cannot run it. Local. */
const struct kmeans_kernel *kmeans_kernel_choose(enum kmeans_path path);

/** Space for k centroids; clear with kmeans_panels_clear. Local. Errors: ERR_MEMORY. */
enum status kmeans_panels_init(struct kmeans_panels *panels, const struct kmeans_kernel *kernel,
                               int64_t k, int64_t columns);

/** Lay out centroids [k][columns], all within KMEANS_LIMIT. Local. */
void kmeans_panels_set(struct kmeans_panels *panels, const double *centroids);
/** Free; accepts a zeroed struct. Local. */
void kmeans_panels_clear(struct kmeans_panels *panels);

#endif
