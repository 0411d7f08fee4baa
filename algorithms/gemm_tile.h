/**
 * A tile of C in registers, for one instruction set; included by gemm.c once for each, with these
 * macros defined: TILE(name) a name of this set, TARGET its attribute, FLOATS a vector type of
 * LANES floats, ROWS x VECTORS the largest tile, LOAD, STORE, SPREAD (one float to all lanes),
 * MULTIPLY_ADD(a, b, c) and RECTIFY (what is below zero to zero; NaN and -0 stay).
 */

/* c[i .. i + rows)[j .. j + vectors * LANES); rows and vectors are constants once inlined */
TARGET static inline __attribute__((always_inline)) void
TILE(tile)(const struct gemm *g, int64_t i, int64_t j, const int rows, const int vectors)
{
    FLOATS sum[ROWS * VECTORS][VECTORS];
    const float *a = g->a + i * g->a_row, *b = g->b + j;
#pragma GCC unroll 24
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            sum[r][v] = g->start != NULL ? LOAD(g->start + (i + r) * g->start_row + j + v * LANES)
                                         : SPREAD(0.0f);
    for (int64_t k = 0; k < g->depth; k++, a += g->a_depth, b += g->b_stride) {
        FLOATS bk[VECTORS];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) bk[v] = LOAD(b + v * LANES);
#pragma GCC unroll 24
        for (int r = 0; r < rows; r++) {
            FLOATS ark = SPREAD(a[r * g->a_row]);
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++) sum[r][v] = MULTIPLY_ADD(ark, bk[v], sum[r][v]);
        }
    }
#pragma GCC unroll 24
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            STORE(g->c + (i + r) * g->c_stride + j + v * LANES,
                  g->rectify ? RECTIFY(sum[r][v]) : sum[r][v]);
}

/* Up to five rows that are left over. */
TARGET static inline __attribute__((always_inline)) void TILE(rest)(const struct gemm *g, int64_t i,
                                                                    int64_t j, const int vectors)
{
    switch (g->rows - i) {
    case 5:
        TILE(tile)(g, i, j, 5, vectors);
        break;
    case 4:
        TILE(tile)(g, i, j, 4, vectors);
        break;
    case 3:
        TILE(tile)(g, i, j, 3, vectors);
        break;
    case 2:
        TILE(tile)(g, i, j, 2, vectors);
        break;
    case 1:
        TILE(tile)(g, i, j, 1, vectors);
        break;
    default:
        break;
    }
}

/* All rows of a panel of columns: B's panel stays in the first cache. The fewer columns, the more
 * rows make a tile, so that it has sums enough under way. */
TARGET static inline __attribute__((always_inline)) void TILE(panel)(const struct gemm *g,
                                                                     int64_t j, const int vectors)
{
    const int tall = ROWS * (VECTORS / vectors);
    int64_t i = 0;
    for (; i + tall <= g->rows; i += tall) TILE(tile)(g, i, j, tall, vectors);
    for (; i + ROWS <= g->rows; i += ROWS) TILE(tile)(g, i, j, ROWS, vectors);
    TILE(rest)(g, i, j, vectors);
}

TARGET static void TILE(run)(const struct gemm *g)
{
    int64_t j = 0;
    for (; j + VECTORS * LANES <= g->columns; j += VECTORS * LANES) TILE(panel)(g, j, VECTORS);
    if (VECTORS > 2 && j + 2 * LANES <= g->columns) {
        TILE(panel)(g, j, 2);
        j += 2 * LANES;
    }
    for (; j < g->columns; j += LANES) TILE(panel)(g, j, 1);
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
#undef RECTIFY
