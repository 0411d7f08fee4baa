/**
 * The table of tests/goldens/kmeans.py, and other rows made by a formula, cut over ranks.
 */
#ifndef REMISE_TESTS_KMEANS_TABLE_H
#define REMISE_TESTS_KMEANS_TABLE_H

#include "tests/harness.h"

#include "algorithms/rows.h"
#include "mpi/memory.h"

#include <stdlib.h>

enum { ROWS = 3000, COLUMNS = 5, SPOTS = 9, BLOCK = 97 };

static inline double uniform(uint64_t counter)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (double)(z >> 44) * 0x1p-20;
}

/* Row i lies about spot i % SPOTS; exact in float32. */
static inline double cell(int64_t i, int64_t j)
{
    double spot = uniform((uint64_t)(1000000 + i % SPOTS * COLUMNS + j));
    return 4 * spot - 2 + uniform((uint64_t)(i * COLUMNS + j));
}

struct sample {
    struct blocks blocks;
    float *x;
    struct rows rows;
};

/* rows_total rows of value(i, j) times scale, cut over comm; collective for the assertions' sake.
 */
static inline void sample_init(struct sample *s, const struct comm *comm, int64_t rows_total,
                               int64_t columns, double (*value)(int64_t, int64_t), double scale)
{
    assert_all(blocks_cut(comm, rows_total, BLOCK, &s->blocks) == OK);
    int64_t stride = columns + 3;
    assert_all(memory_new(&s->x, s->blocks.rows_local * stride, sizeof *s->x) == OK);
    for (int64_t i = 0; i < s->blocks.rows_local; i++) {
        for (int64_t j = 0; j < columns; j++)
            s->x[i * stride + j] = (float)(scale * value(s->blocks.row_first + i, j));
        for (int64_t j = columns; j < stride; j++) s->x[i * stride + j] = NAN; /* never read */
    }
    s->rows = (struct rows){&s->blocks, columns, stride, s->x};
}

static inline void sample_clear(struct sample *s)
{
    blocks_clear(&s->blocks);
    free(s->x);
}

#endif
