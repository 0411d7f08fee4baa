/**
 * Everything of ingest between reading the tables and writing the data set: the rows that the
 * sorters hold become the parts of the data set, in their order.
 */
#ifndef REMISE_JOBS_INGEST_SETTLE_H
#define REMISE_JOBS_INGEST_SETTLE_H

#include "jobs/ingest_people.h"

/**
 * Settle what was read.
 * Collective; the sorters of `ingest` but that of the rejects are freed.
 * facts   out    of the products, under their first codes; free with product_facts_clear
 * final   inout  from final_rows_new
 * people  out    free with people_clear
 * Errors: ERR_MEMORY, ERR_WRITE, ERR_IO, ERR_DATA.
 */
enum status ingest_settle(const struct comm *comm, struct ingest *ingest,
                          struct product_facts *facts, struct final_rows *final,
                          struct people *people);

#endif
