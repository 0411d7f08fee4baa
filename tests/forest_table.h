/**
 * Tables for the tests of bins, trees and forests: columns of numbers made from a counter, cut over
 * any ranks, binned.
 */
#ifndef REMISE_TESTS_FOREST_TABLE_H
#define REMISE_TESTS_FOREST_TABLE_H

#include "tests/harness.h"

#include "algorithms/forest.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

struct forest_table {
    struct blocks blocks;
    int64_t columns;
    float *x; /* [rows_local][columns + 1]; the last one is never read */
    struct rows rows;
    double *value;
    int32_t *label;
    uint8_t *code;
    struct bins *bins;
    struct forest_data data;
};

/* Multiples of 2^-20 in [0, 1): the SplitMix64 hash of a number. */
static inline double table_uniform(int64_t counter)
{
    uint64_t z = ((uint64_t)counter + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (double)(z >> 44) * 0x1p-20;
}

/* What a table holds: a row's columns from its number, and its target from them. */
struct table_kind {
    int64_t rows, columns, block, bins;
    int64_t classes; /* 0: values */
    void (*fill)(int64_t row, float *x);
    double (*target)(int64_t row, const float *x);
};

/* Collective over comm; the assertions over the world. */
static inline void forest_table_init(struct forest_table *t, const struct comm *comm,
                                     const struct table_kind *kind)
{
    int64_t stride = kind->columns + 1;
    *t = (struct forest_table){.columns = kind->columns};
    assert_all(blocks_cut(comm, kind->rows, kind->block, &t->blocks) == OK);
    int64_t rows = t->blocks.rows_local;
    assert_all(memory_new(&t->x, rows * stride, sizeof *t->x) == OK);
    assert_all(memory_new(&t->value, rows, sizeof *t->value) == OK);
    assert_all(memory_new(&t->label, rows, sizeof *t->label) == OK);
    assert_all(memory_new(&t->code, rows * kind->columns, sizeof *t->code) == OK);
    for (int64_t i = 0; i < rows; i++) {
        float *x = t->x + i * stride;
        kind->fill(t->blocks.row_first + i, x);
        x[kind->columns] = NAN;
        t->value[i] = kind->target(t->blocks.row_first + i, x);
        t->label[i] = kind->classes > 0 ? (int32_t)t->value[i] : -1;
    }
    t->rows = (struct rows){&t->blocks, kind->columns, stride, t->x};
    assert_all(bins_make(comm, &t->rows, NULL, kind->bins, &t->bins) == OK);
    assert_all(bins_code(t->bins, &t->rows, t->code) == OK);
    t->data = (struct forest_data){.blocks = &t->blocks,
                                   .bins = t->bins,
                                   .code = t->code,
                                   .value = t->value,
                                   .label = t->label,
                                   .classes = kind->classes};
}

static inline void forest_table_clear(struct forest_table *t)
{
    blocks_clear(&t->blocks);
    bins_free(&t->bins);
    free(t->x);
    free(t->value);
    free(t->label);
    free(t->code);
}

static inline bool same_tree(const struct tree *a, const struct tree *b)
{
    if (a->nodes != b->nodes || a->outputs != b->outputs) return false;
    for (int64_t i = 0; i < a->nodes; i++) {
        const struct tree_node *n = &a->node[i], *m = &b->node[i];
        if (n->feature != m->feature || n->left != m->left || n->threshold != m->threshold ||
            n->bin != m->bin || n->missing_left != m->missing_left || n->rows != m->rows ||
            memcmp(&n->gain, &m->gain, sizeof n->gain) != 0)
            return false;
    }
    return memcmp(a->value, b->value, (size_t)(a->nodes * a->outputs) * sizeof *a->value) == 0;
}

static inline bool same_forest(const struct forest *a, const struct forest *b)
{
    size_t columns = (size_t)a->columns * sizeof *a->importance;
    if (a->trees != b->trees || a->columns != b->columns || a->oob_rows != b->oob_rows)
        return false;
    for (int64_t t = 0; t < a->trees; t++)
        if (!same_tree(&a->tree[t], &b->tree[t])) return false;
    return memcmp(a->importance, b->importance, columns) == 0 &&
           (a->permutation == NULL || memcmp(a->permutation, b->permutation, columns) == 0) &&
           memcmp(&a->oob_rmse, &b->oob_rmse, sizeof a->oob_rmse) == 0 &&
           memcmp(&a->oob_accuracy, &b->oob_accuracy, sizeof a->oob_accuracy) == 0;
}

#endif
