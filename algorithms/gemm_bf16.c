/* Blocks of A and B rounded and put together; tiles of them on vector units. */
#include "algorithms/gemm_bf16.h"

#include "algorithms/gemm_bf16_block.h"
#include "algorithms/vector.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define TILE(name) avx512_##name
#define TARGET __attribute__((target("avx512f")))
#define FLOATS __m512
#define LANES 16
#define ROWS 12
#define VECTORS 1
#define LOAD(p) _mm512_loadu_ps(p)
#define STORE(p, x) _mm512_storeu_ps((p), (x))
#define SPREAD(x) _mm512_set1_ps(x)
#define MULTIPLY_ADD(a, b, c) _mm512_fmadd_ps((a), (b), (c))
#define ADD(a, b) _mm512_add_ps((a), (b))
#include "algorithms/gemm_bf16_tile.h"

#define TILE(name) avx2_##name
#define TARGET __attribute__((target("avx2,fma")))
#define FLOATS __m256
#define LANES 8
#define ROWS 2
#define VECTORS 2
#define LOAD(p) _mm256_loadu_ps(p)
#define STORE(p, x) _mm256_storeu_ps((p), (x))
#define SPREAD(x) _mm256_set1_ps(x)
#define MULTIPLY_ADD(a, b, c) _mm256_fmadd_ps((a), (b), (c))
#define ADD(a, b) _mm256_add_ps((a), (b))
#include "algorithms/gemm_bf16_tile.h"
#endif

/* Products of two bf16 are floats, so a multiplication before the addition rounds nothing. */
#define TILE(name) plain_##name
#define TARGET
#define FLOATS float
#define LANES 1
#define ROWS 3
#define VECTORS 4
#define LOAD(p) (*(p))
#define STORE(p, x) (*(p) = (x))
#define SPREAD(x) (x)
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#define ADD(a, b) ((a) + (b))
#include "algorithms/gemm_bf16_tile.h"

static inline __attribute__((always_inline)) float rounded(float x)
{
    uint32_t bits, sign, odd;
    memcpy(&bits, &x, sizeof bits);
    sign = bits & 0x80000000u;
    odd = bits >> 16 & 1;
    bits = (bits + 0x7fff + odd) & 0xffff0000u;
    bits = (bits & 0x7f800000u) == 0 ? sign : bits;
    bits = x != x ? 0x7fc00000u : bits;
    memcpy(&x, &bits, sizeof x);
    return x;
}

float gemm_bf16_round(float x)
{
    return rounded(x);
}

