/**
 * Limits that each user has for its own rows (allocate.user): how many discounts, what they add up
 * to, and what they may cost against what the user spends (purchase power).
 *
 * They are caps of the problem (jobs/problem.h): at the prices of the other limits every user gets
 * the best choice that keeps its own, found exactly. Purchase power: the expected cost of a user's
 * discounts is at most the given share of what the user spent in the last year (of all days there
 * are, where they are fewer), brought to the days of the table; who spent nothing may have
 * allocate.user.cost_without_spend.
 */
#ifndef REMISE_JOBS_USER_LIMITS_H
#define REMISE_JOBS_USER_LIMITS_H

#include "jobs/limit_kinds.h"

#include <jansson.h>

/**
 * Add the caps that the settings ask for, and measures they need; cells are not there yet.
 *
 * Collective.
 * dataset  in  users and times of the events
 * slots    in  rows of each user
 * Errors: those of reading dataset.h5; ERR_CONFIG too many measures; ERR_MEMORY.
 * Same for any number of ranks.
 */
enum status user_limits_add(const struct comm *comm, const struct run *run,
                            const struct dataset *dataset, int64_t slots, struct limit_plan *plan,
                            struct problem *problem);

/** Do all caps hold on this rank? Local. level in [rows_local] */
bool user_limits_hold(const struct problem *problem, const uint8_t *level);

/** What the rows of a local user use of a cap. Local. */
int64_t user_limits_used(const struct problem *problem, const uint8_t *level, int cap,
                         int64_t user);

/**
 * For the receipt: of each cap its limit, what users use of it at most, how many are at it, how
 * many it decides for, and what it costs at the prices.
 *
 * Collective.
 * prices  in   of the other limits
 * json    out  the caller's; NULL where there are no caps
 * Cost: a pass over the cells and one more over users that a cap binds, for each cap.
 * Errors: ERR_MEMORY.
 */
enum status user_limits_json(const struct comm *comm, const struct problem *problem,
                             const int64_t *prices, const uint8_t *level, json_t **json);

#endif
