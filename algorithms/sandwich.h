/**
 * The middle of sandwich covariances: products of what rows, or clusters of rows, add to estimates.
 *
 * A row adds w e f(row) to an estimate, where e is its residual, w its weight and f the estimate's
 * influence function (a row of (X'WX)^-1 times the row's columns). Rows that are independent give
 * the covariance sum of (w e f)(w e f)' of White 1980, Econometrica 48(4); clusters of dependent
 * rows are summed first (Liang and Zeger 1986, Biometrika 73(1)). A cluster's rows may lie on any
 * ranks: its sums meet on the rank that its key names, and nothing is gathered.
 */
#ifndef REMISE_ALGORITHMS_SANDWICH_H
#define REMISE_ALGORITHMS_SANDWICH_H

#include "algorithms/predictors.h"

struct sandwich {
    struct predictors *influence; /* of the estimates; not owned */
    const double *error;          /* [rows_local] residuals; not owned */
    double weight_scale;          /* factor of the design's weights */
    const double *unit;           /* [count] powers of two that bring the rows' root mean square
                                     contribution to about 1; none is beyond the rows after it */
    const int64_t *cluster; /* [rows_local] a key of each row's cluster; NULL: rows are their own */
    bool pairs;             /* products of all pairs, not only squares */
    int64_t turn_bytes;     /* of clusters' sums at once on a rank; 0: 256 MiB */
};

/**
 * Sum the products over all rows or clusters.
 *
 * Collective.
 * square    out  [count], or [count][count] with pairs, the same on every rank
 * clusters  out  over all ranks, those with a row of positive weight; 0 without keys
 * Cost: one pass over the rows; with clusters one exchange of 16 count bytes for each cluster of a
 *       rank, in turns of about turn_bytes, each another pass.
 * Memory: 24 bytes a row and a turn, with clusters.
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY; ERR_NUMERIC a sum out of range.
 */
enum status sandwich_sum(const struct comm *comm, const struct sandwich *s, double *square,
                         int64_t *clusters);

#endif
