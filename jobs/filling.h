/**
 * Filling the gaps of one kind of value as its setting says (jobs/impute.h): learn from the values
 * that are there, then ask what stands in.
 */
#ifndef REMISE_JOBS_FILLING_H
#define REMISE_JOBS_FILLING_H

#include "jobs/impute.h"

struct filling {
    struct impute_policy policy;
    struct group_statistics *values; /* NULL where the policy needs none */
};

/** Begin. Local. memory_bytes and folder as for group_statistics_new. Errors: ERR_MEMORY. */
enum status filling_init(const struct config *config, enum impute_what what, int64_t memory_bytes,
                         const char *folder, struct filling *filling);

/** Learn a value that is there. Local; nothing is done where the policy needs nothing. */
enum status filling_learn(struct filling *filling, int64_t product, int64_t category, double value);

/** Done learning. Collective. groups: products and categories are below it. */
enum status filling_finish(const struct comm *comm, struct filling *filling, int64_t groups);

/** What stands in; NAN if nothing does. Local. */
double filling_value(const struct filling *filling, int64_t product, int64_t category);

/** Free; accepts a zeroed struct. Local. */
void filling_clear(struct filling *filling);

#endif
