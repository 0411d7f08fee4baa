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

#if defined(__x86_64__)
#include <immintrin.h>

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

TARGET static inline __attribute__((always_inline)) quad avx512_fold(__m512 s)
{
    __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(s), 1));
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(s), high);
    return (quad)_mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}
#include "algorithms/als_kernel_body.h"

#define KERNEL(name) avx2_##name
#define TARGET __attribute__((target("avx2,fma")))
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

static inline quad plain_spread(float x)
{
    return (quad){x, x, x, x};
}
#include "algorithms/als_kernel_body.h"

/* ---- the choice ---- */

struct kernels {
    int64_t (*conjugate)(const struct als_problem *problem);
    void (*spread)(const struct als_problem *problem, float *out);
    void (*gather)(const struct als_gathering *gathering);
};

static const struct kernels *choose(void)
{
    static const struct kernels plain = {plain_conjugate, plain_spread_rows, plain_gather};
#if defined(__x86_64__)
    static const struct kernels avx512 = {avx512_conjugate, avx512_spread_rows, avx512_gather};
    static const struct kernels avx2 = {avx2_conjugate, avx2_spread_rows, avx2_gather};
    if (__builtin_cpu_supports("avx512f")) return &avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &avx2;
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
