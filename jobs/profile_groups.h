/**
 * How the protected group of the users (`users.columns.group`) stands to their profiles: can the
 * features tell it, and does a segment single a group out? The group is looked at for this report
 * alone, once segments stand; no model, segment or discount depends on it.
 *
 * Groups are the values of the column. Numbers with more than PROFILE_GROUP_NUMBERS different
 * values are amounts, and cut at their quartiles. Users without a value, groups of fewer than
 * min_users users, and beyond PROFILE_GROUPS the smaller ones, are not reported; the latter two
 * still count as "the others".
 *
 * Can the features tell it: for each group the area under the ROC curve (AUC) of a forest's vote
 * for it against all others, over users that the forest has not seen: 0.5 is chance, 1 is always.
 *
 * Does a segment single it out: flagged is a group whose users are in the segment at least 5/4 or
 * at most 4/5 as often as all users are, where that is beyond chance: by Fisher's exact test, both
 * sides, p < 0.01 over all pairs of segment and group together (Bonferroni); users without a value
 * have no part in that. Segments of fewer than min_users users are not flagged.
 *
 * Numbers of few users are hidden, and the smallest other of the same segment and of the same group
 * with them, so that none can be had by subtraction. Who is of no reported group is what is left of
 * a segment, or of the shop: such rests are protected like the numbers that are shown, and so a
 * group's total may be hidden too. Therefore shares are told among all users, whether they have a
 * value or not. A flag of a hidden number is shown, as it says no more than that there are few, or
 * that there are many.
 */
#ifndef REMISE_JOBS_PROFILE_GROUPS_H
#define REMISE_JOBS_PROFILE_GROUPS_H

#include "jobs/features.h"

enum { PROFILE_GROUPS = 32, PROFILE_GROUP_NUMBERS = 16 };

/* What is looked at; nothing is owned. */
struct profile_groups_source {
    const struct users *users; /* with their group */
    const struct features *features;
    const int32_t *segment; /* [users_local] */
    int64_t segments;
    int64_t min_users;
    uint64_t seed;
};

struct profile_groups {
    int64_t groups; /* 0: there is none to report on */
    int64_t segments;
    struct dictionary names;    /* [groups] */
    int64_t known, unknown;     /* users with a value, and without, over all ranks */
    int64_t small, small_users; /* values that are not reported as they have few users, and these */
    int64_t *users;             /* [groups] */
    bool *users_hidden;         /* [groups] */
    double *auc;            /* [groups] NaN where it cannot be said: all users are of it, or few */
    double *auc_error;      /* [groups] its standard error */
    int64_t judged;         /* users it was counted over */
    int64_t *segment_users; /* [segments] users */
    int64_t *segment_known; /* [segments] users with a value */
    int64_t *cell;          /* [segments][groups] users */
    bool *hidden;           /* [segments][groups] */
    int8_t *flag;           /* [segments][groups] 1 more often, -1 less often than all users */
    int64_t flags;          /* how many are not 0 */
};

/**
 * Look at the groups and say what was found; nothing if the users have no group.
 *
 * Collective.
 * groups  out  the caller clears it with profile_groups_clear, also on failure
 * Cost: a pass over the users; five forests of 24 trees on at most about 100,000 of them.
 * Memory: 4 bytes per local user; per user judged 4 bytes and two for each feature, twice as many
 *         doubles as groups, and what forest_fit takes.
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC a group is an infinite number; ERR_MEMORY.
 * Source: Equal Employment Opportunity Commission 1978, 29 CFR 1607.4 D (four fifths; there of the
 *         most favoured group's rate); Hanley and McNeil 1982, Radiology 143 (standard error).
 */
enum status profile_groups_fit(const struct comm *comm, const struct profile_groups_source *source,
                               struct profile_groups *groups);

/** Share of group g among all users of a segment; 0 where there are none. Local. */
double profile_groups_share(const struct profile_groups *groups, int64_t segment, int64_t g);

/** Accepts a zeroed struct. Local. */
void profile_groups_clear(struct profile_groups *groups);

#endif
