/**
 * The table by category, segment and market: rows, discounts and spend of each group, without those
 * that rest on few users.
 */
#ifndef REMISE_JOBS_BREAKDOWN_H
#define REMISE_JOBS_BREAKDOWN_H

#include "jobs/problem.h"

#include <jansson.h>

/**
 * For the receipt: {category: [...], segment: [...], market: [...]}, what the shop has of them.
 *
 * Collective.
 * dataset  in   with users
 * level    in   [slots_local] the choice
 * json     out  new on every rank, the caller's; NULL unless OK
 * Of more than BREAKDOWN_LISTED groups those with the most spent are listed, and `groups` counted.
 * Memory: 4 bytes a slot.
 * Errors: those of reading profiles.h5; ERR_MEMORY.
 */
enum status breakdown_json(const struct comm *comm, const struct run *run,
                           const struct dataset *dataset, const struct candidates *candidates,
                           const struct problem *problem, const uint8_t *level, json_t **json);

enum { BREAKDOWN_LISTED = 200 };

/**
 * Which limits rest on so few users that their use would tell about single people: of kinds with
 * groups, those whose rows are of fewer than min_users users, and others with them
 * (jobs/suppress.h).
 *
 * Collective.
 * slots   in   slots of a user
 * hidden  out  new [limits], the caller frees it; NULL unless OK
 * Errors: ERR_MEMORY.
 */
enum status breakdown_hidden(const struct comm *comm, const struct problem *problem, int64_t slots,
                             int64_t min_users, bool **hidden);

#endif
