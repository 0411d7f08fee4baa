/* Register tiles for three vector widths, and the choice between them. */
#include "algorithms/gemm.h"

#include "algorithms/gemm_bf16.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define TILE(name) avx512_##name
#define TARGET __attribute__((target("avx512f")))
#define FLOATS __m512
#define LANES 16
#define ROWS 6
#define VECTORS 4
#define LOAD(p) _mm512_loadu_ps(p)
#define STORE(p, x) _mm512_storeu_ps((p), (x))
#define SPREAD(x) _mm512_set1_ps(x)
#define MULTIPLY_ADD(a, b, c) _mm512_fmadd_ps((a), (b), (c))
#define RECTIFY(x) _mm512_max_ps(_mm512_setzero_ps(), (x)) /* the second one if either is NaN */
#include "algorithms/gemm_tile.h"

#define TILE(name) avx2_##name
#define TARGET __attribute__((target("avx2,fma")))
#define FLOATS __m256
#define LANES 8
#define ROWS 6
#define VECTORS 2
#define LOAD(p) _mm256_loadu_ps(p)
#define STORE(p, x) _mm256_storeu_ps((p), (x))
#define SPREAD(x) _mm256_set1_ps(x)
#define MULTIPLY_ADD(a, b, c) _mm256_fmadd_ps((a), (b), (c))
#define RECTIFY(x) _mm256_max_ps(_mm256_setzero_ps(), (x))
#include "algorithms/gemm_tile.h"
#endif

typedef float quad __attribute__((vector_size(16)));

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

static inline quad quad_spread(float x)
{
    return (quad){x, x, x, x};
}

static inline quad quad_rectify(quad x)
{
    for (int i = 0; i < 4; i++) x[i] = x[i] < 0.0f ? 0.0f : x[i];
    return x;
}

#define TILE(name) plain_##name
#define TARGET
#define FLOATS quad
#define LANES 4
#define ROWS 6
#define VECTORS 2
#define LOAD(p) quad_load(p)
#define STORE(p, x) quad_store((p), (x))
#define SPREAD(x) quad_spread(x)
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#define RECTIFY(x) quad_rectify(x)
#include "algorithms/gemm_tile.h"

void gemm_run(const struct gemm *product)
{
    if (product->precision != GEMM_FLOAT32) {
        gemm_bf16_run(product);
        return;
    }
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        avx512_run(product);
        return;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        avx2_run(product);
        return;
    }
#endif
    plain_run(product);
}
