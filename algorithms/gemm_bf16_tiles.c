/* Blocks of products on the matrix units of x86 (AMX): 16 rows and 16 columns of C to a tile. */
#include "algorithms/gemm_bf16_block.h"

#include <string.h>

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TILED __attribute__((target("amx-tile,amx-bf16")))

enum { SIDE = 16, COLUMN_TILES = BLOCK_COLUMNS / SIDE, SLABS = BLOCK_DEPTH / SLAB };
enum { TILE_VALUES = SIDE * SLAB, TILE_BYTES = 2 * SLAB }; /* bytes of a tile's row */

bool gemm_bf16_has_tiles(void)
{
    const unsigned bf16 = 1u << 22, tile = 1u << 24;
    const long permission = 0x1023, data = 18; /* ARCH_REQ_XCOMP_PERM of XFEATURE_XTILEDATA */
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    if ((d & bf16) == 0 || (d & tile) == 0) return false;
    return syscall(SYS_arch_prctl, permission, data) == 0;
}

/* The upper half of a float that has nothing in the lower one. */
static inline uint16_t half(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)(bits >> 16);
}

/* 16 rows of a slab; rows behind the last one are zero. */
static void pack_a(const struct block *block, const float *a, int64_t rows, uint16_t *tile)
{
    memset(tile, 0, TILE_VALUES * sizeof *tile);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < SLAB; k++)
            tile[r * SLAB + k] = half(a[r * block->a_row + k * block->a_depth]);
}

/* 16 columns of a slab; values of even and odd depth side by side. */
static void pack_b(const float *b, uint16_t *tile)
{
    for (int64_t k = 0; k < SLAB; k++)
        for (int64_t n = 0; n < SIDE; n++)
            tile[k / 2 * SLAB + 2 * n + k % 2] = half(b[k * BLOCK_COLUMNS + n]);
}

TILED static void configure(void)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } shape = {.palette = 1};
    for (int t = 0; t < 8; t++) {
        shape.row_bytes[t] = TILE_BYTES;
        shape.rows[t] = SIDE;
    }
    _tile_loadconfig(&shape);
}

/* c[16][up to 64] += a slabs by b slabs; b: [COLUMN_TILES][SLABS] tiles */
TILED static void multiply(const uint16_t *a, const uint16_t *b, int64_t slabs, int64_t tiles,
                           float *c, int64_t c_stride)
{
    const int64_t next = SLABS * TILE_VALUES; /* from a column tile to the next one */
    const size_t bytes = (size_t)c_stride * sizeof *c;
    _tile_loadd(0, c, bytes);
    if (tiles > 1) _tile_loadd(1, c + SIDE, bytes);
    if (tiles > 2) _tile_loadd(2, c + 2 * SIDE, bytes);
    if (tiles > 3) _tile_loadd(3, c + 3 * SIDE, bytes);
    for (int64_t s = 0; s < slabs; s++, a += TILE_VALUES, b += TILE_VALUES) {
        _tile_loadd(4, a, TILE_BYTES);
        _tile_loadd(5, b, TILE_BYTES);
        _tile_dpbf16ps(0, 4, 5);
        if (tiles > 1) _tile_loadd(6, b + next, TILE_BYTES);
        if (tiles > 1) _tile_dpbf16ps(1, 4, 6);
        if (tiles > 2) _tile_loadd(5, b + 2 * next, TILE_BYTES);
        if (tiles > 2) _tile_dpbf16ps(2, 4, 5);
        if (tiles > 3) _tile_loadd(6, b + 3 * next, TILE_BYTES);
        if (tiles > 3) _tile_dpbf16ps(3, 4, 6);
    }
    _tile_stored(0, c, bytes);
    if (tiles > 1) _tile_stored(1, c + SIDE, bytes);
    if (tiles > 2) _tile_stored(2, c + 2 * SIDE, bytes);
    if (tiles > 3) _tile_stored(3, c + 3 * SIDE, bytes);
}

/* The same for fewer than 16 rows, by way of a tile's worth of memory. */
static void multiply_rest(const uint16_t *a, const uint16_t *b, int64_t slabs,
                          const struct block *block, int64_t rows, float *c, int64_t c_stride)
{
    float whole[SIDE * BLOCK_COLUMNS] = {0};
    size_t bytes = (size_t)block->columns * sizeof *c;
    for (int64_t r = 0; r < rows; r++) memcpy(whole + r * BLOCK_COLUMNS, c + r * c_stride, bytes);
    multiply(a, b, slabs, block->columns / SIDE, whole, BLOCK_COLUMNS);
    for (int64_t r = 0; r < rows; r++) memcpy(c + r * c_stride, whole + r * BLOCK_COLUMNS, bytes);
}

TILED void gemm_bf16_tiles(const struct gemm *g, const struct block *block)
{
    _Alignas(64) uint16_t b[COLUMN_TILES * SLABS * TILE_VALUES];
    _Alignas(64) uint16_t a[SLABS * TILE_VALUES];
    int64_t slabs = (block->depth + SLAB - 1) / SLAB, tiles = block->columns / SIDE;
    for (int64_t t = 0; t < tiles; t++)
        for (int64_t s = 0; s < slabs; s++)
            pack_b(block->b + s * SLAB * BLOCK_COLUMNS + t * SIDE,
                   b + (t * SLABS + s) * TILE_VALUES);
    configure();
    for (int64_t i = 0; i < block->rows; i += SIDE) {
        int64_t rows = block->rows - i < SIDE ? block->rows - i : SIDE;
        float *c = g->c + (block->row + i) * g->c_stride + block->column;
        for (int64_t s = 0; s < slabs; s++)
            pack_a(block, block->a + i * block->a_row + s * SLAB * block->a_depth, rows,
                   a + s * TILE_VALUES);
        if (rows == SIDE)
            multiply(a, b, slabs, tiles, c, g->c_stride);
        else
            multiply_rest(a, b, slabs, block, rows, c, g->c_stride);
    }
    _tile_release();
}

#else

bool gemm_bf16_has_tiles(void)
{
    return false;
}

void gemm_bf16_tiles(const struct gemm *g, const struct block *block)
{
    (void)g;
    (void)block;
}

#endif
