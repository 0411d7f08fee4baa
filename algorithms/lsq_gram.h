/**
 * Least squares by replicated normal equations: exact sums of blocks, Cholesky on the grid,
 * refinement to the last bit of what the sums hold.
 */
#ifndef REMISE_ALGORITHMS_LSQ_GRAM_H
#define REMISE_ALGORITHMS_LSQ_GRAM_H

#include "algorithms/gram.h"
#include "algorithms/lsq_system.h"

#define LSQ_GRAM_TOLERANCE 1e-10 /* normal equations tell no smaller parts of a column from none */
#define LSQ_GRAM_ILL 1e-4        /* below it a coefficient may have less than twelve digits */

/**
 * The columns in the order in which it is settled what depends on what: absorbed levels before all
 * others; NULL where that is by number. Local; the caller frees.
 */
enum status lsq_gram_order(const struct design *design, int64_t **order);

/**
 * Sum the normal equations and find the dependent columns.
 *
 * Collective.
 * tolerance  in   as in least_squares_options
 * scaling    out  free with scaling_clear, also on failure
 * gram       out  free with gram_clear, also on failure
 * dropped    out  [parameters]
 * ill        out  whether a dense column keeps less than LSQ_GRAM_ILL of its squares
 * Cost: one pass over the rows where a guess of the scales does, otherwise three.
 * Same bits for any number of ranks.
 * Errors: those of scaling_measure and gram_make.
 */
enum status lsq_gram_sum(const struct comm *comm, const struct design *design, double tolerance,
                         struct scaling *scaling, struct gram *gram, bool *dropped, bool *ill);

/**
 * Add a ridge to the normal equations of the first `penalised` parameters but an intercept; none of
 * these is dropped then. Local.
 * ridge  in  > 0, in the units of weights, of y and of the columns
 */
void lsq_gram_penalise(const struct design *design, const struct scaling *scaling, double ridge,
                       int64_t penalised, struct gram *gram, bool *dropped);

/**
 * Solve for the kept columns; uses up gram->a, which must outlive the system.
 *
 * Collective.
 * s       out  solved; free with lsq_system_clear
 * square  out  what is left of y'Wy, to 15 digits of y'Wy, in scaled units
 * Same bits for any number of ranks.
 * Errors: those of cholesky_factor and cholesky_solve.
 */
enum status lsq_gram_solve(const struct comm *comm, const struct design *design,
                           const struct scaling *scaling, struct gram *gram, const bool *dropped,
                           struct lsq_system *s, double *square);

#endif
