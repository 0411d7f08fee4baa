/**
 * Exchange rates: what a unit of a currency is worth in the shop's own (ingest.currency).
 *
 * ingest.rates names a CSV file with the columns currency and rate, and date if rates change; one
 * unit of `currency` is `rate` units of ingest.currency, from that date until the currency's next
 * one. The shop's own currency is worth 1 and needs no row.
 */
#ifndef REMISE_JOBS_RATES_H
#define REMISE_JOBS_RATES_H

#include "jobs/config.h"

enum { RATES_NAME_BYTES = 32 }; /* of a currency, the ending 0 included */

struct rate {
    char currency[RATES_NAME_BYTES]; /* padded with 0 */
    int64_t from;                    /* seconds since 1970; INT64_MIN without a date */
    double rate;                     /* > 0 */
    int64_t file, line;              /* where it stands */
};

struct rates {
    char home[RATES_NAME_BYTES]; /* ingest.currency; "" where all amounts are in one currency */
    int64_t count;
    struct rate *rate; /* [count] ascending in currency, then time */
};

/**
 * Read the table of ingest.rates, if there is one. Collective: the same on every rank.
 * rates  out  free with rates_clear
 * Errors: ERR_DATA, with file and line: a column is missing, a rate is not a number above 0, a date
 *         is none, a currency has two rates at one time, the shop's own is not 1; ERR_CONFIG
 *         ingest.currency is too long; those of csv_open and csv_read.
 */
enum status rates_read(const struct comm *comm, const struct config *config, struct rates *rates);
/** Free; accepts a zeroed struct. Local. */
void rates_clear(struct rates *rates);

/**
 * The rate of a currency at a time: of the latest date that is not after it. Local.
 * text  in  [bytes] the currency as its column has it; blanks around it do not count
 * Returns false, *rate unset, if there is none: the currency is unknown or empty, or the time is
 * before its first date.
 * Cost: O(log count).
 */
bool rates_find(const struct rates *rates, const char *text, size_t bytes, int64_t seconds,
                double *rate);

#endif
