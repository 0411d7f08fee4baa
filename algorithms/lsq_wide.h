/**
 * Least squares for dense and wide designs: their rows in block-cyclic pieces, PDGELS on the rows
 * themselves, refinement.
 *
 * No rank holds more than its share of the rows, however many columns they have.
 */
#ifndef REMISE_ALGORITHMS_LSQ_WIDE_H
#define REMISE_ALGORITHMS_LSQ_WIDE_H

#include "algorithms/lsq_system.h"

/**
 * Find the dependent columns and solve for the others. A penalty stands as a row of its own under
 * the others.
 *
 * Collective.
 * design     in     without groups
 * tolerance  in     a column depends where earlier ones explain all but this part of its squares
 * dropped    inout  [parameters] some already
 * s          out    solved, with R on the grid; free with lsq_system_clear
 * Cost: 2 rows parameters^2 flops, twice where a column is dropped; each row moves once, padded to
 *       64 columns.
 * Memory: 8 bytes for every element of a rank's share.
 * Same bits for any number of ranks.
 * Errors: those of lsq_refine; ERR_ARG too many rows.
 */
enum status lsq_wide_solve(const struct comm *comm, const struct design *design,
                           const struct scaling *scaling, const struct lsq_columns *columns,
                           double tolerance, bool *dropped, struct lsq_system *s);

#endif
