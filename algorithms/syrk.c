/* Register tiles for three vector widths, and the choice between them. */
#include "algorithms/syrk.h"

#include <string.h>

typedef void pair_function(const double *a, const double *b, int64_t rows, double *c,
                           int64_t stride);

#if defined(__x86_64__)
#include <immintrin.h>

#define TILE(name) avx512_##name
#define TARGET __attribute__((target("avx512f")))
#define DOUBLES __m512d
#define LANES 8
#define ROWS 8
#define VECTORS 3
#define LOAD(p) _mm512_loadu_pd(p)
#define STORE(p, x) _mm512_storeu_pd((p), (x))
#define SPREAD(x) _mm512_set1_pd(x)
#define MULTIPLY_ADD(a, b, c) _mm512_fmadd_pd((a), (b), (c))
#include "algorithms/syrk_tile.h"

#define TILE(name) avx2_##name
#define TARGET __attribute__((target("avx2,fma")))
#define DOUBLES __m256d
#define LANES 4
#define ROWS 4
#define VECTORS 3
#define LOAD(p) _mm256_loadu_pd(p)
#define STORE(p, x) _mm256_storeu_pd((p), (x))
#define SPREAD(x) _mm256_set1_pd(x)
#define MULTIPLY_ADD(a, b, c) _mm256_fmadd_pd((a), (b), (c))
#include "algorithms/syrk_tile.h"
#endif

typedef double couple __attribute__((vector_size(16)));

static inline couple couple_load(const double *p)
{
    couple x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline couple couple_spread(double x)
{
    return (couple){x, x};
}

#define TILE(name) plain_##name
#define TARGET
#define DOUBLES couple
#define LANES 2
#define ROWS 4
#define VECTORS 2
#define LOAD(p) couple_load(p)
#define STORE(p, x) memcpy((p), &(x), sizeof(couple))
#define SPREAD(x) couple_spread(x)
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#include "algorithms/syrk_tile.h"

static pair_function *choose(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return avx512_pair;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2_pair;
#endif
    return plain_pair;
}

void syrk_add(const double *panel, int64_t strips, int64_t rows, int64_t strip_rows, double *square)
{
    pair_function *pair = choose();
    int64_t stride = strips * SYRK_STRIP, strip = strip_rows * SYRK_STRIP;
    for (int64_t j = 0; j < strips; j++)
        for (int64_t i = 0; i <= j; i++)
            pair(panel + i * strip, panel + j * strip, rows, square + (i * stride + j) * SYRK_STRIP,
                 stride);
}
