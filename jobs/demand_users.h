/**
 * How many users stand behind the elasticities: what decides which of them a report may show.
 */
#ifndef REMISE_JOBS_DEMAND_USERS_H
#define REMISE_JOBS_DEMAND_USERS_H

#include "io/dataset.h"
#include "jobs/demand.h"

/**
 * Count the distinct users who bought in each category, in each segment and, where there is room
 * for them, of each product, over all ranks.
 * Collective.
 * segment  in   [users_local][DEMAND_FOLDS]; a user may count in several
 * demand   out  category.users, segment.users, product.users, brand.users, promotion.users (who
 *               bought on one) and cross.users, those of the category
 * Errors: ERR_MEMORY.
 */
enum status demand_users_count(const struct comm *comm, const struct dataset *dataset,
                               const int32_t *segment, struct demand *demand);

#endif
