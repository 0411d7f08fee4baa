/**
 * Cells for measuring allocation, made from a counter: response curves of slots at a few levels.
 *
 * Slot i has a price, a chance to buy, what each level adds to it, and a margin, from the
 * SplitMix64 hashes of 4 i .. 4 i + 3; bench/peer_allocate.py makes the same.
 */
#ifndef REMISE_BENCH_ALLOCATE_CELLS_H
#define REMISE_BENCH_ALLOCATE_CELLS_H

#include "mpi/memory.h"
#include "partition/blocks.h"

#include <stdlib.h>

struct setting {
    int64_t slots, levels, percent;
};

struct cells {
    int64_t *value, *cost; /* [rows_local][levels] */
    uint8_t *choice;       /* [rows_local] */
};

/* Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators */
static inline int64_t hash(uint64_t counter, uint64_t below)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (int64_t)((z >> 40) % below);
}

static inline struct setting read_setting(int argc, char **argv)
{
    int64_t number[3] = {1000000, 5, 30};
    for (int i = 1; i < argc && i <= 3; i++) number[i - 1] = strtoll(argv[i], NULL, 10);
    return (struct setting){number[0], number[1], number[2]};
}

/* Money in 1/10,000 of the currency unit, chances in millionths. */
static inline void make_slot(uint64_t slot, int64_t levels, int64_t *value, int64_t *cost)
{
    int64_t price = 10000 + hash(4 * slot, 390000), chance = 10000 + hash(4 * slot + 1, 90000);
    int64_t lift = hash(4 * slot + 2, 40000), margin = price * (20 + hash(4 * slot + 3, 50)) / 100;
    for (int64_t k = 0; k < levels; k++) {
        int64_t off = price * k / 20, buys = chance + lift * k;
        value[k] = buys * (margin - off) / 1000000;
        cost[k] = buys * off / 1000000;
    }
}

static inline enum status make_cells(const struct setting *set, const struct blocks *blocks,
                                     struct cells *cells)
{
    enum status status = OK;
    TRY(memory_new(&cells->value, blocks->rows_local * set->levels, sizeof *cells->value));
    TRY(memory_new(&cells->cost, blocks->rows_local * set->levels, sizeof *cells->cost));
    TRY(memory_new(&cells->choice, blocks->rows_local, sizeof *cells->choice));
    for (int64_t i = 0; i < blocks->rows_local; i++)
        make_slot((uint64_t)(blocks->row_first + i), set->levels, cells->value + i * set->levels,
                  cells->cost + i * set->levels);
done:
    return status;
}

static inline void clear_cells(struct cells *cells)
{
    free(cells->value);
    free(cells->cost);
    free(cells->choice);
}

#endif
