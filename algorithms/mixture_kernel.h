/**
 * The inner loops of the Gaussian mixture, in one version per instruction set, chosen when the
 * program runs.
 *
 * A strip of rows lies column by column, so that a vector holds the same column of several rows.
 * Per strip the loops measure the distance of the rows to each component in units of its
 * deviations, turn distances into responsibilities, and add up the rows and their products by them:
 * all of it stays in the cache. Every row's figures are one chain of fused multiply-adds in order
 * of columns, and sums over rows are kept in eight lanes (row modulo eight): the AVX2 and AVX-512
 * versions give the same bits. The plain version rounds products, so its last bits are its own.
 */
#ifndef REMISE_ALGORITHMS_MIXTURE_KERNEL_H
#define REMISE_ALGORITHMS_MIXTURE_KERNEL_H

#include "mpi/status.h"
#include "partition/blocks.h"

#include <stdbool.h>
#include <stdint.h>

/* Which version; BEST is the widest this processor has. */
enum mixture_path { MIXTURE_PATH_BEST, MIXTURE_PATH_PLAIN, MIXTURE_PATH_AVX2, MIXTURE_PATH_AVX512 };

enum {
    MIXTURE_LANES = 8,  /* of a sum over rows */
    MIXTURE_STEP = 32,  /* the rows of a strip are a multiple of this */
    MIXTURE_STRIP = 128 /* and at most this */
};

/* Rows as the mixture takes them: doubles, or float32 where `single` is given. */
struct mixture_rows {
    const struct blocks *blocks; /* not owned; rows_local rows on this rank, possibly 0 */
    int64_t columns;
    const double *full;  /* not owned; [rows_local][columns], or NULL */
    const float *single; /* not owned; [rows_local][stride], or NULL: one of the two is given */
    int64_t stride;      /* of single; >= columns */
};

struct mixture_kernel {
    const char *name;
    int64_t tile; /* columns of a factor that lie together, see mixture_factor_pack */

    /* out[j][r] = (x[first + r][j] - centre[j]) * inverse[j] for r < rows; 0 up to pitch. */
    void (*pack)(const struct mixture_rows *x, int64_t first, int64_t rows, const double *centre,
                 const double *inverse, int64_t pitch, double *out);

    /* y[j][r] = sum over i <= j of factor(i, j) x[i][r], less shift[j]; square[r] = |y[:][r]|^2.
     * factor from mixture_factor_pack; y may be NULL. */
    void (*whiten)(const double *factor, const double *shift, int64_t columns, int64_t pitch,
                   const double *x, double *y, double *square);

    /* square[r] = sum over j of (factor[j] x[j][r] - shift[j])^2. */
    void (*distance)(const double *factor, const double *shift, int64_t columns, int64_t pitch,
                     const double *x, double *square);

    /* share[c][r] in: squared distance; out: responsibility of component c, exp(constant[c] -
     * square / 2) over the sum of those of all c, or if hard 1 for the likeliest, shared in a tie.
     * largest[r] + log(sum[r]) is the logarithm of that sum (not if hard). */
    void (*divide)(const double *constant, int64_t k, int64_t pitch, bool hard, double *share,
                   double *largest, double *sum);

    /* squares = x^2, element by element. */
    void (*square)(const double *x, int64_t columns, int64_t pitch, double *squares);

    /* sums[0][:] += share[r]; sums[1 + j][:] += share[r] x[j][r], in lanes; and sums[1 + columns +
     * j][:] += share[r] squares[j][r] unless squares is NULL. */
    void (*moments)(const double *share, const double *x, const double *squares, int64_t columns,
                    int64_t pitch, double *sums);

    /* sums[i][j][:] += share[r] x[i][r] x[j][r] for i <= j, in lanes; sums [columns][columns]. */
    void (*products)(const double *share, const double *x, int64_t columns, int64_t pitch,
                     double *sums);
};

/* The versions; those of other processors are NULL. */
extern const struct mixture_kernel *const mixture_kernel_plain;
extern const struct mixture_kernel *const mixture_kernel_avx2;
extern const struct mixture_kernel *const mixture_kernel_avx512;

/** The version for a path, NULL if this processor cannot run it. Local. */
const struct mixture_kernel *mixture_kernel_choose(enum mixture_path path);

/** Doubles of a packed triangular factor. Local. */
int64_t mixture_factor_count(const struct mixture_kernel *kernel, int64_t columns);

/**
 * Lay out factor(i, j) = lower[j][i], i <= j, in the order of the kernel. Local.
 * lower  in   [columns][columns] lower triangular
 * out    out  [mixture_factor_count]
 */
void mixture_factor_pack(const struct mixture_kernel *kernel, int64_t columns, const double *lower,
                         double *out);

#endif
