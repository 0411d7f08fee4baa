/**
 * Symmetric positive definite systems, factored by ScaLAPACK on the grid of all ranks and refined
 * to the last bit.
 *
 * Another grid changes the last bits of a distributed factor. Solutions here are therefore carried
 * with 106 bits and corrected, with residuals of the same precision, until they are far more exact
 * than a double; rounded, they no longer depend on the number of ranks. The matrix is replicated
 * (4,096 columns take 134 MB).
 */
#ifndef REMISE_ALGORITHMS_CHOLESKY_H
#define REMISE_ALGORITHMS_CHOLESKY_H

#include "mpi/grid.h"

struct cholesky {
    struct grid grid;
    int64_t columns;
    const double *a; /* not owned; [columns][columns] */
    double *factor;  /* this rank's share, block-cyclic */
    int descriptor[9];
    int rows_share, columns_share;
};

/**
 * Mark the columns that depend linearly on earlier ones.
 *
 * Collective; rank 0 computes, so that all ranks decide alike.
 * a          in   [columns][columns] symmetric, the same on every rank
 * order      in   [columns] the columns as they are taken in turn; NULL: by number
 * reference  in   [columns] what a pivot is compared with, usually the diagonal
 * tolerance  in   column j depends if its pivot is at most tolerance * reference[j]
 * dependent  out  [columns]
 * part       out  [columns] each pivot over its reference, 0 where that is 0; NULL: not wanted
 * Cost: columns^3 / 3 flops and a copy of the matrix on rank 0.
 * Errors: ERR_MEMORY.
 */
enum status cholesky_dependent(const struct comm *comm, const double *a, int64_t columns,
                               const int64_t *order, const double *reference, double tolerance,
                               bool *dependent, double *part);

/**
 * Factor a symmetric positive definite matrix (PDPOTRF).
 *
 * Collective.
 * a       in   [columns][columns], the same on every rank, diagonal near 1; must outlive the factor
 * factor  out  end with cholesky_clear
 * Errors: ERR_NUMERIC not positive definite; ERR_MEMORY; ERR_LAUNCH no grid.
 */
enum status cholesky_factor(const struct comm *comm, const double *a, int64_t columns,
                            struct cholesky *factor);

/**
 * Solve a x = b for several right-hand sides (PDPOTRS and refinement).
 *
 * Collective.
 * b  in   [columns][sides] row-major, the same on every rank
 * x  out  [columns][sides], rounded to double and to 2^-60 of the largest of its side, on every
 *         rank
 * Cost: about four rounds of columns^2 * sides operations of 20 flops, shared by the ranks, and two
 *       gathers of x each.
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC the corrections do not shrink (condition above about 1e12); ERR_MEMORY.
 */
enum status cholesky_solve(const struct comm *comm, const struct cholesky *factor, const double *b,
                           int64_t sides, double *x);

/**
 * The whole inverse, where all of its columns are wanted to the digits of a double.
 *
 * Collective; rank 0 computes, so that bits do not depend on the number of ranks.
 * inverse  out  new, the caller frees it: [columns][columns] on every rank; NULL unless OK
 * Cost: columns^3 flops on rank 0, a broadcast of 8 columns^2 bytes.
 * Errors: ERR_MEMORY; ERR_NUMERIC not positive definite.
 */
enum status cholesky_inverse(const struct comm *comm, const struct cholesky *factor,
                             double **inverse);

/* Solve for one right-hand side, as cholesky_solve does; `system` is the caller's. Collective. */
typedef enum status solve_function(const struct comm *comm, const void *system, const double *b,
                                   double *x);

/**
 * Estimate the 1-norm of the inverse of any symmetric matrix; a lower bound, seldom more than 3
 * times too small.
 *
 * Collective.
 * Cost: 4 to 10 solves.
 * Same bits for any number of ranks.
 * Errors: those of solve.
 * Source: Higham 1988, ACM TOMS 14(4), algorithm 674.
 */
enum status symmetric_inverse_norm(const struct comm *comm, int64_t columns, solve_function *solve,
                                   const void *system, double *norm);
/**
 * symmetric_inverse_norm of many columns in double: rank 0 factors and estimates, so that bits do
 * not depend on the number of ranks.
 *
 * Collective.
 * norm  out  NaN where the matrix is not positive definite to double precision
 * Cost: columns^3 / 3 flops and a copy of the matrix on rank 0.
 * Errors: ERR_MEMORY.
 */
enum status cholesky_inverse_estimate(const struct comm *comm, const struct cholesky *factor,
                                      double *norm);
/** symmetric_inverse_norm of a factored matrix. Collective. */
enum status cholesky_inverse_norm(const struct comm *comm, const struct cholesky *factor,
                                  double *norm);

/** Free and leave the grid. Collective over the grid; accepts a zeroed struct. */
void cholesky_clear(struct cholesky *factor);

#endif
