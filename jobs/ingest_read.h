/**
 * Reading the shop's tables: rows of CSV through their mapping into records, each rank its share of
 * the bytes.
 *
 * What cannot be used goes to rejects.csv with its reason. Codes of products, categories and brands
 * are provisional, of this rank, until ingest_products_finish gives everybody the same ones.
 */
#ifndef REMISE_JOBS_INGEST_READ_H
#define REMISE_JOBS_INGEST_READ_H

#include "jobs/config.h"
#include "jobs/ingest_records.h"
#include "jobs/rejects.h"

/* What the readers of all tables share on one rank. */
struct ingest {
    const struct config *config; /* not owned */
    struct ingest_records records;
    struct text_set *products, *categories, *brands;
    struct text_file *rejects_file;
    int64_t product_rows, product_capacity;
    struct product_row *product_row; /* of the products table */
    int64_t event_capacity, offer_capacity, user_capacity;
    int32_t *event_category; /* [events] provisional category of each event, or NULL */
};

/* A row of the products table; -1 where missing. */
struct product_row {
    int32_t product, category, brand;
    double list_price, unit_cost;
};

/** Code of a user in records.users, with its key; -1 if out of memory. Local. */
int64_t ingest_user(struct user_set *users, const char *id, size_t bytes);

/**
 * Read one table if the configuration has it. Collective.
 * Errors: ERR_CONFIG, ERR_NO_INPUT, ERR_DATA, ERR_MEMORY, ERR_WRITE.
 */
enum status ingest_read_products(const struct comm *comm, struct ingest *ingest);
enum status ingest_read_users(const struct comm *comm, struct ingest *ingest);
enum status ingest_read_events(const struct comm *comm, struct ingest *ingest);
enum status ingest_read_offers(const struct comm *comm, struct ingest *ingest);

/**
 * Give products, categories and brands their final codes in all records, and every product its
 * prices.
 * Collective. Where the products table has no list price it is the mean price in the events before
 * discounts; where it has no unit cost, products.assumed_margin below the list price. *assumed:
 * some cost was assumed.
 */
enum status ingest_products_finish(const struct comm *comm, struct ingest *ingest, bool *assumed);

/**
 * Open one table's file, run it through `on_row`, close its account.
 * Collective; for the readers. `reader` is given to on_row.
 */
enum status ingest_read_table(const struct comm *comm, struct ingest *ingest, const char *table,
                              struct csv *csv, csv_on_row *on_row, csv_on_bad *on_bad,
                              void *reader);

/**
 * Stop the run if more rows were rejected than the configuration allows.
 * Local; the account is the same everywhere.
 */
enum status ingest_check_rejects(const struct config *config, const struct rejects *rejects,
                                 const char *table);

#endif
