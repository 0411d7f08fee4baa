/**
 * Limits as people read them: numbers in their units, and the list of a receipt.
 */
#ifndef REMISE_JOBS_PROBLEM_JSON_H
#define REMISE_JOBS_PROBLEM_JSON_H

#include "jobs/choices.h"

#include <jansson.h>

enum { PROBLEM_LISTED = 200 }; /* limits of one kind that are listed one by one */

/** A limit or use in its unit, the sign turned back where the kind is `at_least`. Local. */
double problem_shown(const struct problem *problem, const struct problem_kind *kind, int64_t units);

/** What one more of the unit in the limit would add to the objective, in currency. Local. */
double problem_shown_price(const struct problem *problem, const struct problem_kind *kind,
                           int64_t price);

/**
 * Append each limit to an array as {name, rule, [group,] limit, [at_least,] used, slack,
 * dual_price, unit}; of a kind with more than PROBLEM_LISTED groups only those that have a price,
 * dearest first, and {name, rule, groups, binding, listed, unit}. Local.
 * hidden  in  [limits] whose used and slack are null and marked `suppressed`; NULL: none
 */
void problem_limits_json(const struct problem *problem, const struct choices *choices,
                         const bool *hidden, json_t *list);

#endif
