/* Conjugate gradients for three vector widths, and the choice between them. */
#include "algorithms/als_kernel.h"

#include "algorithms/vector.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

typedef float quad __attribute__((vector_size(16)));
typedef int32_t quad_index __attribute__((vector_size(16)));

static inline quad quad_load(const float *p)
{
    quad x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline void quad_store(float *p, quad x)
{
    memcpy(p, &x, sizeof x);
}

/* What later steps may gain, if each shrinks r' M^-1 r, `left`, in the ratio that the last one did,
 * whose length was step: it gained step times what `left` was before. */
static inline double gain_left(float left, float step, float ratio)
{
    double sum = ratio < 1.0f ? (double)step / (1.0 - (double)ratio) : 1.0;
    return (double)left * fmin(sum, 1.0);
}

#if defined(__x86_64__)
#include <immintrin.h>

#define NEAREST (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)

#define KERNEL(name) avx512_##name
#define TARGET __attribute__((target("avx512f")))
#define FLOATS __m512
#define LANES 16
#define DOTS 8
#define LOAD(p) _mm512_loadu_ps(p)
#define STORE(p, x) _mm512_storeu_ps((p), (x))
#define SPREAD(x) _mm512_set1_ps(x)
#define MULTIPLY_ADD(a, b, c) _mm512_fmadd_ps((a), (b), (c))
#define ADD(a, b) _mm512_add_ps((a), (b))
#define MULTIPLY(a, b) _mm512_mul_ps((a), (b))
#define FOLD(s) avx512_fold((s)[0])
#define SUM_ROWS(s, out) avx512_sum_rows((s), (out))
#define WIDEN(p) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i_u *)(p)))
#define NARROW(p, x) _mm256_storeu_si256((__m256i_u *)(p), _mm512_cvtps_ph((x), NEAREST))

TARGET static inline __attribute__((always_inline)) quad avx512_fold(__m512 s)
{
    __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(s), 1));
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(s), high);
    return (quad)_mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}

/* As FOLD and sum_four do it, eight sums at a time. */
TARGET static inline __attribute__((always_inline)) void avx512_sum_rows(const __m512 s[8][1],
                                                                         float out[8])
{
    const __m512i order = _mm512_setr_epi32(0, 1, 8, 9, 4, 5, 12, 13, 0, 0, 0, 0, 0, 0, 0, 0);
    __m512 half[4], part[2];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) /* low half: sum i; high half: sum i + 4 */
        half[i] = _mm512_add_ps(_mm512_shuffle_f32x4(s[i][0], s[i + 4][0], 0x44),
                                _mm512_shuffle_f32x4(s[i][0], s[i + 4][0], 0xee));
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) /* quarters: sums i, i + 4, i + 2, i + 6 */
        part[i] = _mm512_add_ps(_mm512_shuffle_f32x4(half[i], half[i + 2], 0x88),
                                _mm512_shuffle_f32x4(half[i], half[i + 2], 0xdd));
    __m512 even =
        _mm512_add_ps(_mm512_unpacklo_ps(part[0], part[1]), _mm512_unpackhi_ps(part[0], part[1]));
    __m512 all = _mm512_add_ps(even, _mm512_permute_ps(even, 0x4e));
    _mm256_storeu_ps(out, _mm512_castps512_ps256(_mm512_permutexvar_ps(order, all)));
}
#include "algorithms/als_kernel_body.h"

#define KERNEL(name) avx2_##name
#define TARGET __attribute__((target("avx2,fma,f16c")))
#define FLOATS __m256
#define LANES 8
#define DOTS 4
#define LOAD(p) _mm256_loadu_ps(p)
#define STORE(p, x) _mm256_storeu_ps((p), (x))
#define SPREAD(x) _mm256_set1_ps(x)
#define MULTIPLY_ADD(a, b, c) _mm256_fmadd_ps((a), (b), (c))
#define ADD(a, b) _mm256_add_ps((a), (b))
#define MULTIPLY(a, b) _mm256_mul_ps((a), (b))
#define FOLD(s) avx2_fold((s)[0], (s)[1])
#define WIDEN(p) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i_u *)(p)))
#define NARROW(p, x) _mm_storeu_si128((__m128i_u *)(p), _mm256_cvtps_ph((x), NEAREST))

TARGET static inline __attribute__((always_inline)) quad avx2_fold(__m256 low, __m256 high)
{
    __m256 eight = _mm256_add_ps(low, high);
    return (quad)_mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}
#include "algorithms/als_kernel_body.h"
#endif

#define KERNEL(name) plain_##name
#define TARGET
#define FLOATS quad
#define LANES 4
#define DOTS 4
#define LOAD(p) quad_load(p)
#define STORE(p, x) quad_store((p), (x))
#define SPREAD(x) plain_spread(x)
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#define ADD(a, b) ((a) + (b))
#define MULTIPLY(a, b) ((a) * (b))
#define FOLD(s) (((s)[0] + (s)[2]) + ((s)[1] + (s)[3]))
#define WIDEN(p) plain_load_halves(p)
#define NARROW(p, x) plain_store_halves((p), (x))

static inline quad plain_spread(float x)
{
    return (quad){x, x, x, x};
}

static inline quad plain_load_halves(const als_half *p)
{
    return (quad){(float)p[0], (float)p[1], (float)p[2], (float)p[3]};
}

static inline void plain_store_halves(als_half *p, quad x)
{
    for (int i = 0; i < 4; i++) p[i] = (als_half)x[i];
}
#include "algorithms/als_kernel_body.h"

/* ---- the choice ---- */

struct kernels {
    int64_t (*conjugate)(const struct als_problem *problem);
    void (*spread)(const struct als_problem *problem, float *out);
    void (*gather)(const struct als_gathering *gathering);
    void (*narrow)(const float *from, int64_t count, als_half *to);
};

static const struct kernels *choose(void)
{
    static const struct kernels plain = {plain_conjugate, plain_spread_rows, plain_gather,
                                         plain_narrow};
#if defined(__x86_64__)
    static const struct kernels avx512 = {avx512_conjugate, avx512_spread_rows, avx512_gather,
                                          avx512_narrow};
    static const struct kernels avx2 = {avx2_conjugate, avx2_spread_rows, avx2_gather, avx2_narrow};
    if (__builtin_cpu_supports("avx512f")) return &avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("f16c"))
        return &avx2;
#endif
    return &plain;
}

int64_t als_conjugate(const struct als_problem *problem)
{
    return choose()->conjugate(problem);
}

void als_spread(const struct als_problem *problem, float *out)
{
    choose()->spread(problem, out);
}

void als_gather(const struct als_gathering *gathering)
{
    choose()->gather(gathering);
}

void als_narrow(const float *from, int64_t count, als_half *to)
{
    choose()->narrow(from, count, to);
}
