/**
 * `remise verify`: what a published version says, worked out again from its files alone, by code
 * that shares nothing with the solver but the readers of files.
 *
 * Each part looks at one thing, streams what it needs, and ends with one line for each check: ok,
 * or WRONG with the file, row and value. Findings are counted on all ranks; the one that is told is
 * that of the lowest row, so the lines are the same at any number of ranks.
 */
#ifndef REMISE_JOBS_VERIFY_H
#define REMISE_JOBS_VERIFY_H

#include "io/store.h"
#include "jobs/problem.h"

#include <jansson.h>

enum {
    VERIFY_REASONS = 9,
    VERIFY_DATE_BYTES = 11,
    VERIFY_TEXT_BYTES = 512,
    VERIFY_ROWS = 1 << 15,
    VERIFY_PATH_BYTES = 4608
};

/* Wrong things of one check on this rank. */
struct finding {
    int64_t count, row;           /* row of the first one */
    char text[VERIFY_TEXT_BYTES]; /* of it */
};

/* The version that is looked at, and what was found so far. */
struct verify {
    char folder[RUN_PATH_BYTES];
    json_t *manifest, *receipt; /* on every rank; NULL: none */
    struct store *store;        /* discounts.h5; NULL: it cannot be read */
    int64_t rows;               /* of it */
    int64_t checks, wrong;
    char first[VERIFY_TEXT_BYTES]; /* what was found wrong first */
};

/* What the rows come to, over all ranks after verify_rows. */
struct verify_totals {
    int64_t value;                   /* of the chosen levels */
    int64_t level_rows[CELL_LEVELS]; /* rows of each level */
    int64_t level_cost[CELL_LEVELS]; /* their expected_cost, 1/10,000 */
    int64_t revenue, profit, cost;   /* 1/10,000 */
    int64_t purchases;               /* millionths */
    int64_t upper_bound;             /* from the prices alone */
    int64_t open; /* where users have limits: the bound may be lower by so much */
    bool user_limits;
    int64_t base_value; /* with every row at level 0 */
    int64_t reason_rows[VERIFY_REASONS];
    char valid_from[VERIFY_DATE_BYTES], valid_to[VERIFY_DATE_BYTES]; /* of the first row */
    int64_t limits;
    int64_t *limit, *price, *used; /* [limits] kind by kind, owned */
};

/** Count one more wrong thing of this rank. Local; of several the one of the lowest row stays. */
void finding_add(struct finding *finding, int64_t row, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * End a check: one line on rank 0's stdout.
 * Collective. good in: what is said where nothing is wrong, a format
 */
void verify_tell(const struct comm *comm, struct verify *verify, const char *check,
                 const struct finding *finding, const char *good, ...)
    __attribute__((format(printf, 5, 6)));

/** Path of a file of the version; borrowed until the fourth next call. Local. */
const char *verify_path(const struct verify *verify, const char *file);

/** The files are there, with the digests of the manifest. Collective. */
enum status verify_digests(const struct comm *comm, struct verify *verify);

/** Blocks of the columns of discounts.h5 have their checksums. Collective. */
enum status verify_sums(const struct comm *comm, struct verify *verify);

/** Users and products stand in order, and the index of users leads to their rows. Collective. */
enum status verify_order(const struct comm *comm, struct verify *verify);

/**
 * Rows of a column of any type as it is stored.
 * Collective, each rank its own range.
 * data  out  new, the caller frees it; numbers as float64, texts as they stand
 * text  out  it holds texts; *width bytes each
 * Errors: ERR_DATA no such column; those of store_read; ERR_MEMORY.
 */
enum status verify_column(const struct comm *comm, const struct store *store, const char *name,
                          int64_t first, int64_t rows, bool *text, int64_t *width, void **data);

/* A row of a CSV file as one number, and which rows are this rank's. */
struct verify_csv {
    struct csv *csv;
    int64_t first, rows; /* global number of the first one; how many */
    uint64_t *hash;      /* [rows] */
    bool *text;          /* [columns] of the file hold texts */
};

/** Read discounts.csv. Collective. Free with verify_csv_clear. Errors: those of csv_open. */
enum status verify_csv_read(const struct comm *comm, const struct verify *verify,
                            struct verify_csv *csv);
/** Hash of a row of columns in memory, alike that of the CSV's row. Local. */
uint64_t verify_hash(const struct verify_csv *csv, void *const *column, const int64_t *width,
                     int64_t row);
/** The fields of one row of this rank, for a message. Collective; row -1: none is wanted. */
enum status verify_csv_find(const struct comm *comm, struct verify_csv *csv, int64_t row,
                            void *const *column, const int64_t *width, int64_t at,
                            struct finding *finding);
void verify_csv_clear(struct verify_csv *csv);

/** Rows of both files agree, and with their cells; levels are allowed. Collective. */
enum status verify_rows(const struct comm *comm, struct verify *verify,
                        struct verify_totals *totals);

/* What users can have at most at prices, under their own limits; of this rank, 2^-30 units. */
struct verify_user_bound {
    __int128 most, open; /* proven; and by how much it may be too high */
    int64_t users_open;  /* of whom it may be, over all ranks */
};

/** Limits of each user hold; the bound under them. Collective. price in [limits] */
enum status verify_users(const struct comm *comm, struct verify *verify, const int64_t *price,
                         struct verify_user_bound *bound);

/** Reasons of rows by number, as discounts.h5 has them. Local. find: -1: there is none. */
const char *verify_reason_name(int reason);
int verify_reason_find(const char *text, int64_t width);

/** May a row at this level have the reason, by its cells? Local. */
bool verify_reason_fits(const struct problem *problem, int64_t row, int level, int reason);

/** May a row of this reason have the propensity, where the share of rows is drawn? Local. */
bool verify_propensity_fits(double propensity, double share, int levels, int reason);

/** The receipt's entry of limit `at` among all, of a group of a kind, says what is. Local. */
void verify_entry(const struct verify *verify, const struct verify_totals *t,
                  const struct problem *problem, int kind, int64_t group, int64_t at,
                  struct finding *finding);

/** All other figures of the receipt that follow from the rows. Local. bound in 1/10,000 */
void verify_receipt(const struct verify *verify, const struct verify_totals *t,
                    const struct problem *problem, int64_t bound, struct finding *finding);

/** Limits hold; objective, bound and receipt are what the rows come to. Collective. */
enum status verify_claims(const struct comm *comm, struct verify *verify,
                          struct verify_totals *totals);

#endif
