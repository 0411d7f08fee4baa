/**
 * The last pass over events and offers, in the order of user and time: gaps are filled, outliers
 * go, products' usual prices are found, and the rows of the data set stand in spools.
 */
#ifndef REMISE_JOBS_INGEST_FINAL_H
#define REMISE_JOBS_INGEST_FINAL_H

#include "jobs/ingest_clean.h"
#include "jobs/series.h"
#include "jobs/usual_prices.h"
#include "partition/spool.h"

/* What the data set is made of, this rank's stretch of each; products under first codes. */
struct final_rows {
    struct spool *events; /* of struct event_row */
    struct spool *offers; /* of struct offer_row */
    struct series_maker *series;
    struct usual_prices *usual;    /* NULL once they are found */
    int64_t time_first, time_last; /* of the events, over all ranks */
    int64_t events_total, offers_total;
};

/** Begin empty. Local. Errors: ERR_MEMORY. */
enum status final_rows_new(const struct ingest *ingest, struct final_rows *final);
/** Free; accepts a zeroed struct. Local. */
void final_rows_clear(struct final_rows *final);

/**
 * Take the clean events to the end. Collective; the sorter is freed.
 * facts  inout  the usual prices of those without a list price
 * Errors: ERR_MEMORY, ERR_WRITE, ERR_IO.
 */
enum status ingest_final_events(const struct comm *comm, struct ingest *ingest,
                                struct sorter **clean, struct statistics *statistics,
                                struct product_facts *facts, struct final_rows *final);
/** Take the clean offers to the end. Collective; the sorter is freed. Errors: as of events. */
enum status ingest_final_offers(const struct comm *comm, struct ingest *ingest,
                                struct sorter **clean, struct final_rows *final);

#endif
