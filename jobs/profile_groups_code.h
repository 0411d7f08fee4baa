/**
 * Which of the groups to report on a user belongs to. A part of jobs/profile_groups.h.
 */
#ifndef REMISE_JOBS_PROFILE_GROUPS_CODE_H
#define REMISE_JOBS_PROFILE_GROUPS_CODE_H

#include "jobs/profile_groups.h"

/**
 * Choose the groups, name and count them, and give every local user its own.
 *
 * Collective.
 * groups  out  groups, names, known, unknown, users
 * code    out  new [users_local], the caller frees it: 0 .. groups - 1; `groups` for those that are
 *              too small; -1 without a value
 * Errors: those of bins_make; ERR_MEMORY.
 */
enum status profile_groups_code(const struct comm *comm, const struct profile_groups_source *source,
                                struct profile_groups *groups, int32_t **code);

#endif
