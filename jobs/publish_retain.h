/**
 * Which versions of the table stay when a new one is current.
 */
#ifndef REMISE_JOBS_PUBLISH_RETAIN_H
#define REMISE_JOBS_PUBLISH_RETAIN_H

#include "io/dataset.h"
#include "jobs/versions.h"

/**
 * Remove old versions beyond publish.keep, the oldest first, and those that hold what they must not
 * hold any more: users who are not in the data set, where the settings say who is to be left out
 * (privacy.forget, privacy.forget_file, users.columns.consent); the shop's ids, where
 * publish.user_ids is no longer original. The current version stays.
 * Collective.
 * current  in  its name
 * Cost: one pass over the index of users of each version that is looked into, on every rank.
 * Memory: 1 MiB.
 * Errors: ERR_WRITE a version cannot be removed; ERR_MEMORY.
 */
enum status publish_retain(const struct comm *comm, const struct run *run,
                           const struct dataset *dataset, const char *current);

#endif
