/**
 * Residuals of a solved system of normal equations, from the rows themselves: y'y less what is
 * explained would lose the digits of a good fit.
 */
#ifndef REMISE_ALGORITHMS_LSQ_RESIDUALS_H
#define REMISE_ALGORITHMS_LSQ_RESIDUALS_H

#include "algorithms/least_squares.h"
#include "algorithms/lsq_system.h"
#include "algorithms/predictors.h"

/**
 * Make function k of p the row's columns times a solution of the system. Local.
 * x  in  [kept] at distance stride
 */
void lsq_residuals_function(const struct lsq_system *s, const double *x, int64_t stride, int64_t k,
                            struct predictors *p);

/**
 * Sum the weighted squared residuals of all rows for the solution s->x.
 *
 * Collective.
 * options  in   late columns, and whether residuals are those of a score test
 * error    out  [rows_local] residuals in scaled units, 0 without weight; NULL: not wanted
 * square   out  in scaled units; about their group's mean where groups are eliminated
 * Cost: one pass over the rows and one reduction of 32 bytes.
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY.
 */
enum status lsq_residuals_square(const struct comm *comm, const struct lsq_system *s,
                                 const struct least_squares_options *options, double *error,
                                 double *square);

#endif
