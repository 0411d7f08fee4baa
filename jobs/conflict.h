/**
 * What to tell the shop where no table keeps all limits: which of them cannot hold together, and by
 * how much.
 */
#ifndef REMISE_JOBS_CONFLICT_H
#define REMISE_JOBS_CONFLICT_H

#include "jobs/choices.h"

/**
 * Find the smallest set of limits in conflict and say it in the log, each with what it would need.
 *
 * Collective.
 * choices  in  prices and uses that knapsack_solve left behind
 * Cost: that of knapsack_conflict_find: the problem solved again for each limit of the proof.
 * Returns ERR_NUMERIC with the limits' names; ERR_MEMORY.
 */
enum status conflict_tell(const struct comm *comm, const struct problem *problem,
                          const struct knapsack_cells *cells, const struct choices *choices);

#endif
