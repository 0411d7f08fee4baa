/**
 * A published table, read again: which files belong together, where a user's rows are, and the part
 * of the allocation problem that stands beside them in discounts.h5.
 *
 * A table is named by the folder of its run, whose current version is meant, or by the folder of a
 * version (RUN/versions/<id>). With comm_alone() all of it works without MPI.
 */
#ifndef REMISE_JOBS_PUBLISHED_H
#define REMISE_JOBS_PUBLISHED_H

#include "jobs/choices.h"
#include "partition/users.h"

struct published {
    char folder[RUN_PATH_BYTES]; /* that holds discounts.h5, without links */
    char run[RUN_PATH_BYTES];    /* the run's */
    struct store *store;         /* discounts.h5 */
    int64_t rows, users;         /* of the table */
};

/* Some rows of a table that stand together, with the cells behind them. */
struct published_rows {
    int64_t rows;
    uint8_t *level;     /* [rows] chosen */
    double *propensity; /* [rows] with which */
    char *reason;       /* [rows][reason_bytes] padded with 0 */
    int64_t reason_bytes;
    int32_t *place; /* [rows] among the user's candidates */
    char *product;  /* [rows][product_bytes] padded with 0 */
    int64_t product_bytes;
    struct problem problem; /* its rows are these */
    struct choices limits;  /* prices and uses; no levels */
};

/**
 * Open a table.
 * Collective. published out: published_close closes it, also on failure.
 * Errors: ERR_NO_INPUT no table there; ERR_DATA not one of this version of the program.
 */
enum status published_open(const struct comm *comm, const char *folder,
                           struct published *published);
/** Close; accepts a zeroed struct. Collective. */
void published_close(const struct comm *comm, struct published *published);

/**
 * Where the rows of a user are; rows is 0 where there are none.
 * Collective. Cost: some 20 reads of 16 bytes.
 */
enum status published_find(const struct comm *comm, const struct published *published,
                           struct user_key key, int64_t *first, int64_t *rows);

/**
 * Read rows first .. first + rows - 1, each rank its own.
 * Collective. out: published_rows_clear frees it, also on failure.
 * Errors: those of store_read and problem_read.
 */
enum status published_read(const struct comm *comm, const struct published *published,
                           int64_t first, int64_t rows, struct published_rows *out);
/** Free; accepts a zeroed struct. Local. */
void published_rows_clear(struct published_rows *rows);

/** Path of a file of the version; borrowed until the fourth next call. Local. */
const char *published_path(const struct published *published, const char *file);
/** Likewise of its run. Local. */
const char *published_run_path(const struct published *published, const char *file);

#endif
