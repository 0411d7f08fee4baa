/**
 * Double machine learning with several deals of the folds.
 *
 * Which rows share a fold is chance, and moves the estimate a little. The median over several deals
 * hardly depends on it, and its standard error allows for how far they lie apart.
 */
#ifndef REMISE_JOBS_FIT_DML_REPEATS_H
#define REMISE_JOBS_FIT_DML_REPEATS_H

#include "algorithms/double_ml.h"

enum { FIT_DML_REPEATS_MAX = 100 };

/* What one deal of the folds says. */
struct fit_dml_found {
    struct double_ml *ml; /* NULL of all but the first */
    struct double_ml_estimate effect, average;
    struct double_ml_estimate *group; /* [groups] */
    struct double_ml_terms terms;     /* zeroed without */
};

/** Free; accepts a zeroed struct. Local. */
void fit_dml_found_clear(struct fit_dml_found *found);

/**
 * Put the medians in the first: of estimates, and of squared errors, each with the square of how
 * far its estimate is from the median. NaN in one is NaN in all. Local; also in found[0].ml.
 * found  inout  [repeats] 1 .. FIT_DML_REPEATS_MAX
 * Source: Chernozhukov et al. 2018, Econometrics Journal 21(1), section 3.4.
 */
void fit_dml_repeats_join(struct fit_dml_found *found, int64_t repeats, int64_t groups);

#endif
