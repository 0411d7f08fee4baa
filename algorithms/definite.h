/**
 * Small positive definite systems, on one rank and in memory.
 */
#ifndef REMISE_ALGORITHMS_DEFINITE_H
#define REMISE_ALGORITHMS_DEFINITE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Cholesky's factor: a = u' u. Local.
 * a  inout  [n][stride] symmetric positive definite, of which the upper triangle is read; then u
 *           there
 * Returns false if a pivot is not above zero.
 * Cost: n^3 / 3 flops. Same bits on every machine.
 */
bool definite_factor(double *a, int64_t n, int64_t stride);

/**
 * Solve a x = b by Cholesky's method. Local.
 * a  inout  [n][stride] symmetric positive definite, of which the upper triangle is read; then its
 *           factor
 * b  inout  [n] then x
 * Returns false, and leaves b undefined, if a pivot is not above zero.
 * Cost: n^3 / 3 flops. Same bits on every machine.
 */
bool definite_solve(double *a, int64_t n, int64_t stride, double *b);

/** The inverse of a; a and the result as above. inverse out [n][n]. Local. */
bool definite_invert(double *a, int64_t n, int64_t stride, double *inverse);

#endif
