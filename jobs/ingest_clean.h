/**
 * Cleaning the events and offers of each user and product, where they stand together in the order
 * of time: who refuses is left out, repeats are dropped, returns are taken off their purchases.
 *
 * What stays goes on in the order of user and time, with first codes for hashes
 * (jobs/ingest_final.h). The order of these steps is that of docs/cleaning.md.
 */
#ifndef REMISE_JOBS_INGEST_CLEAN_H
#define REMISE_JOBS_INGEST_CLEAN_H

#include "jobs/filling.h"
#include "jobs/ingest_products.h"
#include "jobs/outliers.h"

/* An event that stays, all of it words: the order is total on what it holds. */
struct clean_event {
    struct user_key user;
    uint64_t time;
    uint64_t product_quantity; /* first code << 32 | thousandths, -1 to be filled */
    uint64_t amounts;          /* paid << 32 | list, cents of the line, each -1 where unknown */
    uint64_t kind_place;       /* (promotion << 7 | missing << 4 | kind) << 56 | place */
};

struct clean_offer {
    struct user_key user;
    uint64_t time;
    uint64_t product_level;      /* first code << 32 | bits of the discount */
    uint64_t revenue_propensity; /* cents << 32 | bits */
    uint64_t flags_place;        /* flags << 56 | place */
};

enum { CLEAN_WORDS = 6 };

#define CLEAN_PLACE(word) ((word) & (((uint64_t)1 << 56) - 1))

/* What is learned of the products' events while they pass: what stands in for missing amounts, and
 * what is too far out; outliers is NULL where the settings do not ask for it. */
struct statistics {
    struct filling price, quantity; /* of a unit in cents; in thousandths */
    struct outliers *outliers;
};

/** Sorter for what stays, of clean_events or clean_offers. Local. Errors: ERR_MEMORY. */
enum status clean_sorter(const struct ingest *ingest, struct sorter **sorter);

/**
 * Clean the events, with their account in ingest->rejects.
 * Collective; ingest->events is freed.
 * facts       inout  products in use, their categories
 * statistics  inout  every event that stays is added
 * clean       inout  from clean_sorter
 * events_local out   events that this rank looked at
 * Errors: ERR_MEMORY, ERR_WRITE, ERR_IO.
 */
enum status ingest_clean_events(const struct comm *comm, struct ingest *ingest,
                                struct product_facts *facts, struct statistics *statistics,
                                struct sorter *clean, int64_t *events_local);

/** The same for the offers; of several rows of one offer the outcomes are joined. Collective. */
enum status ingest_clean_offers(const struct comm *comm, struct ingest *ingest,
                                struct product_facts *facts, struct sorter *clean);

#endif