VECTORISED static void round_run(const float *restrict from, int64_t count, float *restrict to)
{
    for (int64_t i = 0; i < count; i++) to[i] = rounded(from[i]);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Where the last slab in hand ends; it is filled up with zeros. */
static int64_t behind(const struct block *block)
{
    return (block->depth + SLAB - 1) / SLAB * SLAB;
}

/* to[n][stride] = rounded from[n][from_stride], and zeros in `more` rows behind. */
static void take_rows(const float *from, int64_t from_stride, int64_t n, int64_t columns,
                      int64_t more, float *to, int64_t stride)
{
    for (int64_t i = 0; i < n; i++) round_run(from + i * from_stride, columns, to + i * stride);
    for (int64_t i = n; i < n + more; i++) memset(to + i * stride, 0, (size_t)columns * sizeof *to);
}

/* Rows in hand of A; as it lies, so that runs are read and written. */
static void take_a(const struct gemm *g, struct block *block, float *a)
{
    int64_t more = behind(block) - block->depth;
    const float *from = g->a + block->row * g->a_row + block->first * g->a_depth;
    block->a_row = BLOCK_DEPTH;
    block->a_depth = 1;
    if (g->a_depth == 1) {
        take_rows(from, g->a_row, block->rows, block->depth, 0, a, BLOCK_DEPTH);
        for (int64_t r = 0; r < block->rows && more > 0; r++)
            memset(a + r * BLOCK_DEPTH + block->depth, 0, (size_t)more * sizeof *a);
        return;
    }
    block->a_row = 1;
    block->a_depth = BLOCK_ROWS;
    take_rows(from, g->a_depth, block->depth, block->rows, more, a, BLOCK_ROWS);
}

/* Columns in hand of B, as [BLOCK_DEPTH][BLOCK_COLUMNS]. */
static void take_b(const struct gemm *g, const struct block *block, float *b)
{
    take_rows(g->b + block->first * g->b_stride + block->column, g->b_stride, block->depth,
              block->columns, behind(block) - block->depth, b, BLOCK_COLUMNS);
}

static void run_block(const struct gemm *g, const struct block *block)
{
#if defined(__x86_64__)
    if (g->precision == GEMM_BF16_TILES) {
        gemm_bf16_tiles(g, block);
        return;
    }
    if (__builtin_cpu_supports("avx512f")) {
        avx512_block(g, block);
        return;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        avx2_block(g, block);
        return;
    }
#endif
    plain_block(g, block);
}

/* Put start where C will be; blocks of depth are added there. */
static void begin(const struct gemm *g)
{
    for (int64_t i = 0; i < g->rows; i++) {
        float *c = g->c + i * g->c_stride;
        size_t bytes = (size_t)g->columns * sizeof *c;
        if (g->start == NULL)
            memset(c, 0, bytes);
        else if (g->start + i * g->start_row != c)
            memcpy(c, g->start + i * g->start_row, bytes);
    }
}

VECTORISED static void rectify(const struct gemm *g)
{
    for (int64_t i = 0; i < g->rows; i++)
        for (int64_t j = 0; j < g->columns; j++) {
            float *c = g->c + i * g->c_stride + j;
            *c = *c < 0.0f ? 0.0f : *c;
        }
}

/* Rows in turn, on one block of B. */
static void run_panel(const struct gemm *g, struct block *block, float *a)
{
    for (int64_t i = 0; i < g->rows; i += BLOCK_ROWS) {
        block->row = i;
        block->rows = smaller(BLOCK_ROWS, g->rows - i);
        take_a(g, block, a);
        run_block(g, block);
    }
}

static void run_all(const struct gemm *g)
{
    float a[BLOCK_ROWS * BLOCK_DEPTH], b[BLOCK_DEPTH * BLOCK_COLUMNS];
    struct block block = {.a = a, .b = b};
    begin(g);
    for (int64_t k = 0; k < g->depth; k += BLOCK_DEPTH)
        for (int64_t j = 0; j < g->columns; j += BLOCK_COLUMNS) {
            block.first = k;
            block.depth = smaller(BLOCK_DEPTH, g->depth - k);
            block.column = j;
            block.columns = smaller(BLOCK_COLUMNS, g->columns - j);
            take_b(g, &block, b);
            run_panel(g, &block, a);
        }
    if (g->rectify) rectify(g);
}

void gemm_bf16_run(const struct gemm *product)
{
#if defined(__x86_64__)
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | _MM_FLUSH_ZERO_ON | 0x0040u); /* denormals are zeros, as in matrix units */
    run_all(product);
    _mm_setcsr(mode);
#else
    run_all(product);
#endif
}

/* ---- trial ---- */

enum { TRIAL_ROWS = 21, TRIAL_COLUMNS = 48, TRIAL_DEPTH = 75 };

static void fill(float *x, int64_t count, uint32_t state)
{
    for (int64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) * 0x1p-23f - 1.0f;
    }
}

enum gemm_precision gemm_bf16_choose(void)
{
    float a[TRIAL_ROWS * TRIAL_DEPTH], b[TRIAL_DEPTH * TRIAL_COLUMNS], start[TRIAL_COLUMNS];
    float c[2][TRIAL_ROWS * TRIAL_COLUMNS];
    if (!gemm_bf16_has_tiles()) return GEMM_BF16;
    fill(a, TRIAL_ROWS * TRIAL_DEPTH, 1);
    fill(b, TRIAL_DEPTH * TRIAL_COLUMNS, 2);
    fill(start, TRIAL_COLUMNS, 3);
    for (int way = 0; way < 2; way++)
        gemm_bf16_run(&(struct gemm){.rows = TRIAL_ROWS,
                                     .columns = TRIAL_COLUMNS,
                                     .depth = TRIAL_DEPTH,
                                     .a = a,
                                     .a_row = TRIAL_DEPTH,
                                     .a_depth = 1,
                                     .b = b,
                                     .b_stride = TRIAL_COLUMNS,
                                     .start = start,
                                     .c = c[way],
                                     .c_stride = TRIAL_COLUMNS,
                                     .precision = way == 0 ? GEMM_BF16 : GEMM_BF16_TILES});
    return memcmp(c[0], c[1], sizeof c[0]) == 0 ? GEMM_BF16_TILES : GEMM_BF16;
}
