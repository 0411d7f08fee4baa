/* The bin of every value: a table by the top bits of its key, then a few steps among the edges. */
#include "algorithms/bins.h"

#include "algorithms/bins_key.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { TABLE_SIZE = 1 << 16, STRIP = 512 };

/* The search of one column. */
struct finder {
    uint32_t key[BINS_MAX + 1]; /* [edges] of the edges, then one above all */
    struct {
        uint8_t low, high; /* bins of the least and greatest key with these top bits */
    } * table;             /* [TABLE_SIZE] */
};

static void finder_init(struct finder *f, const struct bins *bins, int64_t column)
{
    int64_t edges = bins_count(bins, column) - 1, low = 0, high = 0;
    for (int64_t e = 0; e < edges; e++) f->key[e] = bins_key(bins->edge[bins->start[column] + e]);
    for (uint32_t top = 0; top < TABLE_SIZE; top++) {
        while (low < edges && f->key[low] < top << 16) low++;
        while (high < edges && f->key[high] < (top << 16 | 0xffff)) high++;
        f->table[top].low = (uint8_t)low;
        f->table[top].high = (uint8_t)high;
    }
}

/* The first edge that is not below the key. */
static inline uint8_t find(const struct finder *f, uint32_t key)
{
    uint32_t low = f->table[key >> 16].low, high = f->table[key >> 16].high;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (f->key[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint8_t)low;
}

static void code_strip(const struct finder *f, const struct rows *x, int64_t column, int64_t first,
                       int64_t end, uint8_t missing, uint8_t *code)
{
    for (int64_t i = first; i < end; i++) {
        float value = x->x[i * x->stride + column];
        code[i] = isnan(value) ? missing : find(f, bins_key(value));
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
        TRY(memory_new(&finder[j].table, TABLE_SIZE, sizeof *finder[j].table));
        finder_init(&finder[j], bins, j);
    }
    for (int64_t i = 0; i < rows; i += STRIP)
        for (int64_t j = 0; j < columns; j++)
            code_strip(&finder[j], x, j, i, rows - i < STRIP ? rows : i + STRIP,
                       (uint8_t)bins_count(bins, j), codes + j * rows);
done:
    for (int64_t j = 0; finder != NULL && j < columns; j++) free(finder[j].table);
    free(finder);
    return status;
}
