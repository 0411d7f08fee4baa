/**
 * What users bought next: rows to learn from, each a user as known at some moment in the past,
 * beside what the user bought in the weeks after it.
 *
 * Moments lie one window apart, the last of them one window before the end, so that nothing of the
 * answers is in the questions. Of a large shop some of the users are taken, always the same ones.
 * One in four is there a second time as somebody nobody knows yet, but for the attributes: what
 * these alone tell stands in columns of its own, 0 for users with a history.
 */
#ifndef REMISE_JOBS_PAST_WINDOWS_H
#define REMISE_JOBS_PAST_WINDOWS_H

#include "jobs/portrait.h"

enum { PAST_WINDOWS_MAX = 3, PAST_WINDOW_DAYS = 28, PAST_ROWS_MAX = 1 << 18 };

struct past_windows {
    struct blocks blocks; /* rows: a block for each of the users' blocks and each window */
    int64_t columns;      /* past_windows_columns */
    float *x;             /* [rows_local][columns] */
    uint64_t *entity;     /* [rows_local] names a row at any number of ranks */
    int64_t *start;       /* [rows_local + 1] first product liked of each row */
    int32_t *product;     /* rising within a row */
    float *liking;        /* as portrait_liking, above 0 */
    int64_t *next_start;  /* [rows_local + 1] first product bought next of each row */
    int32_t *next;        /* distinct within a row */
    int64_t next_total;   /* over all ranks */
    int64_t windows;
    int64_t seconds; /* of a window */
};

/**
 * Lay out the rows of users who had done anything before a moment, or bought something next.
 *
 * Collective. Free with past_windows_clear.
 * half_life  in  days, of a liking
 * Cost: scorer_data_earlier for each window. Memory: that of one of them, and 4 bytes for each
 *       column, 8 for each liking and 4 for each purchase of a row.
 * Same for any number of ranks.
 * Errors: ERR_DATA the tables span too few days, or nothing was bought in a window; ERR_MEMORY.
 */
enum status past_windows_make(const struct comm *comm, const struct scorer_data *data,
                              const struct portrait *portrait, double half_life,
                              struct past_windows *past);

/** Length of a window: a fifth of the events' time, at most 28 days; 0: less than a day. Local. */
int64_t past_windows_seconds(const struct scorer_data *data);

/** Free; accepts a zeroed struct. Local. */
void past_windows_clear(struct past_windows *past);

/** The portrait of behaviour and attributes; then of the unknown 1 and attributes. Local. */
int64_t past_windows_columns(const struct scorer_data *data, const struct portrait *portrait);

/**
 * The columns of a row for a local user, as known at the end of data. Local.
 * known  in  false: as if there were no history, as is done for those without
 */
void past_windows_row(const struct scorer_data *data, const struct portrait *portrait, int64_t user,
                      bool known, float *x);

#endif
