/**
 * The shop in memory and in `dataset.h5`: users with their events and offers, sharded by blocks;
 * products on every rank.
 *
 * Ingest makes it once; every later stage reads the parts it needs, each rank its own blocks of
 * users. Users are in the order of their keys; a user's events and offers are in the order of time.
 * Money is integer cents, quantities are integer thousandths, so that every sum over them is exact.
 */
#ifndef REMISE_IO_DATASET_H
#define REMISE_IO_DATASET_H

#include "io/store.h"
#include "partition/blocks.h"
#include "partition/dictionary.h"
#include "partition/users.h"

enum event_kind {
    EVENT_VIEW,
    EVENT_CLICK,
    EVENT_CART,
    EVENT_PURCHASE,
    EVENT_RETURN,
    EVENT_RATING,
    EVENT_KINDS
};
enum offer_flag { OFFER_SHOWN = 1, OFFER_CLICKED = 2, OFFER_REDEEMED = 4 };

/* What is sold; the same on every rank, in the order of product ids. */
struct products {
    int64_t count;
    struct dictionary id, category, brand;
    int32_t *category_code; /* [count] */
    int32_t *brand_code;    /* [count] */
    double *list_price;     /* [count] currency units, > 0; 0 where never known: not offered */
    double *unit_cost;      /* [count] currency units */
};

/* One attribute of the users: numbers, or codes of levels in sorted order. */
struct attribute {
    char *name;
    struct dictionary levels; /* count 0 for a number */
    float *value;             /* [users_local] NaN where missing */
};

struct users {
    struct blocks blocks; /* blocks_total = 2^bits; rows are users */
    struct user_key *key; /* [users_local] ascending */
    int64_t id_bytes;     /* longest id */
    char *id;             /* [users_local][id_bytes] padded with 0 */
    int64_t attributes;
    struct attribute *attribute; /* [attributes] */
    struct attribute group; /* protected: report and fairness only; name NULL where not given */
};

struct events {
    int64_t *start;          /* [users_local + 1] first event of each user */
    int32_t *product;        /* [events_local] */
    int64_t *time;           /* seconds since 1970, UTC */
    uint8_t *kind;           /* enum event_kind */
    int32_t *quantity_milli; /* > 0 */
    int32_t *paid_cents;     /* of the whole line, after discounts; 0 for events without a price */
    int32_t *list_cents;     /* of the whole line, before discounts, >= paid */
};

struct offers {
    int64_t *start;   /* [users_local + 1] */
    int32_t *product; /* [offers_local] */
    int64_t *time;
    float *discount;   /* fraction in [0, 1) */
    float *propensity; /* probability with which this level was given; NaN where unknown */
    uint8_t *flags;    /* sum of enum offer_flag */
    int32_t *revenue_cents;
};

struct dataset {
    struct products products;
    struct users users;
    struct events events;
    struct offers offers;
    int64_t events_total, offers_total;
    int64_t time_first, time_last; /* of the events, over all ranks */
    bool assumed_cost;             /* unit costs come from products.assumed_margin */
};

enum dataset_part { DATASET_USERS = 1, DATASET_EVENTS = 2, DATASET_OFFERS = 4, DATASET_ALL = 7 };

/** Write the data set. Collective. Errors: those of store_write. */
enum status dataset_write(const struct comm *comm, const char *path, const struct dataset *dataset);

/**
 * Read the parts asked for; products, blocks and keys always come along.
 * Collective.
 * dataset  out  new; free with dataset_free. Each rank gets a run of blocks balanced by events and
 *               offers.
 * Memory: 25 bytes per event, 25 per offer, about 32 + 4 per attribute per user, of this rank's
 *         share.
 */
enum status dataset_read(const struct comm *comm, const char *path, int parts,
                         struct dataset **dataset);

void dataset_free(struct dataset **dataset); /**< Free and null; accepts NULL inside. Local. */

/** Bytes that the users, events and offers held on this rank take. Local. */
int64_t dataset_bytes(const struct dataset *dataset);

/** Free what the struct holds and zero it. Local. */
void products_clear(struct products *products);
void users_clear(struct users *users);
void events_clear(struct events *events);
void offers_clear(struct offers *offers);

#endif
