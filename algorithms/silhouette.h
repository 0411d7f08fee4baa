/**
 * The silhouette: how much nearer rows lie to their own cluster than to the next one.
 *
 * For a row, a is its mean distance to the other rows of its cluster and b the least mean distance
 * to the rows of another one; its silhouette is (b - a) / max(a, b), from -1 to 1. Their mean says
 * how well k clusters fit, and can be compared between several k. It takes the distances of all
 * pairs of rows, so it is measured on a sample: each row is in it or not by its own random number,
 * so that the same rows are compared for every k and at any number of ranks.
 */
#ifndef REMISE_ALGORITHMS_SILHOUETTE_H
#define REMISE_ALGORITHMS_SILHOUETTE_H

#include "algorithms/rows.h"
#include "mpi/comm.h"

enum { SILHOUETTE_ROWS = 4096 };

struct silhouette_sample {
    int64_t count, columns;
    float *x; /* [count][columns] in the order of the rows, the same on every rank */
};

/**
 * Draw a sample of about SILHOUETTE_ROWS rows; all of them if there are no more.
 *
 * Collective.
 * sample  out  cleared by the caller with silhouette_sample_clear, also on failure
 * Memory: 4 columns bytes for each row of the sample, on every rank.
 * Same bits for any number of ranks.
 * Errors: ERR_ARG rows without columns; ERR_MEMORY.
 */
enum status silhouette_draw(const struct comm *comm, const struct rows *x, uint64_t seed,
                            struct silhouette_sample *sample);
/** Free; accepts a zeroed struct. Local. */
void silhouette_sample_clear(struct silhouette_sample *sample);

/**
 * The mean silhouette of the sample.
 *
 * Collective.
 * labels  in   [sample->count] 0 .. k - 1, the same on every rank
 * mean    out  0 counts for a row alone in its cluster; NAN if the sample has fewer than two
 *              clusters
 * Cost: count^2 (columns + 1) operations, shared by the ranks, and one reduction of a sum.
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY.
 * Source: Rousseeuw 1987, J. Comput. Appl. Math. 20.
 */
enum status silhouette_mean(const struct comm *comm, const struct silhouette_sample *sample,
                            const int32_t *labels, int64_t k, double *mean);

#endif
