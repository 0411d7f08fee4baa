/**
 * What each rule costs: how much more the objective could be without it, all others kept.
 *
 * The problem is solved without the limits of the rule. What that earns more is what the rule costs
 * at least, up to the gap of this solution; what its bound is above the table's objective is what
 * it costs at most. Rules without a price cost nothing beyond the gap of the table, and are not
 * solved for.
 */
#ifndef REMISE_JOBS_RULE_COST_H
#define REMISE_JOBS_RULE_COST_H

#include "jobs/what_if.h"

#include <jansson.h>

/**
 * One entry for each rule of the problem, in the order of its kinds, and one for what each floor
 * alone forbids.
 *
 * Collective.
 * w      inout  fresh or restored; left restored
 * maker  in     of the run's cells
 * json   out    new
 * Cost: for each rule with a price a solution from prices nearby on the slots looked at, and where
 *       these are a sample a pass over all cells.
 * Errors: those of what_if_solve.
 * Same for any number of ranks.
 */
enum status rule_cost_json(const struct comm *comm, struct what_if *w,
                           const struct cell_maker *maker, json_t **json);

#endif
