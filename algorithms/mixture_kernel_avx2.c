/* The mixture's loops for AVX2 with FMA: 8 rows by 4 columns in registers. */
#include "algorithms/mixture_kernel.h"

#if defined(__x86_64__)
#pragma GCC target("avx2,fma")

#include <immintrin.h>

#define WIDTH 4
#define VECTORS 2
#define TILE 4
#define SQUARE 3
#define RUN 4

typedef __m256d vec;
typedef uint64_t index_vec __attribute__((vector_size(32)));

#define vec_load(p) _mm256_load_pd(p)
#define vec_store(p, v) _mm256_store_pd((p), (v))
#define vec_fill(x) _mm256_set1_pd(x)
#define vec_multiply_add(a, b, c) _mm256_fmadd_pd((a), (b), (c))
#define vec_max(a, b) _mm256_max_pd((a), (b))
#define vec_at_least(a, b) _mm256_and_pd(_mm256_cmp_pd((a), (b), _CMP_GE_OQ), _mm256_set1_pd(1.0))
#define vec_keep_above(x, limit, v) _mm256_and_pd(_mm256_cmp_pd((x), (limit), _CMP_GT_OQ), (v))

#define PACK_PLAIN
#include "algorithms/mixture_kernel_body.h"

static const struct mixture_kernel kernel = {"avx2", TILE,   pack,    whiten,  distance,
                                             divide, square, moments, products};
const struct mixture_kernel *const mixture_kernel_avx2 = &kernel;
#else
const struct mixture_kernel *const mixture_kernel_avx2 = NULL;
#endif
