/**
 * Sums over rows for k-means, exact whatever the scale of the columns.
 *
 * mpi/exact.h holds numbers near 1 best, so each column is brought there by a power of two, its
 * unit, taken from the largest value on any rank. Powers of two change no bits.
 */
#ifndef REMISE_ALGORITHMS_KMEANS_SUMS_H
#define REMISE_ALGORITHMS_KMEANS_SUMS_H

#include "algorithms/rows.h"
#include "mpi/comm.h"
#include "mpi/exact.h"

/** The power of two just above |x|; 1 for 0 and what is not finite. Local. */
double kmeans_unit_of(double x);

/**
 * The sum over all ranks of non-negative block partials of unknown scale.
 * Collective.
 * Cost: two small reductions.
 * Errors: ERR_NUMERIC one is not finite; ERR_MEMORY.
 */
enum status kmeans_total(const struct comm *comm, const double *partial, int64_t blocks_local,
                         double *total);

/**
 * unit[j] = the power of two above the largest |x[:][j]| of all ranks, 1 for a column of zeros.
 * Collective.
 * unit  out  [columns]
 * Errors: ERR_NUMERIC a value is not finite or beyond KMEANS_LIMIT.
 */
enum status kmeans_units(const struct comm *comm, const struct rows *x, double *unit);

/**
 * The mean over the columns of their variance (divisor rows). Collective; two passes.
 * Errors: ERR_MEMORY.
 */
enum status kmeans_mean_variance(const struct comm *comm, const struct rows *x, const double *unit,
                                 double *variance);

/* Sums and counts of the rows of each cluster. */
struct kmeans_sums {
    int64_t k, columns;
    const double *unit;     /* [columns]; not owned */
    double *block;          /* [k][kmeans_pitch(columns)] of the block at hand */
    int64_t *block_count;   /* [k] */
    int64_t block_rows;     /* rows added to or taken from it */
    double *scale;          /* [columns] 1 / unit */
    double *scaled;         /* [k][columns] the block in units */
    int64_t *mine_count;    /* [k] of this rank */
    struct exact_sums mine; /* [k][columns] of this rank in units, then [k] counts */
    int64_t *count;         /* [k] of all ranks, as the next */
    struct exact_sums exact;
};

/**
 * Space for sums of k clusters; clear with kmeans_sums_clear. Local. unit borrowed.
 * Errors: ERR_MEMORY.
 */
enum status kmeans_sums_init(struct kmeans_sums *sums, int64_t k, int64_t columns,
                             const double *unit);
/** Free; accepts a zeroed struct. Local. */
void kmeans_sums_clear(struct kmeans_sums *sums);
/** Empty them. Local. */
void kmeans_sums_reset(struct kmeans_sums *sums);

/** Take block and block_count into the rank's sums, and empty them. Local. Cost: O(k columns). */
void kmeans_sums_take_block(struct kmeans_sums *sums);

/**
 * Add over the ranks: count becomes that of all ranks, sum[k][columns] the sums in the units of the
 * rows. Those of the rank stay, to go on from. Collective: one reduction.
 * Errors: ERR_NUMERIC.
 */
enum status kmeans_sums_reduce(const struct comm *comm, struct kmeans_sums *sums, double *sum);

#endif
