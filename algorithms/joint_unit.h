/**
 * What one unit with several coefficients says of its group's mean, and what the group says of it,
 * given how units are spread around it. Small dense algebra; all local.
 *
 * A unit is its information L (inverse covariance of the estimates, singular where its rows do not
 * tell all) and h = L b. Symmetric matrices of inputs are packed: rows of the upper triangle.
 */
#ifndef REMISE_ALGORITHMS_JOINT_UNIT_H
#define REMISE_ALGORITHMS_JOINT_UNIT_H

#include <stdbool.h>
#include <stdint.h>

enum { JOINT_COLUMNS = 8, JOINT_PACKED = 36, JOINT_SQUARE = 64 };

/** Length of a packed matrix of k columns. */
static inline int64_t joint_packed(int64_t k)
{
    return k * (k + 1) / 2;
}

/** Place of element i, j of a packed matrix, in either order. */
static inline int64_t joint_at(int64_t k, int64_t i, int64_t j)
{
    return i <= j ? i * k - i * (i - 1) / 2 + (j - i) : joint_at(k, j, i);
}

/* Of a unit for its group's mean, with spread T: W = (I + L T)^-1 L and w = (I + L T)^-1 h. */
struct joint_share {
    double information[JOINT_PACKED]; /* W */
    double weighted[JOINT_COLUMNS];   /* w */
    double deviance;                  /* log |I + L T| + b' w */
};

/** The share of a unit. spread [k][k]; information packed; estimate any b with h = L b. */
void joint_share_make(int64_t k, const double *spread, const double *information,
                      const double *estimate, const double *weighted, struct joint_share *share);

/* What sums of shares say of a group's mean; 0 in rows and columns that none tells. */
struct joint_mean {
    double mean[JOINT_COLUMNS];
    double covariance[JOINT_SQUARE]; /* [k][k] */
    double deviance;                 /* log |W| - w' W^-1 w, of what is told */
    bool told[JOINT_COLUMNS];
};

/** The mean of a group. */
void joint_mean_make(int64_t k, const double *information, const double *weighted,
                     struct joint_mean *mean);

/**
 * Posterior of a unit.
 * mean        inout  [k] of the group's mean, then of the unit
 * covariance  inout  [k][k] likewise
 */
void joint_posterior(int64_t k, const double *spread, const double *information,
                     const double *weighted, double *mean, double *covariance);

/** Lower triangular factor of a symmetric positive definite matrix, both [k][k]; false if it is
 * not. */
bool joint_factor(int64_t k, const double *a, double *factor);

#endif
