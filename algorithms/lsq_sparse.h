/**
 * Least squares for one-hot designs of many columns: sparse rows in, dense normal equations out, in
 * block-cyclic pieces from the start.
 *
 * No rank ever holds parameters^2 numbers. Products of sparse columns go to the ranks that hold
 * their elements and are added there as exact sums, so that the matrix has the same bits on any
 * grid; only its factor (PDPOTRF) has not, and is corrected against the rows.
 */
#ifndef REMISE_ALGORITHMS_LSQ_SPARSE_H
#define REMISE_ALGORITHMS_LSQ_SPARSE_H

#include "algorithms/lsq_system.h"

/* Where one level of many depends on all others, rounding grows by the rows of all over its own. */
#define LSQ_SPARSE_TOLERANCE 1e-8

/**
 * Find the dependent columns and solve for the others.
 *
 * Collective.
 * design   in     without groups
 * dropped  inout  [parameters] some already; then those, too, of which earlier ones explain all but
 *                 LSQ_SPARSE_TOLERANCE
 * s        out    solved, with a factor on the grid; free with lsq_system_clear
 * Cost: 16 bytes sent for every pair of sparse entries of a row; parameters^3 / 3 flops over all
 *       ranks, once more where columns are dropped; lsq_refine for one side.
 * Memory: 16 parameters^2 bytes over all ranks.
 * Same bits for any number of ranks.
 * Errors: those of lsq_refine.
 */
enum status lsq_sparse_solve(const struct comm *comm, const struct design *design,
                             const struct scaling *scaling, const struct lsq_columns *columns,
                             bool *dropped, struct lsq_system *s);

#endif
