/**
 * The choice between the ways to solve a linear model, by its size and condition.
 *
 * | path      | taken for                                   | no rank holds more than            |
 * | --------- | ------------------------------------------- | ---------------------------------- |
 * | gram      | at most DESIGN_REPLICATED_MAX columns       | the normal equations               |
 * | triangles | of these, at most TRIANGLES_COLUMNS_MAX of  | 32 triangles                       |
 * |           | which a dense one is nearly dependent       |                                    |
 * | grid      | more columns, most of them sparse           | its pieces of the normal equations |
 * | rows      | more columns, most of them dense, and dense | its pieces of the rows             |
 * |           | ones that are more than half the rows       |                                    |
 *
 * What decides is the same on any number of ranks: counts of the whole table, and sums that have
 * the same bits.
 */
#ifndef REMISE_ALGORITHMS_LSQ_PATH_H
#define REMISE_ALGORITHMS_LSQ_PATH_H

#include "algorithms/gram.h"
#include "algorithms/least_squares.h"
#include "algorithms/lsq_system.h"

struct lsq_solution {
    struct scaling scaling;
    struct gram gram;
    struct lsq_system system; /* borrows the two above */
    double square;            /* what is left of y'Wy in scaled units; NaN where nobody knows */
};

/**
 * Choose a path and solve; sets fit->path, fit->why and fit->dropped.
 *
 * Collective.
 * plain     in   a design without effects; must outlive the solution
 * solution  out  free with lsq_solution_clear, also on failure
 * Same bits for any number of ranks.
 * Errors: those of the paths; ERR_ARG more than DESIGN_REPLICATED_MAX columns together with groups.
 */
enum status lsq_path_solve(const struct comm *comm, const struct absorbed *plain,
                           const struct least_squares_options *options, struct least_squares *fit,
                           struct lsq_solution *solution);
/** Free; accepts a zeroed struct. Collective over the grid of the factor. */
void lsq_solution_clear(struct lsq_solution *solution);

#endif
