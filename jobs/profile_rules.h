/**
 * Segments in words: a small tree of questions that tells them apart, read as rules such as "spends
 * over 120 a month and buys over 40 % of it on promotion".
 *
 * The tree asks about the features as people read them (days, amounts a month of 30 days, shares in
 * per cent, jobs/features.h has their definitions), at most profile.rules_depth questions in a row.
 * What it asks is rounded to a few digits before users are counted, so that the figures are those
 * of the rule as it stands there. Leaves that say the same are one rule where they are neighbours.
 * The rules divide the users: each user satisfies one. A rule has privacy.min_users at least, and
 * one user in 200; shares are in whole per cents.
 */
#ifndef REMISE_JOBS_PROFILE_RULES_H
#define REMISE_JOBS_PROFILE_RULES_H

#include "io/store.h"
#include "jobs/features.h"
#include "jobs/run.h"

struct profile_rule {
    int32_t segment;
    bool hidden;     /* few users: text is "suppressed", users is -1, the shares are NaN */
    int64_t users;   /* who satisfy it, of any segment */
    double coverage; /* share of the segment's users that satisfy it */
    double purity;   /* share of those who satisfy it that are of the segment */
};

struct profile_rules {
    int64_t segments; /* 0: no rules were asked for */
    int64_t *users;   /* [segments] in each; -1: hidden */
    int64_t count;
    struct profile_rule *rule; /* [count] by segment, then from the greatest coverage down; a
                                  segment may have several, or none */
    struct dictionary text;    /* [count] in the order of the rules, not sorted */
    double told;               /* share of all users whose segment their rule names */
};

/**
 * Find the rules, and say them; none if profile.rules_depth is 0.
 *
 * Collective: the same on every rank.
 * segment   in   [users_local] of each user
 * segments  in   how many there are
 * rules     out  the caller clears it with profile_rules_clear, also on failure
 * Memory: 6 bytes per local user and feature, and 16 per user, for the time of the call.
 * Cost: that of bins_make and of a tree (algorithms/forest.h), and a pass over the users.
 * Same bytes for any number of ranks.
 * Errors: ERR_MEMORY.
 */
enum status profile_rules_fit(const struct comm *comm, const struct run *run,
                              const struct blocks *blocks, const struct features *features,
                              const int32_t *segment, int64_t segments,
                              struct profile_rules *rules);

/** Write them into profiles.h5; nothing if there are none. Collective. Errors: of store_write. */
enum status profile_rules_write(const struct comm *comm, struct store *store,
                                const struct profile_rules *rules);

/**
 * Read them from profiles.h5 on all ranks; zeroed if there are none. Collective.
 * Clear with profile_rules_clear. Errors: of store_read.
 */
enum status profile_rules_read(const struct comm *comm, struct store *store,
                               struct profile_rules *rules);

/** Accepts a zeroed struct. Local. */
void profile_rules_clear(struct profile_rules *rules);

#endif
