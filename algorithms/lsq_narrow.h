/**
 * Least squares for ill-conditioned, tall and narrow designs: QR of blocks, PDGELS over the stacked
 * triangles, refinement against the rows.
 *
 * Which columns depend on others is read off R, whose diagonal resolves parts of a column down to
 * 1e-14 of its norm, where normal equations end at 1e-7.
 */
#ifndef REMISE_ALGORITHMS_LSQ_NARROW_H
#define REMISE_ALGORITHMS_LSQ_NARROW_H

#include "algorithms/lsq_system.h"

/**
 * Find the dependent columns, and solve for the others.
 *
 * Collective.
 * design     in   without groups, at most TRIANGLES_COLUMNS_MAX parameters
 * order      in   [parameters] the columns as they are taken in turn; NULL: by number
 * tolerance  in   a column depends where earlier ones explain all but this part of its squares
 * dropped    out  [parameters]
 * s          out  solved, with a triangle; free with lsq_system_clear
 * Cost: that of triangles_make, and of lsq_refine for one side.
 * Same bits for any number of ranks.
 * Errors: those of lsq_refine.
 */
enum status lsq_narrow_solve(const struct comm *comm, const struct design *design,
                             const struct scaling *scaling, const int64_t *order, double tolerance,
                             bool *dropped, struct lsq_system *s);

#endif
