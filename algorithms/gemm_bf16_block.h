/**
 * A block of a product in bf16 on its way from gemm_bf16.c, which rounds and packs, to matrix units
 * in gemm_bf16_tiles.c.
 */
#ifndef REMISE_ALGORITHMS_GEMM_BF16_BLOCK_H
#define REMISE_ALGORITHMS_GEMM_BF16_BLOCK_H

#include "algorithms/gemm.h"

enum { SLAB = 32, BLOCK_DEPTH = 8 * SLAB, BLOCK_COLUMNS = 64, BLOCK_ROWS = 96 };

struct block {
    int64_t first, depth;    /* of the depth in hand, at most BLOCK_DEPTH; zeros behind it */
    int64_t column, columns; /* of C; columns at most BLOCK_COLUMNS, a multiple of VECTOR_FLOATS */
    int64_t row, rows;       /* of C; rows at most BLOCK_ROWS */
    const float *a;          /* rounded; (i, k) is a[i * a_row + k * a_depth] */
    int64_t a_row, a_depth;
    const float *b; /* [BLOCK_DEPTH][BLOCK_COLUMNS] rounded */
};

/** Whether the machine has matrix units for bf16 and this process may use them. Local. */
bool gemm_bf16_has_tiles(void);

/** C += A B for the block, on matrix units. Local. */
void gemm_bf16_tiles(const struct gemm *g, const struct block *block);

#endif
