/**
 * Which category, brand, product, market, segment or protected group each slot of a problem belongs
 * to.
 */
#ifndef REMISE_JOBS_LIMIT_GROUPS_H
#define REMISE_JOBS_LIMIT_GROUPS_H

#include "jobs/limits.h"
#include "jobs/run.h"

struct limit_groups {
    struct dictionary names;
    int32_t *group; /* [slots_local] -1: none, or no candidate */
};

/**
 * Find them.
 *
 * Collective.
 * dataset  in   with users where `by` is BY_MARKET or BY_GROUP
 * groups   out  the caller clears it with limit_groups_clear, also on failure
 * Errors: those of reading profiles.h5; ERR_MEMORY.
 */
enum status limit_groups_make(const struct comm *comm, const struct run *run,
                              const struct dataset *dataset, const struct candidates *candidates,
                              enum limit_by by, struct limit_groups *groups);
/** Free; accepts a zeroed struct. Local. */
void limit_groups_clear(struct limit_groups *groups);

/**
 * Those of some names, in their order. Local. Free with dictionary_clear.
 * keep  in  [names->count] true for those that stay; NULL: all
 */
enum status limit_names_keep(const struct dictionary *names, const bool *keep,
                             struct dictionary *kept);

#endif
