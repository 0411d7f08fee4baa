/**
 * The budget dial of a receipt: what other budgets would earn.
 *
 * With one budget and nothing else the points lie on the hull path, exact: each is the most that
 * can be earned for what it spends. With more limits each point is a problem solved from the last
 * one's prices, all limits on money scaled together and the others as they are.
 */
#ifndef REMISE_JOBS_DIAL_H
#define REMISE_JOBS_DIAL_H

#include "jobs/what_if.h"

#include <jansson.h>

enum { DIAL_POINTS_MOST = 1000 };

/**
 * Tell the path from spend to value.
 *
 * Collective.
 * w       inout  fresh or restored; left restored
 * points  in     1 .. DIAL_POINTS_MOST, from little to all that is worth spending
 * json    out    new; null where no money is limited
 * Cost: with one budget one pass over all cells and 10 a point over the slots looked at; else a
 *       solution from prices nearby on these for each point, and where they are a sample one pass
 *       over all cells for its bound.
 * Errors: those of what_if_solve.
 * Same for any number of ranks.
 */
enum status dial_json(const struct comm *comm, struct what_if *w, int64_t points, json_t **json);

#endif
