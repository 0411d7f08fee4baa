/**
 * The segment of each user in the weeks of each fold, as the user's other weeks tell it.
 *
 * A segment is found from what users bought, discounts among it: those who happened to buy in a
 * promotion would be put together and then seem to wait for promotions. So for the weeks of a fold
 * a user is put in the segment that is nearest to the features of all other weeks; what is then
 * learned from the fold has no part in that.
 */
#ifndef REMISE_JOBS_DEMAND_SEGMENTS_H
#define REMISE_JOBS_DEMAND_SEGMENTS_H

#include "io/dataset.h"

/**
 * Find them.
 * Collective.
 * path      in   profiles.h5
 * segments  out  how many there are
 * segment   out  new [users_local][DEMAND_FOLDS]; the caller frees it
 * Cost: DEMAND_FOLDS times the features of a profile, and a copy of the events.
 * Errors: those of store_read and features_make.
 */
enum status demand_segments_find(const struct comm *comm, const char *path,
                                 const struct dataset *dataset, int64_t *segments,
                                 int32_t **segment);

#endif
