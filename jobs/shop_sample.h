/**
 * A look at a shop's tables before they are read: some rows of each, through the very readers of
 * ingest, tell how many rows, users and products there are and what a row costs.
 *
 * So whatever ingest would refuse in a table's header and mapping is refused here, in the same
 * words. Without MPI: for `remise check` on a login node, and for rank 0 before ingest begins.
 */
#ifndef REMISE_JOBS_SHOP_SAMPLE_H
#define REMISE_JOBS_SHOP_SAMPLE_H

#include "jobs/ingest_read.h"

enum { SHOP_SAMPLE_PROBLEM = 1024 };

/* Numbers are estimates for all files where a table was not taken as a whole (share < 1). */
struct shop_sample {
    struct table_sample table[TABLES];
    bool given[TABLES];        /* the configuration names it */
    enum status found[TABLES]; /* OK, or why it could not be read */
    char problem[TABLES][SHOP_SAMPLE_PROBLEM];
    double rows[TABLES];   /* well-formed or not */
    double usable[TABLES]; /* of these, not rejected while they are read */
    double purchases;      /* of the usable events */
    double users, products;
    double name_bytes;  /* of a product's id in the mean, with its end */
    double weeks;       /* from the first event to the last */
    int64_t path_bytes; /* of the longest name of a file */
    int64_t user_record_bytes;
    int64_t attributes;
    double settle_seconds; /* of the processor: to clean and order the rows taken; 0: not asked */
};

/**
 * Look at the tables.
 * Local.
 * bytes   in   to take of all tables together; at least 512 KiB of each
 * settle  in   also clean the rows taken, to measure what it costs
 * sample  out  also if some tables could not be read: see `found`
 * Memory: some ten times `bytes`.
 * Errors: ERR_MEMORY; not those of a table.
 */
enum status shop_sample_take(const struct config *config, int64_t bytes, bool settle,
                             struct shop_sample *sample);

/** Tables that could not be read. Local. */
int shop_sample_problems(const struct shop_sample *sample);

#endif
