/**
 * Gradients of micro-batches averaged over the ranks with the same bits at any number of ranks.
 *
 * The flat gradient lies in a few buckets, each an array of exact sums. Micro-batches are added one
 * by one; a bucket's reduction begins as soon as its last gradient is in, under the rest of the
 * backward pass, and ends when the optimiser needs it. The loss and the sum of weights travel with
 * the last bucket, which is complete first.
 */
#ifndef REMISE_ALGORITHMS_GRADIENT_H
#define REMISE_ALGORITHMS_GRADIENT_H

#include "algorithms/loss.h"
#include "mpi/exact.h"

enum { GRADIENT_BUCKETS_MAX = 4 };

struct gradient {
    int64_t buckets;
    int64_t first[GRADIENT_BUCKETS_MAX +
                  1]; /* bucket b holds flat indices first[b] .. first[b + 1] - 1 */
    struct exact_sums sums[GRADIENT_BUCKETS_MAX];
    MPI_Request request[GRADIENT_BUCKETS_MAX];
};

/**
 * Lay out `buckets` buckets between the flat indices `first`, [buckets + 1].
 * Local. Free with gradient_clear.
 * Memory: 16 bytes per weight.
 * Errors: ERR_MEMORY; ERR_ARG a bucket is beyond 2^29 weights.
 */
enum status gradient_init(struct gradient *gradient, int64_t buckets, const int64_t *first);
/** Free; accepts a zeroed struct. Local. */
void gradient_clear(struct gradient *gradient);
/** Empty all sums. Local. */
void gradient_reset(struct gradient *gradient);

/**
 * Add x[i] to flat index at + i, all within one bucket.
 * Local. Keeps 24 bits of any term above 2^-41, up to 2^37.
 */
void gradient_add(struct gradient *gradient, int64_t bucket, int64_t at, const float *x,
                  int64_t count);

/** Add a micro-batch's loss and weight. Local; before gradient_begin of the last bucket. */
void gradient_add_loss(struct gradient *gradient, struct loss_sums sums);

/** Begin a bucket's reduction; the last bucket first. Collective, no agreement. */
void gradient_begin(const struct comm *comm, struct gradient *gradient, int64_t bucket);

/**
 * Wait for a bucket. Collective in effect: all ranks get the same status.
 * Errors: ERR_NUMERIC a term was not finite or too large.
 */
enum status gradient_end(struct gradient *gradient, int64_t bucket);

/** Loss and weight over all ranks, once the last bucket has ended. Local. */
struct loss_sums gradient_loss(const struct gradient *gradient);

/** out[i] = sum / divisor for the bucket's weights, once it has ended. Local. */
void gradient_mean(const struct gradient *gradient, int64_t bucket, double divisor, float *out);

#endif
