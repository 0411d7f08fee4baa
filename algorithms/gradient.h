/**
 * Gradients of micro-batches averaged over the ranks with the same bits at any number of ranks.
 *
 * The flat gradient lies in a few buckets of 64-bit integers. Each bucket counts in a unit, a power
 * of two, that all ranks choose alike before a step from how large they expect the sums to be: the
 * largest lies near 2^46 units, so sums keep 20 bits more than a float of the same size, and
 * integers add in any order to the same sum. Micro-batches are added one by one; a bucket's
 * reduction (mpi/shared_sums.h) begins as soon as its last gradient is in, under the rest of the
 * backward pass, and ends when the optimiser needs it. Where the expectation was far off, all ranks
 * learn so with the sums, and the step is summed again in a better unit. The loss and the sum of
 * weights travel with the last bucket, which is complete first.
 *
 * A step: gradient_expect for each bucket; then, until gradient_fits, gradient_reset, gradient_add
 * and gradient_add_loss of the rank's micro-batches, gradient_begin of every bucket and
 * gradient_end; then gradient_mean.
 */
#ifndef REMISE_ALGORITHMS_GRADIENT_H
#define REMISE_ALGORITHMS_GRADIENT_H

#include "algorithms/loss.h"
#include "mpi/exact.h"
#include "mpi/shared_sums.h"

enum { GRADIENT_BUCKETS_MAX = SHARED_SUMS_RANGES };

struct gradient_bucket {
    int64_t first, count; /* flat indices first .. first + count - 1 */
    int exponent;         /* the unit is 2^-exponent */
    int64_t empty;        /* the first so many of the rank's own sums are still to be begun */
    int64_t at;           /* where it stands among all sums; behind it what travels with it */
};

struct gradient {
    int64_t buckets;
    int64_t term_limit; /* terms are below, in units, so that no sum overflows */
    struct shared_sums sums;
    struct gradient_bucket bucket[GRADIENT_BUCKETS_MAX];
};

/**
 * Lay out `buckets` buckets between the flat indices `first`, [buckets + 1].
 * Collective. Free with gradient_clear.
 * terms   in  most terms of a sum over all ranks, the same on all, >= 1
 * Memory: 8 bytes per weight on each rank, and 8 on each node.
 * Errors: ERR_MEMORY; ERR_ARG a bucket is beyond 2^29 weights, or terms beyond 2^18.
 */
enum status gradient_init(const struct comm *comm, int64_t buckets, const int64_t *first,
                          int64_t terms, struct gradient *gradient);
/** Free. Collective; accepts a zeroed struct. */
void gradient_clear(struct gradient *gradient);

/**
 * Choose the unit of a bucket whose largest sum may be about `largest`; 0: not known.
 * Local; the same value on every rank. Only speed depends on how well it is guessed.
 */
void gradient_expect(struct gradient *gradient, int64_t bucket, double largest);

/** Empty all sums. Local. */
void gradient_reset(struct gradient *gradient);

/**
 * Add x[i] to flat index at + i, all within one bucket. Local.
 * The first terms of a bucket come from its end to its front without gaps, as they do in a backward
 * pass: they are stored, not added to zeros.
 */
void gradient_add(struct gradient *gradient, int64_t bucket, int64_t at, const float *x,
                  int64_t count);

/** Add a micro-batch's loss and weight. Local; before gradient_begin of the last bucket. */
void gradient_add_loss(struct gradient *gradient, struct loss_sums sums);

/** Begin a bucket's reduction; the last bucket first. Collective, no agreement. */
void gradient_begin(const struct comm *comm, struct gradient *gradient, int64_t bucket);

/**
 * Wait for all buckets. Collective; all ranks get the same status.
 * Errors: ERR_NUMERIC a term was not finite.
 */
enum status gradient_end(struct gradient *gradient);

/** Loss and weight over all ranks, after gradient_end. Local. */
struct loss_sums gradient_loss(const struct gradient *gradient);

/**
 * Whether the terms had the size that their units expect, after gradient_end; else units are chosen
 * anew and the step is to be summed again, which ends after a few times. Local; the same on every
 * rank.
 */
bool gradient_fits(struct gradient *gradient);

/** out[i] = sum / divisor for the bucket's weights, after gradient_end. Local. */
void gradient_mean(const struct gradient *gradient, int64_t bucket, double divisor, float *out);

#endif
