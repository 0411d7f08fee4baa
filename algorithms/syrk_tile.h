/**
 * A tile of the square in registers, for one instruction set; included by syrk.c once for each,
 * with these macros defined: TILE(name) a name of this set, TARGET its attribute, DOUBLES a vector
 * type of LANES doubles, ROWS x VECTORS the tile (both divide a strip), LOAD, STORE, SPREAD (one
 * double to all lanes) and MULTIPLY_ADD(a, b, c).
 */

/* c[ROWS][VECTORS * LANES] += sum over rows of a[row][0 .. ROWS)' b[row][0 .. VECTORS * LANES) */
TARGET static inline void TILE(tile)(const double *a, const double *b, int64_t rows, double *c,
                                     int64_t stride)
{
    DOUBLES sum[ROWS][VECTORS];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 8
        for (int v = 0; v < VECTORS; v++) sum[r][v] = LOAD(c + r * stride + v * LANES);
    for (int64_t k = 0; k < rows; k++, a += SYRK_STRIP, b += SYRK_STRIP) {
        DOUBLES bk[VECTORS];
#pragma GCC unroll 8
        for (int v = 0; v < VECTORS; v++) bk[v] = LOAD(b + v * LANES);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            DOUBLES ark = SPREAD(a[r]);
#pragma GCC unroll 8
            for (int v = 0; v < VECTORS; v++) sum[r][v] = MULTIPLY_ADD(ark, bk[v], sum[r][v]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 8
        for (int v = 0; v < VECTORS; v++) STORE(c + r * stride + v * LANES, sum[r][v]);
}

/* All tiles of one pair of strips. */
TARGET static void TILE(pair)(const double *a, const double *b, int64_t rows, double *c,
                              int64_t stride)
{
    for (int j = 0; j < SYRK_STRIP; j += VECTORS * LANES)
        for (int i = 0; i < SYRK_STRIP; i += ROWS)
            TILE(tile)(a + i, b + j, rows, c + i * stride + j, stride);
}

#undef TILE
#undef TARGET
#undef DOUBLES
#undef LANES
#undef ROWS
#undef VECTORS
#undef LOAD
#undef STORE
#undef SPREAD
#undef MULTIPLY_ADD
