/**
 * The labelling loop of k-means over the words of one instruction set.
 *
 * Included once by each kmeans_kernel_<set>.c, which defines before: WIDTH (floats in a vector),
 * VECTORS (vectors of rows in a tile), CHUNK (centroids in a chunk), the types `vec` and
 * `index_vec`, and the inline functions vec_load(p), vec_fill(x), vec_less_product(score, x, c) =
 * score - x c with one rounding, index_load(p), vec_keep_least(score, centroid, best, label),
 * vec_store(p, v), index_store(p, v), transpose4(row, at, count, out): out[j * VECTORS * WIDTH +
 * lane] = row[lane][at + j] for count <= 4 columns. Defines assign().
 */
#define INLINE static inline __attribute__((always_inline))

enum { TILE = VECTORS * WIDTH };

/* Best score and its centroid for each row of a tile, so far. */
struct best {
    _Alignas(64) float score[TILE];
    _Alignas(64) int32_t label[TILE];
};

/* Lay out rows as tile[j][:], the last row repeated to fill `vectors` vectors. */
INLINE void pack(const float *x, int64_t rows, int64_t stride, int64_t columns, int vectors,
                 float *tile)
{
    for (int v = 0; v < vectors; v++) {
        const float *row[WIDTH];
        for (int64_t lane = 0; lane < WIDTH; lane++) {
            int64_t at = v * WIDTH + lane;
            row[lane] = x + (at < rows ? at : rows - 1) * stride;
        }
        int64_t j = 0;
        for (; j + 4 <= columns; j += 4) transpose4(row, j, 4, tile + j * TILE + v * WIDTH);
        if (j < columns) transpose4(row, j, (int)(columns - j), tile + j * TILE + v * WIDTH);
    }
}

/* Scores of `vectors` vectors of rows with `count` centroids, and the least kept in `best`. Both
 * numbers are constants where this is inlined, so that score[][] is registers. chunk
 * [columns][count], half [count] */
INLINE void score_tile(const float *tile, int64_t columns, const float *chunk, const float *half,
                       int32_t first, struct best *best, const int vectors, const int count)
{
    vec score[VECTORS][CHUNK];
#pragma GCC unroll 8
    for (int c = 0; c < count; c++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) score[v][c] = vec_fill(half[c]);
    for (int64_t j = 0; j < columns; j++) {
        vec x[VECTORS];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) x[v] = vec_load(tile + j * TILE + v * WIDTH);
#pragma GCC unroll 8
        for (int c = 0; c < count; c++) {
            vec centroid = vec_fill(chunk[j * count + c]);
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                score[v][c] = vec_less_product(score[v][c], x[v], centroid);
        }
    }
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) {
        vec least = vec_load(best->score + v * WIDTH);
        index_vec label = index_load(best->label + v * WIDTH);
#pragma GCC unroll 8
        for (int c = 0; c < count; c++) vec_keep_least(score[v][c], first + c, &least, &label);
        vec_store(best->score + v * WIDTH, least);
        index_store(best->label + v * WIDTH, label);
    }
}

#define SCORE(v, c)                                                \
    case c:                                                        \
        score_tile(tile, columns, chunk, half, first, best, v, c); \
        break;
#define SCORE_CHUNK(v)                                                                        \
    static void score_##v(const float *tile, int64_t columns, const float *chunk,             \
                          const float *half, int32_t first, struct best *best, int64_t count) \
    {                                                                                         \
        switch (count) {                                                                      \
            SCORE(v, 1) SCORE(v, 2) SCORE(v, 3) SCORE(v, 4) SCORE_MORE(v)                     \
        }                                                                                     \
    }
#if CHUNK == 8
#define SCORE_MORE(v) SCORE(v, 5) SCORE(v, 6) SCORE(v, 7) SCORE(v, 8)
#elif CHUNK == 6
#define SCORE_MORE(v) SCORE(v, 5) SCORE(v, 6)
#else
#define SCORE_MORE(v)
#endif
SCORE_CHUNK(1)
SCORE_CHUNK(2)
#if VECTORS == 3
SCORE_CHUNK(3)
#else
#define score_3 score_2
#endif

/* Ask for part `at` of `parts` of the tile after the next. The rows are read once per iteration and
 * in an order that the processor does not foresee; asked for while scores are computed, they cost
 * nothing. Past the last row it is a hint without effect. */
INLINE void fetch_ahead(const float *x, int64_t stride, int64_t at, int64_t parts)
{
    const int64_t line = 64, lines = TILE * stride * (int64_t)sizeof *x / line;
    uintptr_t next = (uintptr_t)x + (uintptr_t)(2 * lines * line);
    for (int64_t i = at * lines / parts; i < (at + 1) * lines / parts; i++)
        __builtin_prefetch((const void *)(next + (uintptr_t)(i * line)), 0, 3);
}

/* Labels of up to TILE rows. */
static void assign_tile(const struct kmeans_panels *panels, const float *x, int64_t rows,
                        int64_t stride, struct best *best)
{
    int64_t k = panels->k, columns = panels->columns;
    int vectors = (int)((rows + WIDTH - 1) / WIDTH);
    pack(x, rows, stride, columns, vectors, panels->tile);
    for (int i = 0; i < TILE; i++) best->score[i] = INFINITY;
    for (int i = 0; i < TILE; i++) best->label[i] = 0;
    for (int64_t i = 0; i < panels->chunks; i++) {
        int64_t first = i * k / panels->chunks, count = (i + 1) * k / panels->chunks - first;
        const float *chunk = panels->chunk + first * columns, *half = panels->half + first;
        fetch_ahead(x, stride, i, panels->chunks);
        if (vectors == 1)
            score_1(panels->tile, columns, chunk, half, (int32_t)first, best, count);
        else if (vectors == 2)
            score_2(panels->tile, columns, chunk, half, (int32_t)first, best, count);
        else
            score_3(panels->tile, columns, chunk, half, (int32_t)first, best, count);
    }
}

static void assign(const struct kmeans_panels *panels, const float *x, int64_t rows, int64_t stride,
                   int32_t *labels)
{
    struct best best;
    for (int64_t i = 0; i < rows; i += TILE) {
        int64_t count = rows - i < TILE ? rows - i : TILE;
        assign_tile(panels, x + i * stride, count, stride, &best);
        memcpy(labels + i, best.label, (size_t)count * sizeof *labels);
    }
}
