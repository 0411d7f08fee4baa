/* The mixture's loops for AVX-512: 32 rows by 6 columns in registers. */
#include "algorithms/mixture_kernel.h"

#if defined(__x86_64__)
#pragma GCC target("avx512f,avx512vl,avx512dq,avx2,fma")

#include <immintrin.h>

#define WIDTH 8
#define VECTORS 4
#define TILE 6
#define SQUARE 4
#define RUN 8

typedef __m512d vec;
typedef uint64_t index_vec __attribute__((vector_size(64)));

#define vec_load(p) _mm512_load_pd(p)
#define vec_store(p, v) _mm512_store_pd((p), (v))
#define vec_fill(x) _mm512_set1_pd(x)
#define vec_multiply_add(a, b, c) _mm512_fmadd_pd((a), (b), (c))
#define vec_max(a, b) _mm512_max_pd((a), (b))
#define vec_at_least(a, b) \
    _mm512_maskz_mov_pd(_mm512_cmp_pd_mask((a), (b), _CMP_GE_OQ), _mm512_set1_pd(1.0))
#define vec_keep_above(x, limit, v) \
    _mm512_maskz_mov_pd(_mm512_cmp_pd_mask((x), (limit), _CMP_GT_OQ), (v))

#include "algorithms/mixture_kernel_body.h"

/* Columns j .. j + 7 of a row, those in `some`; the rest 0. */
ALWAYS vec load_cells(const struct mixture_rows *x, int64_t row, int64_t j, __mmask8 some)
{
    if (x->single != NULL)
        return _mm512_cvtps_pd(_mm256_maskz_loadu_ps(some, x->single + row * x->stride + j));
    return _mm512_maskz_loadu_pd(some, x->full + row * x->columns + j);
}

/* column[j] = element j of row[0] .. row[7] */
ALWAYS void transpose(const vec row[8], vec column[8])
{
    vec pair[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i += 2) {
        pair[i] = _mm512_unpacklo_pd(row[i], row[i + 1]);
        pair[i + 1] = _mm512_unpackhi_pd(row[i], row[i + 1]);
    }
#pragma GCC unroll 8
    for (int odd = 0; odd < 2; odd++) {
        vec a = _mm512_shuffle_f64x2(pair[odd], pair[2 + odd], 0x88);
        vec b = _mm512_shuffle_f64x2(pair[odd], pair[2 + odd], 0xdd);
        vec c = _mm512_shuffle_f64x2(pair[4 + odd], pair[6 + odd], 0x88);
        vec d = _mm512_shuffle_f64x2(pair[4 + odd], pair[6 + odd], 0xdd);
        column[odd] = _mm512_shuffle_f64x2(a, c, 0x88);
        column[2 + odd] = _mm512_shuffle_f64x2(b, d, 0x88);
        column[4 + odd] = _mm512_shuffle_f64x2(a, c, 0xdd);
        column[6 + odd] = _mm512_shuffle_f64x2(b, d, 0xdd);
    }
}

static void pack(const struct mixture_rows *x, int64_t first, int64_t rows, const double *centre,
                 const double *inverse, int64_t pitch, double *out)
{
    int64_t whole = rows / 8 * 8, columns = x->columns;
    for (int64_t j = 0; j < columns; j += 8) {
        int64_t wide = columns - j < 8 ? columns - j : 8;
        __mmask8 some = (__mmask8)((1u << wide) - 1u);
        vec less = _mm512_maskz_loadu_pd(some, centre + j);
        vec times = _mm512_maskz_loadu_pd(some, inverse + j);
        for (int64_t r = 0; r < whole; r += 8) {
            vec row[8], column[8];
#pragma GCC unroll 8
            for (int i = 0; i < 8; i++)
                row[i] = (load_cells(x, first + r + i, j, some) - less) * times;
            transpose(row, column);
#pragma GCC unroll 8
            for (int i = 0; i < 8; i++)
                if (i < wide) vec_store(out + (j + i) * pitch + r, column[i]);
        }
    }
    if (whole < pitch) pack_rest(x, first, whole, rows, centre, inverse, pitch, out);
}

static const struct mixture_kernel kernel = {"avx512", TILE,   pack,    whiten,  distance,
                                             divide,   square, moments, products};
const struct mixture_kernel *const mixture_kernel_avx512 = &kernel;
#else
const struct mixture_kernel *const mixture_kernel_avx512 = NULL;
#endif
