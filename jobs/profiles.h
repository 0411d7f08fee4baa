/**
 * profiles.h5: the features of every user, the segment it belongs to and, if asked for, the
 * sequence of its last events.
 */
#ifndef REMISE_JOBS_PROFILES_H
#define REMISE_JOBS_PROFILES_H

#include "algorithms/kmeans_range.h"
#include "jobs/features.h"
#include "jobs/profile_lifetime.h"
#include "jobs/profile_mixture.h"
#include "jobs/profile_rules.h"

struct profiles {
    int64_t segments;
    int32_t *segment;             /* [users_local] */
    double *centroid;             /* [segments][columns] in standardised units */
    int64_t *size;                /* [segments] users, over all ranks */
    double inertia;               /* sum of squared distances from the centroids, in sd^2 */
    int64_t choices;              /* numbers of segments that were tried, 0 if it was given */
    struct kmeans_choice *choice; /* [choices] */
    double *mean;                 /* [columns] of the features */
    double *sd;                   /* [columns] */
    struct profile_mixture mixture;
    struct profile_rules rules;
    struct profile_lifetime lifetime;
};

/**
 * Write features, profiles and the sequences of `sequence` events, none if 0. Collective.
 * Memory: sequences are made and written in pieces of about 2^20 events, 26 MiB on each rank.
 * Errors: those of store_put and sequences_make.
 */
enum status profiles_write(const struct comm *comm, const char *path, const struct dataset *dataset,
                           const struct features *features, const struct profiles *profiles,
                           int64_t sequence);

/**
 * Read the number of segments and each local user's segment; the rest stays NULL. Collective.
 * Free with profiles_clear.
 */
enum status profiles_read_segments(const struct comm *comm, const char *path,
                                   const struct blocks *blocks, struct profiles *profiles);

/** Free; accepts a zeroed struct. Local. */
void profiles_clear(struct profiles *profiles);

#endif
