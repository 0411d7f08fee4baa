/**
 * What each product sold in each week: the series of prices and quantities that demand is learned
 * from.
 *
 * Weeks begin on Monday, 00:00 UTC, and are numbered from that of 1970-01-01: week = floor((day +
 * 3) / 7) of days since 1970. A row has the units, what was paid and what it would have been at
 * list prices; weeks without a sale have none. Add the purchases on every rank, finish once; then
 * each rank holds one stretch of the rows, in the order of product and week over the ranks.
 *
 * Denoising, if wanted (ingest.denoise_weeks = W, odd): quantity and unit price, paid / quantity,
 * become their medians over the weeks of the product that are at most (W - 1) / 2 before or after;
 * at the ends and in gaps these are fewer. Of an even number of weeks the lower of the two in the
 * middle counts, so a smoothed price or quantity is always one that occurred. Paid is the smoothed
 * price times the smoothed quantity, list keeps its ratio to paid (to quantity where nothing was
 * paid); both are exact fractions, rounded once to a cent.
 */
#ifndef REMISE_JOBS_SERIES_H
#define REMISE_JOBS_SERIES_H

#include "io/dataset.h"

struct series_options {
    int64_t denoise_weeks; /* odd; 0 or 1: rows stay as they are */
    int64_t memory_bytes;  /* about, on each rank; more rows go to files */
    const char *folder;    /* of these; borrowed while the series lives */
};

/* Over all ranks, once finished. */
struct series_summary {
    int64_t rows;
    int64_t changed; /* by denoising */
    /* Mean over the changed rows of |log(after / before)|, 0.05 being about 5 %; a row without any
     * amount paid before or after counts as 0 in prices. */
    double price_change, quantity_change;
};

/* Makes the rows; what a data set holds of them is struct series (io/dataset.h). */
struct series_maker;

/** The week of a time. Local. */
int32_t series_week(int64_t seconds);

/** Begin. Local. Free with series_free. Errors: ERR_MEMORY; ERR_ARG an even number of weeks. */
enum status series_new(const struct series_options *options, struct series_maker **series);

/**
 * Add a purchase. Local; before series_finish.
 * product         in  >= 0
 * quantity_milli  in  > 0
 * Errors: ERR_MEMORY, ERR_WRITE.
 */
enum status series_add(struct series_maker *series, int32_t product, int64_t time,
                       int64_t quantity_milli, int64_t paid_cents, int64_t list_cents);

/**
 * Bring the rows to their ranks and denoise them. Collective; once.
 * Same rows for any number of ranks.
 * Cost: a distributed sort of the distinct (product, week) of each rank; O(rows W log W) with
 *       denoising.
 * Errors: ERR_MEMORY, ERR_WRITE, ERR_IO.
 */
enum status series_finish(const struct comm *comm, struct series_maker *series);

/** Rows of this rank. Local; once finished. */
int64_t series_rows(const struct series_maker *series);

/** Copy rows first .. first + count - 1 of this rank. Local. Errors: ERR_IO. */
enum status series_read(const struct series_maker *series, int64_t first, int64_t count,
                        struct series_row *rows);

/** Rows over all ranks and what denoising did; the same on every rank. Local; once finished. */
struct series_summary series_summary(const struct series_maker *series);

/** Free and null; accepts NULL inside. Local. */
void series_free(struct series_maker **series);

#endif
