/**
 * What each user spent lately: the measure of purchase power.
 */
#ifndef REMISE_JOBS_USER_SPEND_H
#define REMISE_JOBS_USER_SPEND_H

#include "io/dataset.h"

enum { USER_SPEND_DAYS = 365 };

struct user_spend {
    int64_t days;   /* looked at: the last ones, up to USER_SPEND_DAYS, or all there are */
    int64_t *cents; /* [users_local] paid for purchases less what was returned, at least 0 */
};

/**
 * Add it up from the events of dataset.h5, whose users are those of `dataset`.
 *
 * Collective.
 * spend  out  the caller frees spend->cents
 * Memory: 8 bytes a user, and 4 MiB.
 * Cost: one read of 13 bytes an event.
 * Errors: those of store_read; ERR_MEMORY.
 * Same for any number of ranks.
 */
enum status user_spend_read(const struct comm *comm, const char *path,
                            const struct dataset *dataset, struct user_spend *spend);

#endif
