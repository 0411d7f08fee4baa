/**
 * Who rated, bought or saw what: rows of a table with a column for users and one for items, brought
 * to the ranks of the users.
 *
 * Users are sharded by a hash of their name, so that a rank holds only its own; items are known on
 * every rank, in the order of their names. A second table may come along to be tested on: its
 * users and items are the same by name.
 */
#ifndef REMISE_JOBS_RATINGS_H
#define REMISE_JOBS_RATINGS_H

#include "jobs/fit_table.h"
#include "partition/users.h"

enum { RATINGS_NAME_BYTES = 32 }; /* of a name that is a number */

enum rating_part { RATINGS_TRAIN, RATINGS_TEST };

/* Columns by name. */
struct ratings_names {
    const char *user, *item;
    const char *rating; /* NULL: every row counts 1 */
};

struct ratings {
    struct blocks blocks;        /* rows are users, in the order of the hash of their names */
    struct dictionary item_name; /* numbers as they print */
    struct user_key *user;       /* [users_local] of ratings_user, rising over all ranks */
    int64_t *first_row;          /* [users_local] first of train with the user; -1: none */
    int64_t *start;              /* [users_local + 1] */
    int32_t *item;    /* [ratings_local] rising within a user, train before test if equal */
    float *value;     /* [ratings_local] */
    uint8_t *part;    /* [ratings_local] enum rating_part */
    int64_t *row;     /* [ratings_local] in its table */
    int64_t repeated; /* pairs that were there more than once, over all ranks */
};

/**
 * Take the ratings of one table, or of two.
 *
 * Collective.
 * train, test  in   test NULL: none
 * add          in   several rows of a pair are added up; otherwise their mean is taken
 * ratings      out  the caller clears it with ratings_clear, also on failure
 * Rows without user, item or rating are left out with a warning.
 * Memory: 40 bytes a rating twice, then 17.
 * Same order and bytes for any number of ranks.
 * Errors: ERR_DATA a column is missing, ratings are texts, infinite, or with add below 0, no row is
 *         left; ERR_MEMORY.
 */
enum status ratings_make(const struct comm *comm, const struct fit_table *train,
                         const struct fit_table *test, const struct ratings_names *names, bool add,
                         struct ratings *ratings);
/** The text of a cell, a number as it prints; NULL where missing. Local. */
const char *ratings_name(const struct table_column *column, int64_t row,
                         char buffer[RATINGS_NAME_BYTES]);
/** What stands for a user of this name. Local. */
struct user_key ratings_user(const char *name);

/** Standard deviation of the ratings to learn from. Collective. Errors: ERR_MEMORY, ERR_NUMERIC. */
enum status ratings_spread(const struct comm *comm, const struct ratings *ratings, double *sd);

/** Free; accepts a zeroed struct. Local. */
void ratings_clear(struct ratings *ratings);

#endif
