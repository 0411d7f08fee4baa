/* The k-means loops for AVX-512: 48 rows by 8 centroids in registers. */
#include "algorithms/kmeans_kernel.h"

#if defined(__x86_64__)
#include "algorithms/target.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

TARGET_BEGIN("avx512f,avx512vl,avx512dq,avx2,fma")

#define WIDTH 16
#define VECTORS 3
#define CHUNK 8

typedef __m512 vec;
typedef __m512i index_vec;

#define vec_load(p) _mm512_load_ps(p)
#define vec_store(p, v) _mm512_store_ps((p), (v))
#define vec_fill(x) _mm512_set1_ps(x)
#define vec_min(a, b) _mm512_min_ps((a), (b))
#define vec_max(a, b) _mm512_max_ps((a), (b))
#define vec_sqrt(v) _mm512_sqrt_ps(v)
#define vec_less_product(score, x, c) _mm512_fnmadd_ps((x), (c), (score))
#define index_load(p) _mm512_load_si512(p)
#define index_store(p, v) _mm512_store_si512((p), (v))

static inline void vec_keep_least(vec score, int32_t centroid, vec *best, index_vec *label)
{
    __mmask16 less = _mm512_cmp_ps_mask(score, *best, _CMP_LT_OQ);
    *best = _mm512_mask_mov_ps(*best, less, score);
    *label = _mm512_mask_mov_epi32(*label, less, _mm512_set1_epi32(centroid));
}

/* Rows r, r + 4, r + 8 and r + 12, `count` columns each, one row per 128-bit lane. */
static inline vec quarter_rows(const float *const *row, int64_t at, int count)
{
    __mmask8 some = (__mmask8)((1 << count) - 1);
    vec v = _mm512_castps128_ps512(_mm_maskz_loadu_ps(some, row[0] + at));
    v = _mm512_insertf32x4(v, _mm_maskz_loadu_ps(some, row[4] + at), 1);
    v = _mm512_insertf32x4(v, _mm_maskz_loadu_ps(some, row[8] + at), 2);
    return _mm512_insertf32x4(v, _mm_maskz_loadu_ps(some, row[12] + at), 3);
}

static inline vec quarter_rows4(const float *const *row, int64_t at)
{
    vec v = _mm512_castps128_ps512(_mm_loadu_ps(row[0] + at));
    v = _mm512_insertf32x4(v, _mm_loadu_ps(row[4] + at), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(row[8] + at), 2);
    return _mm512_insertf32x4(v, _mm_loadu_ps(row[12] + at), 3);
}

static inline void transpose4(const float *const *row, int64_t at, int count, float *out)
{
    vec r[4];
    for (int i = 0; i < 4; i++)
        r[i] = count == 4 ? quarter_rows4(row + i, at) : quarter_rows(row + i, at, count);
    __m512d low01 = _mm512_castps_pd(_mm512_unpacklo_ps(r[0], r[1]));
    __m512d low23 = _mm512_castps_pd(_mm512_unpacklo_ps(r[2], r[3]));
    __m512d high01 = _mm512_castps_pd(_mm512_unpackhi_ps(r[0], r[1]));
    __m512d high23 = _mm512_castps_pd(_mm512_unpackhi_ps(r[2], r[3]));
    const int64_t pitch = VECTORS * WIDTH;
    vec_store(out, _mm512_castpd_ps(_mm512_unpacklo_pd(low01, low23)));
    if (count > 1) vec_store(out + pitch, _mm512_castpd_ps(_mm512_unpackhi_pd(low01, low23)));
    if (count > 2) vec_store(out + 2 * pitch, _mm512_castpd_ps(_mm512_unpacklo_pd(high01, high23)));
    if (count > 3) vec_store(out + 3 * pitch, _mm512_castpd_ps(_mm512_unpackhi_pd(high01, high23)));
}

#include "algorithms/kmeans_kernel_body.h"

static inline __mmask8 left(int64_t columns)
{
    return (__mmask8)(columns >= 8 ? 0xff : (1 << columns) - 1);
}

/* Eight columns of a row go from one sum to another; from may be NULL. */
static inline void move8(__m256 x, const double *grid, double *from, double *to)
{
    __m512d unit = _mm512_load_pd(grid);
    __m512d q = _mm512_sub_pd(_mm512_add_pd(_mm512_cvtps_pd(x), unit), unit);
    _mm512_store_pd(to, _mm512_add_pd(_mm512_load_pd(to), q));
    if (from != NULL) _mm512_store_pd(from, _mm512_sub_pd(_mm512_load_pd(from), q));
}

static void move(const float *x, int64_t stride, int64_t columns, const double *grid,
                 const struct kmeans_move *moves, int64_t count, double *sums)
{
    int64_t pitch = kmeans_pitch(columns), whole = columns / 8 * 8;
    __mmask8 some = left(columns - whole);
    for (int64_t i = 0; i < count; i++) {
        const float *row = x + moves[i].row * stride;
        double *to = sums + moves[i].to * pitch;
        double *from = moves[i].from >= 0 ? sums + moves[i].from * pitch : NULL;
        for (int64_t j = 0; j < columns; j += 8) {
            __m256 eight =
                j < whole ? _mm256_loadu_ps(row + j) : _mm256_maskz_loadu_ps(some, row + j);
            move8(eight, grid + j, from != NULL ? from + j : NULL, to + j);
        }
    }
}

static inline double add_lanes(__m512d lanes)
{
    __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(lanes), _mm512_extractf64x4_pd(lanes, 1));
    __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(two) + _mm_cvtsd_f64(_mm_unpackhi_pd(two, two));
}

static void squares(const float *x, int64_t rows, int64_t stride, int64_t columns,
                    const int32_t *labels, const double *centroids, double *out)
{
    for (int64_t i = 0; i < rows; i++) {
        const float *row = x + i * stride;
        const double *centroid = labels != NULL ? centroids + labels[i] * columns : centroids;
        __m512d lanes = _mm512_setzero_pd();
        for (int64_t j = 0; j < columns; j += 8) {
            __mmask8 some = left(columns - j);
            __m512d value = _mm512_cvtps_pd(_mm256_maskz_loadu_ps(some, row + j));
            __m512d off = _mm512_sub_pd(value, _mm512_maskz_loadu_pd(some, centroid + j));
            lanes = _mm512_add_pd(lanes, _mm512_mul_pd(off, off));
        }
        out[i] = add_lanes(lanes);
    }
}

TARGET_END

static const struct kmeans_kernel kernel = {"avx512", TILE, CHUNK, assign, judge, move, squares};
const struct kmeans_kernel *const kmeans_kernel_avx512 = &kernel;
#else
const struct kmeans_kernel *const kmeans_kernel_avx512 = NULL;
#endif
