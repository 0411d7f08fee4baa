/**
 * The shop's promotions on their way to the data set: read like the other tables
 * (ingest_read_promotions), then held against the products that there are, then put together from
 * all ranks in the order of the table.
 */
#ifndef REMISE_JOBS_INGEST_PROMOTIONS_H
#define REMISE_JOBS_INGEST_PROMOTIONS_H

#include "jobs/ingest_products.h"

/**
 * Reject the promotions of products and categories that no other table knows.
 * Collective; once the tables are clean, before rejects.csv is written.
 * facts  in  whose `used` is of this rank
 * Errors: ERR_MEMORY, ERR_WRITE.
 */
enum status promotions_reject(const struct comm *comm, struct ingest *ingest,
                              const struct product_facts *facts);

/**
 * Put the promotions of all ranks together.
 * Collective; after products_finish.
 * code        in   [facts->count] final code of each product, -1 for what is left out
 * promotions  out  in the order of the table; free with promotions_clear, also on failure
 * Same on every rank and for any number of ranks.
 * Errors: ERR_MEMORY.
 */
enum status promotions_finish(const struct comm *comm, const struct ingest *ingest,
                              const struct product_facts *facts, const int32_t *code,
                              const struct products *products, struct promotions *promotions);

#endif
