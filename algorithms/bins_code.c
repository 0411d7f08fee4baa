/* The bin of every value: a table by the top bits of its key, then a few steps among the edges. */
#include "algorithms/bins.h"

#include "algorithms/bins_key.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { TABLE_SIZE = 1 << 16, STRIP = 512, ROOM = 2 * (BINS_MAX + 1) };

/* The search of one column: the edges below a key number at least low[its top bits], and fewer than
 * 2^steps more. */
struct finder {
    uint32_t key[ROOM]; /* of the edges, then keys above all */
    uint8_t *low;       /* [TABLE_SIZE] */
    int steps;
};

static void finder_init(struct finder *f, const struct bins *bins, int64_t column)
{
    int64_t edges = bins_count(bins, column) - 1, low = 0, high = 0, most = 0;
    for (int64_t e = 0; e < ROOM; e++)
        f->key[e] = e < edges ? bins_key(bins->edge[bins->start[column] + e]) : UINT32_MAX;
    for (uint32_t top = 0; top < TABLE_SIZE; top++) {
        while (low < edges && f->key[low] < top << 16) low++;
        while (high < edges && f->key[high] < (top << 16 | 0xffff)) high++;
        f->low[top] = (uint8_t)low;
        if (high - low > most) most = high - low;
    }
    for (f->steps = 0; most >> f->steps != 0;) f->steps++;
}

/* Edges below the key: always so many steps, so that nothing branches. */
static inline uint8_t find(const struct finder *f, uint32_t key)
{
    uint32_t at = f->low[key >> 16];
    for (uint32_t half = 1u << f->steps >> 1; half > 0; half >>= 1)
        at += f->key[at + half - 1] < key ? half : 0;
    return (uint8_t)at;
}

static void code_strip(const struct finder *f, const struct rows *x, int64_t column, int64_t first,
                       int64_t end, uint8_t missing, uint8_t *code)
{
    for (int64_t i = first; i < end; i++) {
        float value = x->x[i * x->stride + column];
        uint8_t found = find(f, bins_key(value));
        code[i] = isnan(value) ? missing : found;
    }
}

enum status bins_code(const struct bins *bins, const struct rows *x, uint8_t *codes)
{
    enum status status = OK;
    struct finder *finder = NULL;
    int64_t rows = x->blocks->rows_local, columns = bins->columns;
    if (x->columns != columns)
        return FAIL(ERR_ARG, "%lld columns for bins of %lld; give the columns they were made of",
                    (long long)x->columns, (long long)columns);
    TRY(memory_new(&finder, columns, sizeof *finder));
    for (int64_t j = 0; j < columns; j++) {
        TRY(memory_new(&finder[j].low, TABLE_SIZE, sizeof *finder[j].low));
        finder_init(&finder[j], bins, j);
    }
    for (int64_t i = 0; i < rows; i += STRIP)
        for (int64_t j = 0; j < columns; j++)
            code_strip(&finder[j], x, j, i, rows - i < STRIP ? rows : i + STRIP,
                       (uint8_t)bins_count(bins, j), codes + j * rows);
done:
    for (int64_t j = 0; finder != NULL && j < columns; j++) free(finder[j].low);
    free(finder);
    return status;
}
