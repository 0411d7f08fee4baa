/**
 * Churn: how many rows of the table have another discount than in the table of an earlier run, and
 * the limit of that.
 *
 * Users are known by the pseudonyms that both tables carry, so both runs need the same secret; a
 * pair of user and product that the earlier table does not have had no discount there.
 */
#ifndef REMISE_JOBS_CHURN_H
#define REMISE_JOBS_CHURN_H

#include "jobs/problem.h"

#include <jansson.h>

struct churn {
    bool known;      /* allocate.previous is given */
    int64_t rows;    /* of today's table */
    int64_t met;     /* of these, pairs that the earlier table has */
    double most;     /* allocate.churn_most; NaN: reported, not limited */
    double *before;  /* [slots_local] discount in the earlier table, 0 without */
    int64_t changed; /* rows of the table looked at last */
};

/**
 * Read the earlier table, and add the limit where allocate.churn_most asks for it.
 *
 * Collective.
 * problem  inout  with its cells
 * churn    out    the caller clears it with churn_clear, also on failure
 * Memory: 8 bytes a slot, and 8 x slots x levels for the limit; 48 bytes a row of the earlier table
 *         and the texts of its products on the ranks, once.
 * Errors: ERR_CONFIG allocate.churn_most without allocate.previous; ERR_NO_INPUT no table there;
 *         ERR_DATA no user is in both tables; ERR_MEMORY.
 * Same for any number of ranks.
 */
enum status churn_open(const struct comm *comm, const struct run *run,
                       const struct dataset *dataset, const struct candidates *candidates,
                       struct problem *problem, struct churn *churn);
/**
 * A number for what the earlier table holds, from the digests of its manifest; 0 where there is
 * none. Also 0 for the run's own folder: the table that is current when allocate runs is meant
 * there, and that it has published another one since makes nothing due. Local.
 */
uint64_t churn_fingerprint(const struct run *run);

/** Free; accepts a zeroed struct. Local. */
void churn_clear(struct churn *churn);

/** Count the rows that a choice changes: into changed. Collective. */
void churn_look(const struct comm *comm, const struct problem *problem,
                const struct candidates *candidates, const uint8_t *level, struct churn *churn);

/** For the receipt; NULL where there is no earlier table. Local. */
json_t *churn_json(const struct churn *churn);

#endif
