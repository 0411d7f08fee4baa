/**
 * The weighted sum of predictions that comes nearest to a target.
 */
#ifndef REMISE_ALGORITHMS_DOUBLE_ML_STACK_H
#define REMISE_ALGORITHMS_DOUBLE_ML_STACK_H

#include "algorithms/double_ml.h"

/* What is stacked; nothing is owned. */
struct double_ml_stack {
    const struct blocks *blocks;
    int64_t learners;
    const double *predict; /* [learners][rows_local] at most about 1 */
    const double *y;       /* [rows_local] the same */
    const double *weight;  /* [rows_local] 0 or 1 */
};

/**
 * Weights by least squares with a constant, none negative, and what they leave of y.
 *
 * Collective.
 * rest      out  [rows_local] 0 without weight
 * nuisance  out  weights of learners that are not there are 0
 * Cost: every set of learners is tried; two passes over the rows.
 * Same bytes for any number of ranks.
 * Errors: ERR_MEMORY, ERR_NUMERIC.
 */
enum status double_ml_stack(const struct comm *comm, const struct double_ml_stack *stack,
                            double *rest, struct double_ml_nuisance *nuisance);

#endif
