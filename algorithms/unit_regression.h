/**
 * A regression of its own for each of many units, and the one they share.
 *
 * From moments (algorithms/unit_statistics.h) alone. A unit has its own level (where the model has
 * an intercept) and its own slopes, as far as its rows can tell them; the shared slopes are those
 * of all units together, each with its own level. Of one slope, the wanted one, its estimate and
 * the variance of that are kept: what shrinkage needs.
 */
#ifndef REMISE_ALGORITHMS_UNIT_REGRESSION_H
#define REMISE_ALGORITHMS_UNIT_REGRESSION_H

#include "algorithms/unit_statistics.h"

struct unit_regression_options {
    bool intercept; /* every unit has its own level */
    int64_t wanted; /* column */
};

struct unit_regression {
    int64_t units, columns;
    double *estimate;    /* [units] of the wanted slope; NaN where the unit's rows do not tell it */
    double *leverage;    /* [units] its variance for an error variance of 1; NaN likewise */
    double *coefficient; /* [units][columns] 0 for a slope the unit does not tell */
    int64_t *rank;       /* [units] slopes the unit tells */
    double *square;      /* [units] residual sum of squares */
    int64_t *freedom;    /* [units] rows less slopes and level; >= 0 */
    double *shared;      /* [columns] 0 for a dropped one */
    bool *dropped;       /* [columns] varies in no unit, or others explain it in all */
};

/**
 * Fit them to part 0 of the statistics.
 *
 * Collective.
 * regression  out  new; the caller frees it with unit_regression_free; NULL unless OK
 * A slope is told if earlier ones explain all but 1e-10 of its variance in the unit; the wanted one
 * comes last, so it gives way to the others.
 * Cost: units columns^3 / 3 flops; one maximum and one reduction of columns^2 / 2 sums.
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC a sum is not finite; ERR_MEMORY.
 */
enum status unit_regression_fit(const struct comm *comm, const struct unit_statistics *statistics,
                                const struct unit_regression_options *options,
                                struct unit_regression **regression);
/** Free and null; accepts NULL inside. Local. */
void unit_regression_free(struct unit_regression **regression);

/**
 * Sum of squared errors that slopes leave in moments of rows. Local.
 * moments  in  of x [columns] and y
 * level    in  of the unit, as unit_level gives it
 */
double unit_square(const double *moments, int64_t columns, const double *slope, double level);

/** Level that goes with slopes: mean y less mean x times slope. Local. */
double unit_level(const double *moments, int64_t columns, const double *slope);

#endif
