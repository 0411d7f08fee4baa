/**
 * Products of small float32 matrices, as layers of a network need them: C = start + A B, where
 * start may be C itself.
 *
 * In float32 every element is one chain of fused multiply-adds in order of depth, whatever the
 * shape: a row's result depends on that row alone, not on how many rows are multiplied with it, and
 * is the same on every machine with fused multiply-add. A is read through two strides, so A and its
 * transpose cost the same and nothing is packed. In bf16 see algorithms/gemm_bf16.h.
 */
#ifndef REMISE_ALGORITHMS_GEMM_H
#define REMISE_ALGORITHMS_GEMM_H

#include <stdbool.h>
#include <stdint.h>

/* What elements of A and B are rounded to before they are multiplied. */
enum gemm_precision {
    GEMM_FLOAT32,   /* not at all */
    GEMM_BF16,      /* algorithms/gemm_bf16.h */
    GEMM_BF16_TILES /* the same on matrix units; from gemm_bf16_choose only */
};

struct gemm {
    int64_t rows;           /* of A and C */
    int64_t columns;        /* of B and C, a multiple of VECTOR_FLOATS */
    int64_t depth;          /* columns of A, rows of B */
    const float *a;         /* A(i, k) = a[i * a_row + k * a_depth] */
    int64_t a_row, a_depth; /* in bf16 one of them is 1 */
    const float *b;         /* [depth][b_stride] */
    int64_t b_stride;       /* >= columns */
    const float *start;     /* row i begins at start[i * start_row]; NULL for zero; may be `c` */
    int64_t start_row;      /* 0: the same for every row */
    float *c;               /* [rows][c_stride] overwritten; overlaps neither A nor B */
    int64_t c_stride;       /* >= columns */
    bool rectify;           /* what is below zero becomes zero: max(0, C) */
    enum gemm_precision precision;
};

/** C[i][:] = start_i[:] + sum over k of A(i, k) B[k][:]. Local. Cost: 2 rows columns depth. */
void gemm_run(const struct gemm *product);

#endif
