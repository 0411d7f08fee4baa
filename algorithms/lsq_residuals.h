/**
 * Residuals of a solved system of normal equations, from the rows themselves: y'y less what is
 * explained would lose the digits of a good fit.
 */
#ifndef REMISE_ALGORITHMS_LSQ_RESIDUALS_H
#define REMISE_ALGORITHMS_LSQ_RESIDUALS_H

#include "algorithms/lsq_system.h"

/**
 * Sum the weighted squared residuals of all rows for the solution s->x.
 *
 * Collective.
 * square  out  in scaled units; about their group's mean where groups are eliminated
 * Cost: one pass over the rows and one reduction of 32 bytes.
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY.
 */
enum status lsq_residuals_square(const struct comm *comm, const struct lsq_system *s,
                                 double *square);

#endif
