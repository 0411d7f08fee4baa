/**
 * Effects by group on any residuals.
 */
#ifndef REMISE_ALGORITHMS_DOUBLE_ML_EFFECTS_H
#define REMISE_ALGORITHMS_DOUBLE_ML_EFFECTS_H

#include "algorithms/double_ml.h"

/* Nothing is owned. */
struct double_ml_residuals {
    const struct blocks *blocks;
    const double *outcome, *treatment; /* [rows_local] at most about 1 */
    const double *seen;                /* [rows_local] treatment before controls, the same unit */
    const double *weight;              /* [rows_local] 0 or 1 */
    const int64_t *cluster;            /* [rows_local]; NULL: rows are independent */
    double unit;                       /* of an effect, a power of two */
};

/** As double_ml_groups; group NULL: all rows are in group 0. Collective. */
enum status double_ml_effects(const struct comm *comm, const struct double_ml_residuals *r,
                              int64_t groups, const int32_t *group,
                              struct double_ml_estimate *estimate,
                              struct double_ml_estimate *average);

#endif
