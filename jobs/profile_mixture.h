/**
 * How users belong to several kinds of behaviour at once: responsibilities of a Gaussian mixture of
 * their features.
 *
 * A segment of k-means takes a user as a whole; here a user may be 70 % of one kind and 30 % of
 * another. Features are shares with many zeros, and some add up to 1: so covariances are diagonal,
 * and the variance of a component is at least a hundredth of that of all users, lest components
 * gather on a single value.
 */
#ifndef REMISE_JOBS_PROFILE_MIXTURE_H
#define REMISE_JOBS_PROFILE_MIXTURE_H

#include "algorithms/mixture.h"
#include "io/store.h"
#include "jobs/features.h"
#include "jobs/run.h"

enum { PROFILE_MIXTURE_KEEP = 3 }; /* components of a user that are kept, if there are so many */

struct profile_mixture {
    struct mixture_model *model; /* NULL: none was asked for */
    int64_t keep;
    int32_t *component; /* [users_local][keep] by falling responsibility */
    float *share;       /* [users_local][keep] responsibilities */
};

/**
 * Fit `profile.mixture` components to the users' features, as many as there are users at most; none
 * if it is 0. Says their sizes, less those of few users.
 *
 * Collective.
 * mixture  out  the caller clears it with profile_mixture_clear, also on failure
 * Memory: 16 keep bytes per local user, 8 of them for the time of the call.
 * Errors: those of mixture_fit and mixture_apply.
 */
enum status profile_mixture_fit(const struct comm *comm, const struct run *run,
                                const struct blocks *blocks, const struct features *features,
                                struct profile_mixture *mixture);

/** Write it into profiles.h5; nothing if there is none. Collective. Errors: of store_write. */
enum status profile_mixture_write(const struct comm *comm, struct store *store,
                                  const struct blocks *blocks,
                                  const struct profile_mixture *mixture);

/** Accepts a zeroed struct. Local. */
void profile_mixture_clear(struct profile_mixture *mixture);

#endif
