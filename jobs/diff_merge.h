/**
 * Two published tables side by side, user by user and product by product: what is new, gone, the
 * same, higher, lower, and why.
 *
 * Both tables are in the order of users' pseudonyms and of products' ids, so that one pass over
 * both, piece by piece, finds the pairs. Pseudonyms are hashes and lie evenly, so parts of their
 * range are shared out among the ranks.
 */
#ifndef REMISE_JOBS_DIFF_MERGE_H
#define REMISE_JOBS_DIFF_MERGE_H

#include "jobs/diff_cause.h"

enum diff_kind { DIFF_NEW, DIFF_GONE, DIFF_SAME, DIFF_HIGHER, DIFF_LOWER, DIFF_KINDS };

/* Rows, and the distinct users they are of. */
struct diff_count {
    int64_t rows, users;
};

/* Over all ranks; all int64_t, added up as one array. */
struct diff_totals {
    struct diff_count kind[DIFF_KINDS];
    struct diff_count cause[DIFF_CAUSE_COUNT][2];      /* higher, lower */
    struct diff_count level[CELL_LEVELS][CELL_LEVELS]; /* [before][now] of rows in both */
    int64_t cost[DIFF_CAUSE_COUNT]; /* that the changes for this cause added, 1/10,000 */
    int64_t users_both;
};

/* How often rows of a product changed; each is of another user. */
struct diff_product {
    int64_t higher, lower;
};

struct diff {
    struct published table[2];       /* before, now */
    struct published_rows header[2]; /* no rows: levels, limits, prices, uses */
    struct diff_prices prices[2];
    struct diff_totals totals;
    struct dictionary products; /* of rows that changed */
    struct diff_product *product;
};

/**
 * Compare.
 * Collective.
 * diff  out  the same on every rank; diff_clear frees it, also on failure
 * Memory: 2 x 2^16 rows with their cells, whatever the size of the tables; counts by product.
 * Cost: each file is read once.
 * Same bytes for any number of ranks.
 * Errors: as published_open; ERR_DATA the tables have different orders, that is, one is damaged.
 */
enum status diff_make(const struct comm *comm, const char *before, const char *now,
                      struct diff *diff);
/** Free; accepts a zeroed struct. Collective. */
void diff_clear(const struct comm *comm, struct diff *diff);

/** What the comparison says, for people; on rank 0. Local. Errors: ERR_MEMORY. */
enum status diff_print_text(const struct diff *diff, FILE *file);
/** The same as JSON; on rank 0. Local. Errors: ERR_MEMORY. */
enum status diff_print_json(const struct diff *diff, FILE *file);

#endif
