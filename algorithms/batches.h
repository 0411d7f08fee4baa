/**
 * Which rows make which step of training, the same at any number of ranks.
 *
 * The chosen rows of every fixed block are put in random order and cut into micro-batches of about
 * micro_rows. The micro-batches of all blocks are numbered in block order; in every run of `steps`
 * of them, each step takes one, at a random rotation. So a step is spread evenly over the table,
 * and thus over any ranks, and the micro-batch, the unit of float arithmetic, never depends on
 * ranks.
 */
#ifndef REMISE_ALGORITHMS_BATCHES_H
#define REMISE_ALGORITHMS_BATCHES_H

#include "partition/blocks.h"

struct micro_batch {
    int64_t rows;
    int64_t row_base;    /* first local row of its block */
    const uint32_t *row; /* [rows] offsets from row_base; borrowed from the batches */
};

struct batches {
    const struct blocks *blocks; /* not owned */
    uint64_t seed;
    int64_t rows_chosen; /* over all ranks */
    int64_t micro_rows;  /* most rows of a micro-batch */
    int64_t steps;       /* per epoch */
    int64_t step_micros; /* most micro-batches of a step, over all ranks */
    int64_t micro_first; /* global number of this rank's first micro-batch */
    int64_t micros_local;
    int64_t *block_first; /* [blocks_local + 1] chosen rows of each block in `row` */
    uint32_t *table_row;  /* chosen rows, offsets within their block, in table order */
    uint32_t *row;        /* chosen rows, offsets within their block, in this epoch's order */
    /* [micros_local + 1] first chosen row of each micro-batch; never across blocks */
    int64_t *micro;
    int64_t *micro_base; /* [micros_local] first local row of its block */
    int64_t *step_first; /* [steps + 1] this rank's micro-batches of each step, in by_step */
    int64_t *by_step;    /* [micros_local] */
};

/**
 * Rows of a micro-batch for a batch of this many: a sixteenth, but at least 64 where that leaves
 * four of them, within [32, 1024] and at most the batch. Every micro-batch costs an exact sum of
 * all gradients, whatever its rows. Local.
 */
int64_t batches_micro_rows(int64_t batch);

/**
 * Lay out the rows with part[row] == chosen.
 * Collective. Free with batches_clear. The order is that of the table until batches_shuffle.
 * part   in  [rows_local]; NULL for all rows
 * batch  in  rows of a step, >= 1; the actual number differs by up to a few micro-batches
 * Memory: 8 bytes per chosen row.
 * Errors: ERR_ARG, ERR_MEMORY. No chosen row at all is OK: 0 steps.
 */
enum status batches_init(const struct comm *comm, const struct blocks *blocks, const uint8_t *part,
                         uint8_t chosen, int64_t batch, uint64_t seed, struct batches *batches);
/** Free; accepts a zeroed struct. Local. */
void batches_clear(struct batches *batches);

/**
 * Put the rows and steps of this epoch in order; a pure function of (seed, epoch, block). Local.
 */
void batches_shuffle(struct batches *batches, int64_t epoch);

/** Micro-batch number `at` of this rank, 0 <= at < micros_local. Local. */
struct micro_batch batches_micro(const struct batches *batches, int64_t at);

#endif
