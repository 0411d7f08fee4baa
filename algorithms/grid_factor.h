/**
 * A matrix in block-cyclic pieces on the grid of all ranks, and its factor: Cholesky (PDPOTRF) of a
 * symmetric one, or R of a tall one by ScaLAPACK's least squares (PDGELS).
 *
 * No rank holds more than its pieces. Solutions have the digits of a double factor and other last
 * bits on another grid: steps for algorithms/lsq_refine.h.
 */
#ifndef REMISE_ALGORITHMS_GRID_FACTOR_H
#define REMISE_ALGORITHMS_GRID_FACTOR_H

#include "mpi/grid.h"

enum { GRID_BLOCK = 64 };

struct grid_factor {
    struct grid grid;
    int64_t rows, columns; /* rows >= columns */
    bool upper;            /* R of a QR decomposition, otherwise L of Cholesky's */
    int rows_share, columns_share;
    int side_share; /* of `columns` elements along the rows of the grid */
    double *a;      /* [columns_share][rows_share] column-major */
    int descriptor[9];
};

/**
 * Lay a zero matrix over the grid. Collective. End with grid_factor_clear.
 * Errors: ERR_MEMORY; ERR_LAUNCH no grid; ERR_ARG more rows than ScaLAPACK counts.
 */
enum status grid_factor_open(const struct comm *comm, int64_t rows, int64_t columns,
                             struct grid_factor *f);
/** Free and leave the grid. Collective over the grid; accepts a zeroed struct. */
void grid_factor_clear(struct grid_factor *f);

/** Rank that holds an element. Local. */
int grid_factor_holder(const struct grid_factor *f, int64_t row, int64_t column);
/** Where an element lies on the rank that holds it. Local. */
double *grid_factor_at(const struct grid_factor *f, int64_t row, int64_t column);

/** The diagonal on every rank: [columns]. Collective, one reduction of 8 bytes a column. */
void grid_factor_diagonal(const struct comm *comm, const struct grid_factor *f, double *diagonal);

/**
 * Factor a symmetric positive definite matrix, of which the lower triangle is filled (PDPOTRF).
 * Collective.
 * failed  out  column at which it is not positive definite, -1 where it is
 */
void grid_factor_cholesky(const struct comm *comm, struct grid_factor *f, int64_t *failed);

/**
 * Solve min |a x - y| and keep R (PDGELS).
 *
 * Collective.
 * y  inout  [rows_share] on ranks of the grid's first column: their rows
 * x  out    [columns] on every rank
 * Errors: ERR_MEMORY.
 */
enum status grid_factor_least_squares(const struct comm *comm, struct grid_factor *f, double *y,
                                      double *x);

/**
 * x = (L L')^-1 b, or (R'R)^-1 b (PDPOTRS). Collective.
 * b  in   [columns] the same on every rank
 * x  out  [columns] on every rank
 * Errors: ERR_MEMORY.
 */
enum status grid_factor_step(const struct comm *comm, const struct grid_factor *f, const double *b,
                             double *x);

#endif
