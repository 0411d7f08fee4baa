/**
 * What is individual about units of a few yes-or-no observations each: a random offset, an offset
 * for each group of its observations, and a random slope, on top of log odds that somebody else
 * predicts for all.
 *
 *     log odds of row j of unit u = logit[j] + offset[u] + grouped[u, group[j]] + slope[u] x[j]
 *
 * with independent normal effects of mean 0. How far they spread is found from pairs of rows of one
 * unit: the residuals of two rows have in common what their unit has, whatever else is wrong with
 * the prediction. A unit's own effects are then the mode of their posterior, with its curvature as
 * their uncertainty (Laplace). Use: effects_spread_fit over all units, then for each unit
 * effects_fit and effects_at for a group of interest.
 */
#ifndef REMISE_ALGORITHMS_RANDOM_EFFECTS_H
#define REMISE_ALGORITHMS_RANDOM_EFFECTS_H

#include "mpi/comm.h"

enum { EFFECTS_ROWS_MAX = 256, EFFECTS_PAIRED_MAX = 64 };

/* Rows of the units of this rank, all arrays borrowed. */
struct effects_data {
    int64_t units;
    const int64_t *start; /* [units + 1] first row of each unit */
    const float *logit;   /* [rows] predicted without knowing the unit's rows */
    const float *x;       /* [rows] what the slope is of */
    const float *y;       /* [rows] 0 or 1 */
    const int32_t *group; /* [rows] */
};

/* Variances. */
struct effects_spread {
    double offset, grouped, slope;
};

/* What is known of predictions and effects before outcomes are. */
struct effects_before {
    double none;        /* chance that units have no offsets at all, and groups none: 0 .. 1 */
    int64_t members;    /* predictions of each row by models without one part of the units; 0 .. */
    const float *apart; /* [rows][members] log odds less their mean; borrowed */
};

/**
 * Find the variances: least squares over pairs of rows of a unit, products of residuals against
 *
 *     w[i] w[j] (offset + grouped [same group] + slope x[i] x[j]),   w = p (1 - p)
 *
 * and of each its mean over what the pairs leave possible (effects_spread_mean).
 * Rows of a unit have in common what the model is wrong about, too. How far the members lie apart
 * tells that: the sum over them of apart[i] apart[j] is the covariance of the errors of any one, by
 * the jackknife, and w[i] w[j] times it is taken off the pair's product.
 *
 * Collective; a rank may have no units.
 * before  in   the same on every rank but for its rows
 * Cost: the latest EFFECTS_PAIRED_MAX rows of each unit with each other; one reduction of 12 sums.
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC a row is not finite; ERR_MEMORY.
 * Source: Efron and Stein 1981, Ann. Statist. 9(3) (jackknife).
 */
enum status effects_spread_fit(const struct comm *comm, const struct effects_data *data,
                               const struct effects_before *before, struct effects_spread *spread);

#define EFFECTS_USUAL 0.1

/**
 * Mean of a variance whose estimate is normal with this standard error. Local.
 * none  in   the chance, before that estimate, that it is 0; else it is exponential of mean
 *            EFFECTS_USUAL
 * Source: Mitchell and Beauchamp 1988, JASA 83(404) (spike and slab).
 */
double effects_spread_mean(double estimate, double se, double none);

/* A unit's posterior. The groups are those of its rows. */
struct effects_unit {
    double offset, slope; /* posterior mode */
    double cov[3];        /* of the two: offset, both, slope */
    int groups;
    int32_t group[EFFECTS_ROWS_MAX];  /* [groups] */
    double grouped[EFFECTS_ROWS_MAX]; /* [groups] posterior mode */
    double given[EFFECTS_ROWS_MAX];   /* [groups] its variance if offset and slope were known */
    double pull[EFFECTS_ROWS_MAX][2]; /* [groups] how much it falls as offset or slope rise */
    double unknown;                   /* variance in any other group */
};

/**
 * Posterior of one unit by Newton's method. Local.
 * first, next  in  its rows; of more than EFFECTS_ROWS_MAX the last ones
 * Cost: about 5 passes over the rows.
 */
void effects_fit(const struct effects_data *data, int64_t first, int64_t next,
                 const struct effects_spread *spread, struct effects_unit *unit);

/* Offset and slope where a group is asked for: mean and covariance. */
struct effects {
    double offset, slope;
    double offset_var, both_cov, slope_var;
};

/** Offset (the unit's and the group's) and slope in a group. Local. Cost: O(groups). */
struct effects effects_at(const struct effects_unit *unit, int32_t group);

#endif
