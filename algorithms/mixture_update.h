/**
 * The parameters of a mixture between two passes over the rows: what a pass needs of them, and the
 * new ones from its sums.
 *
 * A pass sees each component through the inverse of the lower triangle L of its covariance
 * C = L L', which whitens a row: the squared length of L^-1 (z - mean) is the distance that its
 * density follows from.
 */
#ifndef REMISE_ALGORITHMS_MIXTURE_UPDATE_H
#define REMISE_ALGORITHMS_MIXTURE_UPDATE_H

#include "algorithms/mixture.h"

struct mixture_factors {
    double *inverse;   /* of L: full [k][d][d], tied [d][d]; diagonal [k][d] */
    double *log_scale; /* [k] logarithm of the determinant of L */
    double *work;      /* [2][d][d] */
};

/** Space; clear with mixture_factors_clear. Local. Errors: ERR_MEMORY. */
enum status mixture_factors_init(struct mixture_factors *factors,
                                 const struct mixture_model *model);
/** Accepts a zeroed struct. Local. */
void mixture_factors_clear(struct mixture_factors *factors);

/** Sums of a component: rows, d columns, and their products (see mixture_update). Local. */
int64_t mixture_terms(enum mixture_covariance covariance, int64_t columns);

/**
 * Factors of the covariances of a model.
 * Local, the same on every rank.
 * Errors: ERR_NUMERIC one is not positive definite.
 */
enum status mixture_factor(const struct mixture_model *model, struct mixture_factors *factors);

/**
 * The parameters of the highest likelihood for given responsibilities: weights, means, and
 * covariances of which no direction's variance is below the floor; and their factors.
 *
 * Local, the same on every rank. A component that holds less than a millionth of a row stays where
 * it is. Subtracting means costs the digits by which a mean exceeds its component's deviation: with
 * standardised columns and the floor half of them at the worst.
 * sums     in     [k][mixture_terms]: of responsibilities, of them times z, and of them times
 *                 z_i z_j, i <= j (full) or z_j^2 (diagonal)
 * scatter  in     [d][d] sum of z z' over all rows (tied only)
 * Cost: O(k d^3).
 * Errors: as mixture_factor.
 */
enum status mixture_update(const double *sums, const double *scatter, double floor,
                           struct mixture_model *model, struct mixture_factors *factors);

/**
 * Raise the eigenvalues of a symmetric matrix [n][n] to at least floor.
 * Local.
 * work  -  [2][n][n]
 * Returns how many were lower.
 * Source: Jacobi's rotations, Golub and Van Loan, Matrix Computations, 8.5.
 */
int64_t mixture_raise(double *a, int64_t n, double floor, double *work);

#endif
