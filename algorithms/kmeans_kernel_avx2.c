/* The k-means loops for AVX2 with FMA: 16 rows by 6 centroids in registers. */
#include "algorithms/kmeans_kernel.h"

#if defined(__x86_64__)
#include "algorithms/target.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

TARGET_BEGIN("avx2,fma")

#define WIDTH 8
#define VECTORS 2
#define CHUNK 6

typedef __m256 vec;
typedef __m256i index_vec;

#define vec_load(p) _mm256_load_ps(p)
#define vec_store(p, v) _mm256_store_ps((p), (v))
#define vec_fill(x) _mm256_set1_ps(x)
#define vec_min(a, b) _mm256_min_ps((a), (b))
#define vec_max(a, b) _mm256_max_ps((a), (b))
#define vec_sqrt(v) _mm256_sqrt_ps(v)
#define vec_less_product(score, x, c) _mm256_fnmadd_ps((x), (c), (score))
#define index_load(p) _mm256_load_si256((const __m256i *)(p))
#define index_store(p, v) _mm256_store_si256((__m256i *)(p), (v))

static inline void vec_keep_least(vec score, int32_t centroid, vec *best, index_vec *label)
{
    vec less = _mm256_cmp_ps(score, *best, _CMP_LT_OQ);
    *best = _mm256_blendv_ps(*best, score, less);
    *label = _mm256_blendv_epi8(*label, _mm256_set1_epi32(centroid), _mm256_castps_si256(less));
}

/* The first `count` of four 32-bit lanes. */
static inline __m128i some_of_4(int64_t count)
{
    return _mm_cmpgt_epi32(_mm_set1_epi32((int)count), _mm_setr_epi32(0, 1, 2, 3));
}

/* Rows r and r + 4, `count` columns each, one row per 128-bit lane. */
static inline vec half_rows(const float *const *row, int64_t at, int count)
{
    __m128 low, high;
    if (count == 4) {
        low = _mm_loadu_ps(row[0] + at);
        high = _mm_loadu_ps(row[4] + at);
    } else {
        low = _mm_maskload_ps(row[0] + at, some_of_4(count));
        high = _mm_maskload_ps(row[4] + at, some_of_4(count));
    }
    return _mm256_insertf128_ps(_mm256_castps128_ps256(low), high, 1);
}

static inline void transpose4(const float *const *row, int64_t at, int count, float *out)
{
    vec r[4];
    for (int i = 0; i < 4; i++) r[i] = half_rows(row + i, at, count);
    __m256d low01 = _mm256_castps_pd(_mm256_unpacklo_ps(r[0], r[1]));
    __m256d low23 = _mm256_castps_pd(_mm256_unpacklo_ps(r[2], r[3]));
    __m256d high01 = _mm256_castps_pd(_mm256_unpackhi_ps(r[0], r[1]));
    __m256d high23 = _mm256_castps_pd(_mm256_unpackhi_ps(r[2], r[3]));
    const int64_t pitch = VECTORS * WIDTH;
    vec_store(out, _mm256_castpd_ps(_mm256_unpacklo_pd(low01, low23)));
    if (count > 1) vec_store(out + pitch, _mm256_castpd_ps(_mm256_unpackhi_pd(low01, low23)));
    if (count > 2) vec_store(out + 2 * pitch, _mm256_castpd_ps(_mm256_unpacklo_pd(high01, high23)));
    if (count > 3) vec_store(out + 3 * pitch, _mm256_castpd_ps(_mm256_unpackhi_pd(high01, high23)));
}

#include "algorithms/kmeans_kernel_body.h"

/* Four columns of a row go from one sum to another; from may be NULL. */
static inline void move4(__m128 x, const double *grid, double *from, double *to)
{
    __m256d unit = _mm256_load_pd(grid);
    __m256d q = _mm256_sub_pd(_mm256_add_pd(_mm256_cvtps_pd(x), unit), unit);
    _mm256_store_pd(to, _mm256_add_pd(_mm256_load_pd(to), q));
    if (from != NULL) _mm256_store_pd(from, _mm256_sub_pd(_mm256_load_pd(from), q));
}

static void move(const float *x, int64_t stride, int64_t columns, const double *grid,
                 const struct kmeans_move *moves, int64_t count, double *sums)
{
    int64_t pitch = kmeans_pitch(columns);
    for (int64_t i = 0; i < count; i++) {
        const float *row = x + moves[i].row * stride;
        double *to = sums + moves[i].to * pitch;
        double *from = moves[i].from >= 0 ? sums + moves[i].from * pitch : NULL;
        for (int64_t j = 0; j < columns; j += 4) {
            __m128 four = columns - j >= 4 ? _mm_loadu_ps(row + j)
                                           : _mm_maskload_ps(row + j, some_of_4(columns - j));
            move4(four, grid + j, from != NULL ? from + j : NULL, to + j);
        }
    }
}

/* (row - centroid)^2 for four columns from j on, 0 past the last. */
static inline __m256d square4(const float *row, const double *centroid, int64_t j, int64_t columns)
{
    if (j >= columns) return _mm256_setzero_pd();
    __m128i some = some_of_4(columns - j);
    __m256d value = _mm256_cvtps_pd(_mm_maskload_ps(row + j, some));
    __m256d mean = _mm256_maskload_pd(centroid + j, _mm256_cvtepi32_epi64(some));
    __m256d off = _mm256_sub_pd(value, mean);
    return _mm256_mul_pd(off, off);
}

static void squares(const float *x, int64_t rows, int64_t stride, int64_t columns,
                    const int32_t *labels, const double *centroids, double *out)
{
    for (int64_t i = 0; i < rows; i++) {
        const float *row = x + i * stride;
        const double *centroid = labels != NULL ? centroids + labels[i] * columns : centroids;
        __m256d low = _mm256_setzero_pd(), high = _mm256_setzero_pd(); /* lanes 0-3 and 4-7 */
        for (int64_t j = 0; j < columns; j += 8) {
            low = _mm256_add_pd(low, square4(row, centroid, j, columns));
            high = _mm256_add_pd(high, square4(row, centroid, j + 4, columns));
        }
        __m256d four = _mm256_add_pd(low, high);
        __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
        out[i] = _mm_cvtsd_f64(two) + _mm_cvtsd_f64(_mm_unpackhi_pd(two, two));
    }
}

TARGET_END

static const struct kmeans_kernel kernel = {"avx2", TILE, CHUNK, assign, judge, move, squares};
const struct kmeans_kernel *const kmeans_kernel_avx2 = &kernel;
#else
const struct kmeans_kernel *const kmeans_kernel_avx2 = NULL;
#endif
