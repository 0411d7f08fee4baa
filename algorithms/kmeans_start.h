/**
 * Where k-means begins: k-means||, a few passes that draw far-off rows, then a small weighted
 * clustering of those.
 */
#ifndef REMISE_ALGORITHMS_KMEANS_START_H
#define REMISE_ALGORITHMS_KMEANS_START_H

#include "algorithms/kmeans_kernel.h"
#include "algorithms/rows.h"
#include "mpi/comm.h"

/* What a start depends on; the same on every rank. */
struct kmeans_start_options {
    int64_t k; /* 1 <= k <= rows_total */
    uint64_t seed;
    uint64_t restart; /* each restart has its own draws */
    const struct kmeans_kernel *kernel;
};

/**
 * Choose k starting centroids.
 *
 * Collective. Five rounds draw each row with probability 2 k d^2 / sum d^2, d its distance to the
 * rows drawn so far; random numbers go by global row. The rows drawn, weighted by how many rows
 * they are nearest to (of a sample of about 131,072 rows, if there are more), are clustered by
 * greedy k-means++ and Lloyd on rank 0. A table of at most 16 k rows takes part whole.
 * x          in   [rows_local][columns] float32, within KMEANS_LIMIT
 * centroids  out  [k][columns], the same on every rank; some are equal if fewer than k rows differ
 * Cost: 20 rows_local k d flops, and again as many for the sample; 12 small reductions.
 * Memory: 2 bytes per local row, 160 k d bytes.
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY; ERR_NUMERIC.
 * Source: Bahmani et al. 2012, Scalable k-means++, PVLDB 5(7); Arthur and Vassilvitskii 2007.
 */
enum status kmeans_start(const struct comm *comm, const struct rows *x,
                         const struct kmeans_start_options *opt, double *centroids);

/**
 * Cluster a few weighted points on this rank: greedy k-means++, then at most 10 of Lloyd's
 * iterations. Local.
 * points     in   [count][columns]
 * weight     in   [count] >= 0 with a positive one
 * centroids  out  [k][columns]
 * Errors: ERR_MEMORY.
 */
enum status kmeans_recluster(const float *points, const int64_t *weight, int64_t count,
                             int64_t columns, const struct kmeans_start_options *opt,
                             double *centroids);

#endif
