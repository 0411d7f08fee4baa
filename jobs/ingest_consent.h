/**
 * Users who refuse personal discounts: left out of the data set with all their events and offers.
 *
 * A user refuses where any row of the users table says no in the role `consent`. What was said is
 * collected where the rows are read; the owners of the users then drop their records. Prices and
 * names of products may still rest on what those users bought.
 */
#ifndef REMISE_JOBS_INGEST_CONSENT_H
#define REMISE_JOBS_INGEST_CONSENT_H

#include "partition/users.h"

/* Those known on this rank: in the order of reading, or, at the owners, ascending and distinct. */
struct refusals {
    int64_t count, capacity;
    struct user_key *key; /* [count] */
};

/** Note that a user said no. Local. Errors: ERR_MEMORY. */
enum status refusals_add(struct refusals *refusals, struct user_key key);

/**
 * Copies at the owners of the users, each user once. Collective. Free with refusals_clear.
 * Errors: ERR_MEMORY.
 */
enum status refusals_to_owners(const struct comm *comm, const struct refusals *said,
                               const struct user_cut *cut, struct refusals *owned);

/**
 * Drop the records of those who refuse, in place. Local.
 * records  in out  [count] of `bytes` each, beginning with a struct user_key, ascending by it
 * Returns how many are left.
 * Cost: one pass over both.
 */
int64_t refusals_drop(const struct refusals *owned, void *records, int64_t count, size_t bytes);

void refusals_clear(struct refusals *refusals); /**< Free; accepts a zeroed struct. Local. */

#endif
