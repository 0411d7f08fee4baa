/**
 * Levels whose rows join them badly, such as workers who seldom change their firm: where the
 * diagonal alone does not lead conjugate gradients to an end, elimination does.
 *
 * Two effects alone are a graph: levels are nodes, rows that have two of them edges. The
 * preconditioner solves each pair of effects nearly by itself (algorithms/elimination.h) and adds
 * up what that gives, which with two effects is nearly the whole solution. A factor is not cut over
 * ranks: one or two ranks hold all of the matrix and solve columns by themselves, so that a
 * column's bits are the same at any number of ranks.
 */
#ifndef REMISE_ALGORITHMS_LEVELS_CORE_H
#define REMISE_ALGORITHMS_LEVELS_CORE_H

#include "algorithms/levels.h"

/**
 * Bring the matrix to the ranks that solve, and factor.
 *
 * Collective.
 * levels  in   of at most LEVELS_PAIRS_MAX pairs
 * core    out  new; the caller frees it with levels_core_free; NULL unless OK
 * Cost: one exchange of 32 bytes a pair of levels met together, and elimination_make.
 * Memory: on two ranks about 100 bytes a pair and 250 a level; on the others nothing.
 * Errors: ERR_MEMORY.
 */
enum status levels_core_make(const struct comm *comm, const struct levels *levels,
                             struct levels_core **core);
/** Free and null; accepts NULL inside. Local. */
void levels_core_free(struct levels_core **core);

/**
 * Solve as levels_solve does, from a first guess.
 *
 * Collective.
 * x         inout  [total][LEVELS_COLUMNS] the same on every rank
 * solution  inout  its iterations grow
 * A column is done when the squares that the levels still explain, by the energy of the last steps
 * and by the preconditioner, are at most tolerance^2 * square; the rest is then taken anew.
 * Cost: for each iteration about 20 flops a pair, and elimination_apply; at the end a reduction of
 *       8 total LEVELS_COLUMNS bytes.
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY. Not to converge is none: see solution.
 * Source: Hestenes and Stiefel 1952, J. Res. NBS 49(6) (the energy); Strakos and Tichy 2002.
 */
enum status levels_core_solve(const struct comm *comm, const struct levels *levels,
                              const struct levels_core *core, const double *side,
                              const double *square, double tolerance, double *x,
                              struct levels_solution *solution);

#endif
