/**
 * A tile of C for one instruction set, in slabs of depth; included by gemm_bf16.c once for each,
 * with these macros defined: TILE(name) a name of this set, TARGET its attribute, FLOATS a vector
 * type of LANES floats, ROWS x VECTORS the largest tile, LOAD, STORE, SPREAD (one float to all
 * lanes), MULTIPLY_ADD(a, b, c) and ADD(a, b).
 */

/* c[rows][VECTORS * LANES] += a slab of a by b; rows are constant once inlined */
TARGET static inline __attribute__((always_inline)) void TILE(slab)(const struct block *block,
                                                                    const float *a, const float *b,
                                                                    const int rows, float *c,
                                                                    int64_t c_stride)
{
    const int64_t row = block->a_row, depth = block->a_depth;
    FLOATS even[ROWS][VECTORS], odd[ROWS][VECTORS];
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < VECTORS; v++) even[r][v] = odd[r][v] = SPREAD(0.0f);
    for (int64_t k = 0; k < SLAB; k += 2, a += 2 * depth, b += 2 * BLOCK_COLUMNS) {
        FLOATS first[VECTORS], second[VECTORS];
#pragma GCC unroll 8
        for (int v = 0; v < VECTORS; v++) {
            first[v] = LOAD(b + v * LANES);
            second[v] = LOAD(b + BLOCK_COLUMNS + v * LANES);
        }
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++) {
            FLOATS at = SPREAD(a[r * row]), next = SPREAD(a[r * row + depth]);
#pragma GCC unroll 8
            for (int v = 0; v < VECTORS; v++) {
                even[r][v] = MULTIPLY_ADD(at, first[v], even[r][v]);
                odd[r][v] = MULTIPLY_ADD(next, second[v], odd[r][v]);
            }
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < VECTORS; v++) {
            float *to = c + r * c_stride + v * LANES;
            STORE(to, ADD(LOAD(to), ADD(even[r][v], odd[r][v])));
        }
}

/* rows of the block from `row` on += a slab; returns how many */
TARGET static inline int64_t TILE(rows)(const struct block *block, int64_t row, const float *a,
                                        const float *b, float *c, int64_t c_stride)
{
    int64_t left = block->rows - row;
    if (left >= ROWS)
        TILE(slab)(block, a, b, ROWS, c, c_stride);
    else
        TILE(slab)(block, a, b, 1, c, c_stride);
    return left >= ROWS ? ROWS : 1;
}

TARGET static void TILE(block)(const struct gemm *g, const struct block *block)
{
    for (int64_t j = 0; j < block->columns; j += VECTORS * LANES)
        for (int64_t k = 0; k < block->depth; k += SLAB) {
            const float *b = block->b + k * BLOCK_COLUMNS + j;
            for (int64_t i = 0; i < block->rows;) {
                float *c = g->c + (block->row + i) * g->c_stride + block->column + j;
                const float *a = block->a + i * block->a_row + k * block->a_depth;
                i += TILE(rows)(block, i, a, b, c, g->c_stride);
            }
        }
}

#undef TILE
#undef TARGET
#undef FLOATS
#undef LANES
#undef ROWS
#undef VECTORS
#undef LOAD
#undef STORE
#undef SPREAD
#undef MULTIPLY_ADD
#undef ADD
