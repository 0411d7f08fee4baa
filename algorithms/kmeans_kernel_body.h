/**
 * The labelling loop of k-means over the words of one instruction set.
 *
 * Included once by each kmeans_kernel_<set>.c, which defines before: WIDTH (floats in a vector),
 * VECTORS (vectors of rows in a tile), CHUNK (centroids in a chunk), the types `vec` and
 * `index_vec`, and the inline functions vec_load(p), vec_fill(x), vec_less_product(score, x, c) =
 * score - x c with one rounding, index_load(p), vec_keep_least(score, centroid, best, label),
 * vec_store(p, v), index_store(p, v), transpose4(row, at, count, out): out[j * VECTORS * WIDTH +
 * lane] = row[lane][at + j] for count <= 4 columns, vec_min(a, b), vec_max(a, b), vec_sqrt(v);
 * `vec` has the operators of arithmetic. Defines assign() and judge().
 */
#define INLINE static inline __attribute__((always_inline))

enum { TILE = VECTORS * WIDTH };

/* Best score and its centroid for each row of a tile, so far. */
struct best {
    _Alignas(64) float score[TILE];
    _Alignas(64) int32_t label[TILE];
    _Alignas(64) float second[TILE]; /* score of the next best; of judge() alone, as the next */
    _Alignas(64) float square[TILE]; /* of the row's norm */
};

/* Lay out rows as tile[j][:], the last row repeated to fill `vectors` vectors. */
INLINE void pack(const float *x, const int32_t *index, int64_t rows, int64_t stride,
                 int64_t columns, int vectors, float *tile)
{
    for (int v = 0; v < vectors; v++) {
        const float *row[WIDTH];
        for (int64_t lane = 0; lane < WIDTH; lane++) {
            int64_t at = v * WIDTH + lane;
            at = at < rows ? at : rows - 1;
            row[lane] = x + (index != NULL ? index[at] : at) * stride;
        }
        int64_t j = 0;
        for (; j + 4 <= columns; j += 4) transpose4(row, j, 4, tile + j * TILE + v * WIDTH);
        if (j < columns) transpose4(row, j, (int)(columns - j), tile + j * TILE + v * WIDTH);
    }
}

/* Scores of `vectors` vectors of rows with `count` centroids, and the least kept in `best`, with
 * `next` the second least, too. These numbers are constants where this is inlined, so that
 * score[][] is registers. chunk [columns][count], half [count] */
INLINE void score_tile(const float *tile, int64_t columns, const float *chunk, const float *half,
                       int32_t first, struct best *best, const int vectors, const int count,
                       const bool next)
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
        vec second = next ? vec_load(best->second + v * WIDTH) : least;
#pragma GCC unroll 8
        for (int c = 0; c < count; c++) {
            if (next) second = vec_min(second, vec_max(score[v][c], least));
            vec_keep_least(score[v][c], first + c, &least, &label);
        }
        if (next) vec_store(best->second + v * WIDTH, second);
        vec_store(best->score + v * WIDTH, least);
        index_store(best->label + v * WIDTH, label);
    }
}

#define SCORE(v, c, next)                                                \
    case c:                                                              \
        score_tile(tile, columns, chunk, half, first, best, v, c, next); \
        break;
#define SCORE_CHUNK(name, v, next)                                                             \
    static void name##_##v(const float *tile, int64_t columns, const float *chunk,             \
                           const float *half, int32_t first, struct best *best, int64_t count) \
    {                                                                                          \
        switch (count) {                                                                       \
            SCORE(v, 1, next)                                                                  \
            SCORE(v, 2, next)                                                                  \
            SCORE(v, 3, next)                                                                  \
            SCORE(v, 4, next)                                                                  \
            SCORE_MORE(v, next)                                                                \
        }                                                                                      \
    }
#if CHUNK == 8
#define SCORE_MORE(v, next) SCORE(v, 5, next) SCORE(v, 6, next) SCORE(v, 7, next) SCORE(v, 8, next)
#elif CHUNK == 6
#define SCORE_MORE(v, next) SCORE(v, 5, next) SCORE(v, 6, next)
#else
#define SCORE_MORE(v, next)
#endif
SCORE_CHUNK(score, 1, false)
SCORE_CHUNK(score, 2, false)
SCORE_CHUNK(both, 1, true)
SCORE_CHUNK(both, 2, true)
#if VECTORS == 3
SCORE_CHUNK(score, 3, false)
SCORE_CHUNK(both, 3, true)
#else
#define score_3 score_2
#define both_3 both_2
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

typedef void (*score_chunk)(const float *tile, int64_t columns, const float *chunk,
                            const float *half, int32_t first, struct best *best, int64_t count);

