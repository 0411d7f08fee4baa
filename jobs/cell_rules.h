/**
 * What the receipt says of the rules that forbid levels of products (enum cell_rule).
 */
#ifndef REMISE_JOBS_CELL_RULES_H
#define REMISE_JOBS_CELL_RULES_H

#include "jobs/cells.h"

#include <jansson.h>

/** Count the levels of a row that each rule forbids. Local. */
void cell_rules_count(const struct slot_cells *cells, int64_t forbidden[CELL_RULES]);

/**
 * Put an entry for each rule that is in force behind the receipt's constraints: name, limit and
 * unit, forbidden_cells; levels that several rules forbid count with each. Local.
 */
void cell_rules_json(const struct cell_maker *maker, const int64_t forbidden[CELL_RULES],
                     json_t *list);

/** Do the settings and the shop have the rule? Local. */
bool cell_rule_in_force(const struct cell_maker *maker, enum cell_rule rule);

/** The name of a rule as in the receipt; constant. Local. */
const char *cell_rule_name(enum cell_rule rule);

#endif
