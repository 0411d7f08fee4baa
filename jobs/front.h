/**
 * The efficient front of a receipt: what profit, revenue and the customers' surplus can be had
 * together within the same limits.
 *
 * Weights of the three are swept over a triangle, each problem solved from the prices of the last;
 * tables that another one beats or equals in all three are left out. So each that is left is the
 * best for its weights, and no other table found has more of one without less of another.
 */
#ifndef REMISE_JOBS_FRONT_H
#define REMISE_JOBS_FRONT_H

#include "jobs/what_if.h"

#include <jansson.h>

enum { FRONT_POINTS_MOST = 1000 };

/**
 * Sweep the weights.
 *
 * Collective.
 * w       inout  fresh or restored; left restored
 * maker   in     of the run's cells
 * points  in     1 .. FRONT_POINTS_MOST: as many are looked for, by finer and finer weights
 * json    out    new
 * Cost: about one and a half solutions from prices nearby for each point, at most ten times as many
 *       where tables are alike; on the slots looked at. One pass over all cells for the table's own
 *       totals.
 * Memory: 32 bytes for each level of the slots looked at.
 * Errors: those of what_if_solve.
 * Same for any number of ranks.
 */
enum status front_json(const struct comm *comm, struct what_if *w, const struct cell_maker *maker,
                       int64_t points, json_t **json);

#endif
