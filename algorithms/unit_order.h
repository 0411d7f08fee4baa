/**
 * Which rows are a unit's first: how many rows of it stand in earlier blocks.
 */
#ifndef REMISE_ALGORITHMS_UNIT_ORDER_H
#define REMISE_ALGORITHMS_UNIT_ORDER_H

#include "mpi/comm.h"

/* The rows of one unit in one block. */
struct unit_run {
    uint64_t key;
    int64_t rows;
    int64_t before; /* rows of the unit in earlier blocks, on any rank */
};

/**
 * Fill in `before`.
 * Collective.
 * run  inout  [runs] of this rank by block, blocks rising over the ranks; a unit once per block
 * Cost: two exchanges of 24 bytes a run, to a rank chosen by the key and back.
 * Errors: ERR_MEMORY.
 */
enum status unit_order_find(const struct comm *comm, struct unit_run *run, int64_t runs);

#endif
