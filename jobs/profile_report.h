/**
 * profiles.json: the portraits of the segments, for people to read.
 *
 * For each segment its users, the means of the features in the units people think in, its rules in
 * words, what its users are expected to buy and bring, and the protected groups within it; for the
 * shop the same means, the models of lifetime value, the fit of the mixture, and how well features
 * tell the groups. docs/run-folder.md lists the fields. Figures of fewer than privacy.min_users
 * users are null and marked; all others are rounded to six digits.
 */
#ifndef REMISE_JOBS_PROFILE_REPORT_H
#define REMISE_JOBS_PROFILE_REPORT_H

#include "jobs/profile_groups.h"
#include "jobs/profiles.h"

/**
 * Add up what the segments have in common, say what they are worth, and write the file.
 *
 * Collective.
 * Cost: one pass over the features and a reduction of 16 (features + 3) bytes for each segment.
 * Same bytes for any number of ranks.
 * Errors: ERR_WRITE, ERR_MEMORY.
 */
enum status profile_report_write(const struct comm *comm, const struct run *run,
                                 const struct blocks *blocks, const struct features *features,
                                 const struct profiles *profiles,
                                 const struct profile_groups *groups);

#endif
