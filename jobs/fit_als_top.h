/**
 * Lists of the items that each user would like best, as CSV.
 */
#ifndef REMISE_JOBS_FIT_ALS_TOP_H
#define REMISE_JOBS_FIT_ALS_TOP_H

#include "algorithms/als.h"
#include "jobs/ratings.h"

struct fit_als_top {
    const char *path;
    const char *user_column;
    int64_t count; /* items of each user */
    bool known;    /* list those the user has in the table, too */
};

/**
 * Write user, place, item, score: `count` lines of each user of the table, or fewer where items run
 * out, users in the order in which the table first names them. Items that only the table to
 * foretell has are listed for nobody.
 *
 * Collective.
 * train  in   the table that the ratings were made of, for the names of users
 * Memory: of 2^16 rows of the table at a time, 12 count bytes for each of their users on the rank
 *         that has the user, and on the one that has the row.
 * Same bytes for any number of ranks.
 * Errors: ERR_WRITE, ERR_MEMORY.
 */
enum status fit_als_top_write(const struct comm *comm, const struct fit_als_top *top,
                              const struct fit_table *train, const struct ratings *ratings,
                              const struct als_model *model);

#endif
