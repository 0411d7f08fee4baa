/**
 * Sums of int64 over the ranks, taken again and again of equal length, as a training does.
 *
 * Where all ranks are on one node, the terms lie in memory that they have in common: each rank adds
 * up its part of the sums, and nothing is copied or sent. Elsewhere, and where a node has no room
 * for such memory, MPI adds them, under whatever else is done. Integers add in any order to the
 * same sum, so both give the same bytes.
 *
 * A turn: write `mine`; shared_sums_begin for each range as soon as it is complete; then
 * shared_sums_end, after which `total` can be read until the next one.
 */
#ifndef REMISE_MPI_SHARED_SUMS_H
#define REMISE_MPI_SHARED_SUMS_H

#include "mpi/shared.h"

enum { SHARED_SUMS_RANGES = 4 }; /* most ranges of a turn */

struct shared_sums {
    int64_t count;
    int64_t *mine;  /* [count] this rank's terms; after a turn, nothing that is promised */
    int64_t *total; /* [count] over all ranks; may be `mine` */
    struct nodes nodes;
    struct shared memory; /* [ranks + 1][padded count]: terms of each rank, total; or nothing */
    int64_t requests;     /* reductions under way */
    MPI_Request request[SHARED_SUMS_RANGES];
};

/**
 * Make room for `count` sums, the same number everywhere; all zero.
 * Collective. Free with shared_sums_clear, also on failure.
 * Memory: 8 bytes a sum on each rank, and 8 on each node.
 * Errors: ERR_MEMORY.
 */
enum status shared_sums_init(const struct comm *comm, int64_t count, struct shared_sums *sums);
/** Free. Collective; accepts a zeroed struct. */
void shared_sums_clear(struct shared_sums *sums);

/**
 * This rank's terms first .. first + count - 1 are complete. Collective, no agreement: the same
 * ranges in the same order, together all sums, at most SHARED_SUMS_RANGES of less than 2^31.
 */
void shared_sums_begin(const struct comm *comm, struct shared_sums *sums, int64_t first,
                       int64_t count);

/**
 * Wait for the sums of all ranges. Collective, no agreement.
 * Cost: on one node two barriers, and count additions of the terms of all ranks shared out among
 *       them; elsewhere what is left of the reductions.
 */
void shared_sums_end(struct shared_sums *sums);

#endif