/* The best centroids of up to TILE rows; with `next` the second score and the norm, too. */
INLINE void assign_tile(const struct kmeans_panels *panels, const float *x, const int32_t *index,
                        int64_t rows, int64_t stride, struct best *best, const bool next)
{
    int64_t k = panels->k, columns = panels->columns;
    int vectors = (int)((rows + WIDTH - 1) / WIDTH);
    score_chunk score = vectors == 1 ? score_1 : vectors == 2 ? score_2 : score_3;
    score_chunk both = vectors == 1 ? both_1 : vectors == 2 ? both_2 : both_3;
    pack(x, index, rows, stride, columns, vectors, panels->tile);
    for (int i = 0; i < TILE; i++) best->score[i] = INFINITY;
    for (int i = 0; i < TILE; i++) best->label[i] = 0;
    for (int i = 0; i < TILE && next; i++) best->second[i] = INFINITY;
    for (int64_t i = 0; i < panels->chunks; i++) {
        int64_t first = i * k / panels->chunks, count = (i + 1) * k / panels->chunks - first;
        const float *chunk = panels->chunk + first * columns, *half = panels->half + first;
        if (index == NULL) fetch_ahead(x, stride, i, panels->chunks);
        (next ? both : score)(panels->tile, columns, chunk, half, (int32_t)first, best, count);
    }
}

static void assign(const struct kmeans_panels *panels, const float *x, int64_t rows, int64_t stride,
                   int32_t *labels)
{
    struct best best;
    for (int64_t i = 0; i < rows; i += TILE) {
        int64_t count = rows - i < TILE ? rows - i : TILE;
        assign_tile(panels, x + i * stride, NULL, count, stride, &best, false);
        memcpy(labels + i, best.label, (size_t)count * sizeof *labels);
    }
}

/* best->square = the squared norm of each row of a tile */
INLINE void square_tile(const float *tile, int64_t columns, struct best *best)
{
    for (int v = 0; v < VECTORS; v++) {
        vec less = vec_fill(0);
        for (int64_t j = 0; j < columns; j++) {
            vec x = vec_load(tile + j * TILE + v * WIDTH);
            less = vec_less_product(less, x, x);
        }
        vec_store(best->square + v * WIDTH, vec_fill(0) - less);
    }
}

/* From scores to distances, every rounding on the safe side. A score errs by e at most, so that the
 * label is right while (d2 - d1) (d2 + d1) > 4 e. Both factors shrink alike as centroids move; the
 * product is at least 4 e as long as d2 - d1 shrinks to no less than h with h (h + 2 d1) = 4 e, of
 * which 4 e / sqrt(d1^2 + 4 e) is no less. Further d2 - d1 = 2 (s2 - s1) / (d2 + d1), and
 * d2 + d1 <= sqrt(2 (d2^2 + d1^2)). */
INLINE void gap_tile(const struct kmeans_panels *panels, struct best *best)
{
    const float reach = panels->reach, tiny = 1e-36f;
    vec error = vec_fill(panels->error), zero = vec_fill(0), two = vec_fill(2);
    for (int v = 0; v < VECTORS; v++) {
        vec s1 = vec_load(best->score + v * WIDTH), s2 = vec_load(best->second + v * WIDTH);
        vec square = vec_load(best->square + v * WIDTH);
        vec e = error * (vec_fill(reach * reach) + square / two) + vec_fill(tiny);
        vec loose = vec_fill(4) * e + error * square;
        vec near = vec_max(square + s1 + s1, zero), far = vec_max(square + s2 + s2, zero);
        vec both = vec_sqrt(two * (near + far) + vec_fill(4) * loose);
        vec least = vec_sqrt(vec_max(near - loose, zero) + vec_fill(4) * e);
        vec inverse = vec_fill(1) / (both * least);
        vec gap = vec_fill(1.9998f) * (s2 - s1 - e - e) * inverse * least;
        vec_store(best->second + v * WIDTH, gap - vec_fill(4.001f) * e * inverse * both);
    }
}

static void judge(const struct kmeans_panels *panels, const float *x, const int32_t *index,
                  int64_t rows, int64_t stride, int32_t *labels, float *gap)
{
    struct best best;
    for (int64_t i = 0; i < rows; i += TILE) {
        int64_t count = rows - i < TILE ? rows - i : TILE;
        if (index == NULL)
            assign_tile(panels, x + i * stride, NULL, count, stride, &best, true);
        else
            assign_tile(panels, x, index + i, count, stride, &best, true);
        square_tile(panels->tile, panels->columns, &best);
        gap_tile(panels, &best);
        memcpy(labels + i, best.label, (size_t)count * sizeof *labels);
        memcpy(gap + i, best.second, (size_t)count * sizeof *gap);
    }
}
