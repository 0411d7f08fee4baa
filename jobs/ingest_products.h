/**
 * The products of the shop once all tables are read: final codes, names and prices.
 */
#ifndef REMISE_JOBS_INGEST_PRODUCTS_H
#define REMISE_JOBS_INGEST_PRODUCTS_H

#include "io/dataset.h"
#include "jobs/ingest_read.h"

/* What is known of every product, under the first codes (all names that were met); the same on
 * every rank but for used. */
struct product_facts {
    int64_t count, categories;
    uint8_t *listed;      /* [count] has a row in the products table */
    uint8_t *used;        /* [count] listed, or in an event or offer that is kept here */
    int32_t *category;    /* [count] first code, -1 none */
    int32_t *brand;       /* [count] */
    double *list_price;   /* [count] of the table, -1 where it has none */
    double *unit_cost;    /* [count] */
    double *price_floor;  /* [count] -1 none */
    double *margin_floor; /* [count] fraction, -1 none */
    double *stock;        /* [count] units, -1 unknown */
    int64_t *usual_cents; /* [count] usual price of a unit in the events, 0 none */
};

/**
 * Settle the names met by all ranks and lay out the facts of the products table.
 * Collective. facts out: free with product_facts_clear.
 * Where several rows of a product disagree the highest price, cost and code count.
 * Errors: ERR_MEMORY, ERR_DATA.
 */
enum status product_facts_make(const struct comm *comm, struct ingest *ingest,
                               struct product_facts *facts);
/** Free; accepts zeroes. Local. */
void product_facts_clear(struct product_facts *facts);

/** Category of a product as group of its statistics: 0 where none is known. Local. */
int64_t category_of(const struct product_facts *facts, int32_t product);

/** An event tells the category of its product (hash, 0: it does not). Local. */
void product_told(const struct ingest *ingest, struct product_facts *facts, int32_t product,
                  uint64_t category);

/**
 * Agree on the categories that events told. Collective; before anything is made of them.
 */
void product_facts_join(const struct comm *comm, struct product_facts *facts);

/**
 * Leave out what nothing uses, and give every product its prices.
 * Collective.
 * Where the products table has no list price it is the usual price in the events
 * (jobs/usual_prices.h), or what ingest.missing.list_price says; where it has no unit cost,
 * products.assumed_margin below the list price, or what ingest.missing.unit_cost says.
 * products  out  free with products_clear
 * code      out  new [facts->count] final code of each first one, -1 for what is left out
 * assumed   out  some cost was assumed
 */
enum status products_finish(const struct comm *comm, struct ingest *ingest,
                            struct product_facts *facts, struct products *products, int32_t **code,
                            bool *assumed);

#endif
