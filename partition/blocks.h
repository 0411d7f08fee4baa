/**
 * Fixed blocks of rows: who owns which, the same blocks at any number of ranks.
 *
 * All work is done block by block. What a block contains depends on the data alone; a rank owns a
 * contiguous run of blocks, possibly none. Tables without users are cut by row number; users are
 * cut by the top bits of their keys (partition/users.h). Global row numbers follow the order of
 * blocks, so `row_first + i` names a row at any number of ranks and serves as its entity for random
 * numbers.
 */
#ifndef REMISE_PARTITION_BLOCKS_H
#define REMISE_PARTITION_BLOCKS_H

#include "mpi/comm.h"

enum { BLOCK_ROWS = 4096 }; /* rows of a block in tables cut by row number */

struct blocks {
    int64_t rows_total;   /* over all ranks */
    int64_t rows_local;   /* of this rank */
    int64_t row_first;    /* global number of the first local row */
    int64_t blocks_total; /* the same at any number of ranks */
    int64_t block_first;  /* global number of the first local block */
    int64_t blocks_local;
    int64_t *start; /* [blocks_local + 1] first local row of each block; start[blocks_local] ==
                       rows_local */
};

/**
 * Cut rows_total rows into blocks of block_rows and give each rank an equal run of them.
 * Local: a pure function of its arguments and comm's rank and size. Free with blocks_clear.
 * Errors: ERR_MEMORY, ERR_ARG.
 */
enum status blocks_cut(const struct comm *comm, int64_t rows_total, int64_t block_rows,
                       struct blocks *blocks);

/** Rank that blocks_cut gives global row `row`. Local, O(1). */
int blocks_owner(const struct comm *comm, int64_t rows_total, int64_t block_rows, int64_t row);

/** Free; accepts a zeroed struct. Local. */
void blocks_clear(struct blocks *blocks);

/**
 * Move rows read in any contiguous shares to the owners of their blocks.
 * Collective. Every rank brings rows_mine consecutive records of the table, in rank order.
 * blocks    out  the cut of all rows; caller clears
 * received  out  new [blocks->rows_local] records, caller frees
 * Cost: each record moves at most once.
 * Errors: ERR_MEMORY.
 */
enum status blocks_exchange(const struct comm *comm, const void *records, int64_t rows_mine,
                            size_t record_bytes, int64_t block_rows, struct blocks *blocks,
                            void **received);

#endif
