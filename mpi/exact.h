/**
 * Sums of doubles that have the same bits at any number of ranks and in any order.
 *
 * A number is rounded once to a multiple of 2^-55 and kept as an integer in two 64-bit limbs,
 * `high * 2^48 + low` units; integers add associatively, so block partials can be added across
 * blocks and ranks in any order at plain allreduce speed. The absolute resolution is 2.8e-17, the
 * range of one term 2^47 (1.4e14) and of a sum 2^54 / ranks: bring columns of unknown scale near 1
 * by a power of two first.
 *
 * Use: exact_init, exact_add per block, exact_reduce once, exact_get at the end. A term that is not
 * finite or too large is remembered and makes exact_reduce fail on every rank, at no extra message.
 */
#ifndef REMISE_MPI_EXACT_H
#define REMISE_MPI_EXACT_H

#include "mpi/comm.h"

struct exact {
    int64_t high; /* units of 2^-7 */
    int64_t low;  /* units of 2^-55 */
};

struct exact_sums {
    int64_t count;
    struct exact *sum; /* [count + 1]; the last one counts refused terms in .high */
};

/**
 * Make `count` empty sums. Local. Free with exact_clear.
 * Cost: 16 bytes per sum.
 * Errors: ERR_MEMORY.
 */
enum status exact_init(struct exact_sums *sums, int64_t count);
/** Free; accepts a zeroed struct. Local. */
void exact_clear(struct exact_sums *sums);

/** Empty the sums again. Local. */
void exact_reset(struct exact_sums *sums);

/** Add x[i] to sum first + i for all i < count. Local. Cost: O(count), vectorised. */
void exact_add(struct exact_sums *sums, int64_t first, const double *x, int64_t count);

/** Add one number to one sum. Local. */
void exact_add_one(struct exact_sums *sums, int64_t at, double x);

/**
 * Sum over the ranks, in place. Collective; every rank gets the same sums and status.
 * Cost: one reduction of 16 (count + 1) bytes. At most 2^14 ranks.
 * Errors: ERR_NUMERIC a term on some rank was not finite or out of range.
 */
enum status exact_reduce(const struct comm *comm, struct exact_sums *sums);

/**
 * exact_reduce in two halves, to overlap with other work; the sums belong to MPI in between.
 * Collective.
 */
void exact_reduce_begin(const struct comm *comm, struct exact_sums *sums, MPI_Request *request);
enum status exact_reduce_end(struct exact_sums *sums, MPI_Request *request);

/** The sum at `at`, rounded once to the nearest double. Local. */
double exact_get(const struct exact_sums *sums, int64_t at);

/** x[i] = the sum at first + i for all i < count. Local. */
void exact_get_all(const struct exact_sums *sums, int64_t first, double *x, int64_t count);

#endif
