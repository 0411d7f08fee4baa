/**
 * How well the features tell the group of a user whom the model has not seen. A part of
 * jobs/profile_groups.h.
 *
 * A sample of about PROFILE_GROUPS_JUDGED users, by their keys, is dealt to five folds. Users of a
 * fold are judged by a forest of those of the other four. Each fold has an AUC of its own, weighed
 * by its pairs of users of the group and others: scores of two forests are never compared.
 */
#ifndef REMISE_JOBS_PROFILE_GROUPS_AUC_H
#define REMISE_JOBS_PROFILE_GROUPS_AUC_H

#include "jobs/profile_groups.h"

enum { PROFILE_GROUPS_JUDGED = 100000 };

/**
 * Judge every group.
 *
 * Collective.
 * code    in   [users_local] as of profile_groups_code
 * groups  out  auc, auc_error, judged
 * Errors: ERR_MEMORY.
 */
enum status profile_groups_judge(const struct comm *comm,
                                 const struct profile_groups_source *source, const int32_t *code,
                                 struct profile_groups *groups);

#endif
