/**
 * Ratings brought to the owners of their items: users are sharded, and so are items, each with all
 * its ratings in the order of users.
 */
#ifndef REMISE_ALGORITHMS_ALS_OWNERS_H
#define REMISE_ALGORITHMS_ALS_OWNERS_H

#include "algorithms/als.h"

/* Items first .. first + count - 1 are this rank's. */
struct als_owned {
    int64_t first, count;
    int64_t *start; /* [count + 1] first rating of each */
    int32_t *user;  /* [ratings] number among all users, rising within an item */
    float *value;   /* [ratings] */
};

/**
 * Deal items to the ranks in runs of about the same work, and bring their ratings there.
 *
 * Collective.
 * positive  in   leave out ratings that are not above 0
 * work      in   what an item takes beside its ratings, in ratings
 * owned     out  cleared with als_owned_clear, also on failure
 * Memory: 12 bytes a rating of this rank and of its items, then 8 of its items.
 * Errors: ERR_MEMORY; ERR_ARG 2^31 users or more.
 */
enum status als_owned_make(const struct comm *comm, const struct als_data *data, bool positive,
                           int64_t work, struct als_owned *owned);
/** Free; accepts a zeroed struct. Local. */
void als_owned_clear(struct als_owned *owned);

#endif
