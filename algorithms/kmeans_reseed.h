/**
 * What k-means does with a centroid that no row is nearest to: it takes the place of a far-off row.
 */
#ifndef REMISE_ALGORITHMS_KMEANS_RESEED_H
#define REMISE_ALGORITHMS_KMEANS_RESEED_H

#include "algorithms/kmeans_kernel.h"
#include "algorithms/rows.h"
#include "mpi/comm.h"

/**
 * Give clusters without rows the rows farthest from their centroids, one each, at most 16 at a
 * time.
 *
 * Collective; does nothing, and sends nothing, where all clusters have rows. The farthest row goes
 * to the empty cluster with the lowest number and leaves its own; a tie goes to the lower row. Rows
 * on their centroid and the only rows of a cluster stay.
 * panels     in      the centroids the rows were labelled with
 * centroids  in      [k][columns] the same in double
 * count      in/out  [k] rows per cluster, of all ranks
 * sums       in/out  [k][columns] sums of rows per cluster, of all ranks
 * Cost: when needed, one pass and one gather of 16 rows per rank.
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY.
 */
enum status kmeans_reseed(const struct comm *comm, const struct rows *x,
                          const struct kmeans_panels *panels, const double *centroids,
                          int64_t *count, double *sums);

#endif
