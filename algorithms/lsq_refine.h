/**
 * Solutions of normal equations that are right to the last bit, whatever factor they come from.
 *
 * The factor of a distributed matrix has other last bits on another grid. A solution x is therefore
 * carried with 106 bits and corrected by what the rows themselves say of it: X'W (y - X x), every
 * product and sum of which has 106 bits, added exactly over blocks and ranks. That residual depends
 * on x alone, so that all factors lead to the same solution, that of the rows; they only decide how
 * fast. It is rounded where the noise of the residuals begins.
 * Source: Bjorck 1996, Numerical Methods for Least Squares Problems, 2.9 (refinement); Demmel,
 * Hida, Riedy and Li 2009, ACM TOMS 35(4).
 */
#ifndef REMISE_ALGORITHMS_LSQ_REFINE_H
#define REMISE_ALGORITHMS_LSQ_REFINE_H

#include "algorithms/lsq_system.h"

/**
 * Solve for y, or for right-hand sides, by steps of the system's factor.
 *
 * Collective.
 * s       in   without groups
 * b       in   [kept][sides] row-major, the same on every rank; NULL: X'Wy, with one side
 * start   in   [kept][sides] where to begin; NULL: 0
 * x       out  [kept][sides] on every rank, rounded to double and to 2^-digits of the largest of
 *              its side
 * digits  in   60, or less where the system's condition is beyond 1e6
 * Cost: for each side and round, of which there are about three, one pass over the rows of 40 flops
 *       an element, and a reduction of 48 bytes a column.
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC the corrections do not shrink; ERR_MEMORY.
 */
enum status lsq_refine(const struct comm *comm, const struct lsq_system *s, const double *b,
                       int64_t sides, const double *start, int digits, double *x);

#endif
