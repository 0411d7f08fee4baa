/**
 * What a receipt says beside the table it is about: other budgets (jobs/dial.h), other goals
 * (jobs/front.h), and what each rule costs (jobs/rule_cost.h).
 */
#ifndef REMISE_JOBS_OUTLOOK_H
#define REMISE_JOBS_OUTLOOK_H

#include "jobs/allocate_receipt.h"

#include <jansson.h>

/**
 * Add budget_dial, front and rule_cost to a receipt, as the settings ask.
 *
 * Collective.
 * choices  in     solved
 * receipt  inout  the same on every rank
 * Errors: those of the three; ERR_MEMORY.
 * Same for any number of ranks.
 */
enum status outlook_add(const struct comm *comm, const struct allocated *allocated,
                        const struct choices *choices, json_t *receipt);

#endif
