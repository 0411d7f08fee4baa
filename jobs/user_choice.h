/**
 * What the limits of a user make of its rows, exactly: at the prices of the other limits a user has
 * the best choice of all that keep its own, and what a level of one row would cost is told by the
 * best choice that has it. All local.
 */
#ifndef REMISE_JOBS_USER_CHOICE_H
#define REMISE_JOBS_USER_CHOICE_H

#include "jobs/problem.h"
#include "jobs/reduced_cost.h"

/**
 * By how much the user's best choice is worth more than its best one with this level in this row:
 * the reduced cost of the level under the user's limits, 2^-30 units of value, 0 or above.
 *
 * The problem has caps and all rows of the user.
 * without  in   bit c: cap c does not count
 * found    out  false: no choice with the level keeps the limits, or the search was cut short
 * Errors: ERR_MEMORY.
 */
enum status user_choice_loss(const struct problem *problem, const int64_t *price, int64_t row,
                             int level, uint32_t without, wide_int *loss, bool *found);

/**
 * By how much a cap lowers what the user's rows can be worth at the prices, 2^-30 units of value;
 * 0: without it the choice could be the same. Errors: ERR_MEMORY.
 */
enum status user_choice_cost(const struct problem *problem, const int64_t *price, int64_t user,
                             int cap, wide_int *cost);

/** The first cap that the user's rows break once this row has that level; -1: none. */
int user_choice_broken(const struct problem *problem, const uint8_t *chosen, int64_t row,
                       int level);

#endif
