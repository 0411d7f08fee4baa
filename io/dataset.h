/**
 * The shop in memory and in `dataset.h5`: users with their events and offers, sharded by blocks;
 * products on every rank, their weekly series sharded by product.
 *
 * Ingest makes it once, from rows that pass by piece by piece; every later stage reads the parts it
 * needs, each rank its own blocks of users. Users are known by their keys alone and in the order of
 * these; a user's events and offers are in the order of time. Money is integer cents, quantities
 * are integer thousandths, so that every sum over them is exact. docs/run-folder.md lists the data
 * sets.
 */
#ifndef REMISE_IO_DATASET_H
#define REMISE_IO_DATASET_H

#include "io/promotions.h"
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

/* One attribute of the products or users: numbers, or codes of levels in sorted order. */
struct attribute {
    char *name;
    struct dictionary levels; /* count 0 for a number */
    float *value;             /* [products] or [users_local]; NaN where missing */
};

/* What is sold; the same on every rank, in the order of product ids. */
struct products {
    int64_t count;
    struct dictionary id, category, brand;
    int32_t *category_code; /* [count] */
    int32_t *brand_code;    /* [count] */
    double *list_price;     /* [count] currency units, > 0; 0 where never known: not offered */
    double *unit_cost;      /* [count] currency units */
    double *price_floor;    /* [count] never sold below, 0: none; NULL: the shop has none */
    double *margin_floor;   /* [count] fraction, NaN: that of all; NULL: no product has its own */
    double *stock; /* [count] units that can be sold, NaN: unknown; NULL: of all products */
    int64_t attributes;
    struct attribute *attribute; /* [attributes] */
};

struct users {
    struct blocks blocks; /* blocks_total = 2^bits; rows are users */
    struct user_key *key; /* [users_local] ascending */
    int64_t attributes;
    struct attribute *attribute; /* [attributes] */
    struct attribute group; /* protected: report and fairness only; name NULL where not given */
    float *label; /* [users_local] discount that the shop chose, NaN where none; NULL: no labels */
};

struct events {
    int64_t *start;          /* [users_local + 1] first event of each user */
    int32_t *product;        /* [events_local] */
    int64_t *time;           /* seconds since 1970, UTC */
    uint8_t *kind;           /* enum event_kind */
    int32_t *quantity_milli; /* > 0 */
    int32_t *paid_cents;     /* of the whole line, after discounts; 0 for events without a price */
    int32_t *list_cents;     /* of the whole line, before discounts, >= paid */
    uint8_t *promotion;      /* 1: sold on a promotion; NULL where the shop does not tell */
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

/* What was bought of each product in each week; this rank's products. */
struct series {
    int64_t product_first, products; /* a run of products, in rank order; possibly none */
    int64_t *start;                  /* [products + 1] first row of each */
    int32_t *week; /* [rows_local] ascending in a product; weeks since Monday 1969-12-29 */
    int64_t *quantity_milli;
    int64_t *paid_cents; /* after discounts */
    int64_t *list_cents; /* before discounts */
};

struct dataset {
    struct products products;
    struct promotions promotions; /* all of them, whenever they run */
    struct users users;
    struct events events;
    struct offers offers;
    struct series series;
    int64_t events_total, offers_total, series_total;
    int64_t time_first, time_last; /* of the events, over all ranks */
    bool assumed_cost;             /* unit costs come from products.assumed_margin */
};

enum dataset_part {
    DATASET_USERS = 1, /* attributes and group */
    DATASET_EVENTS = 2,
    DATASET_OFFERS = 4,
    DATASET_SERIES = 8,
    DATASET_ALL = 15,
    DATASET_PROMOTED = 16 /* as DATASET_USERS, where promotions name markets or audiences */
};

/* ---- writing ---- */

/* One row as it is brought to the file; the fields mean what those of the structs above do. */
struct event_row {
    int64_t time;
    int32_t product, quantity_milli, paid_cents, list_cents;
    uint8_t kind;
    uint8_t promotion; /* 0 or 1; kept with parts->promotions only */
    uint8_t padding[6];
};

struct offer_row {
    int64_t time;
    int32_t product;
    float discount, propensity;
    int32_t revenue_cents;
    uint8_t flags;
    uint8_t padding[7];
};

struct series_row {
    int32_t product, week; /* floor((days since 1970 + 3) / 7) */
    int64_t quantity_milli, paid_cents, list_cents;
};

/* All that makes a data set. Rows of events and offers are in the order of users and, of one user,
 * of time; those of the series in the order of products and weeks. They lie where they like: a rank
 * brings any run of them, in rank order, not those of its own users. */
struct dataset_parts {
    const struct products *products;          /* the same on every rank */
    const struct promotions *shop_promotions; /* likewise; NULL: none */
    /* This rank's users: keys, attributes, group; of the blocks only rows_local, rows_total,
     * row_first and blocks_total = 2^bits count, start may be NULL: rows need not end at blocks. */
    const struct users *users;
    const int64_t *user_events, *user_offers; /* [users_local] rows of each; offers NULL: none */
    int64_t events_local, offers_local, series_local; /* rows this rank brings */
    /* Give rows first .. first + count - 1 of this rank; local; each row is asked for once, in
     * order. Those of which there are no rows on any rank may be NULL. */
    enum status (*events)(void *context, int64_t first, int64_t count, struct event_row *rows);
    enum status (*offers)(void *context, int64_t first, int64_t count, struct offer_row *rows);
    enum status (*series)(void *context, int64_t first, int64_t count, struct series_row *rows);
    void *context;
    int64_t time_first, time_last;
    bool assumed_cost;
    bool promotions; /* the events tell of promotions */
};

/**
 * Write the data set, rows piece by piece.
 * Collective; a rank may bring nothing.
 * Memory: beside `parts` on each rank 14 MiB (a piece of 2^18 rows, one column of it and what is
 *         read back; 16 MiB for the keys of users), 24 * 2^bits + 24 * products bytes, and 8 per
 *         local user where user_offers is NULL.
 * Cost: one pass over all rows; each column is one run of the file on each rank, written in pieces
 *       of 2^18 rows; two reductions of the counts.
 * Same bytes for any number of ranks and any division of the rows among them.
 * Errors: those of store_put and of the callbacks; ERR_BUG rows and counts do not agree, users are
 *         not in order, a product does not exist.
 */
enum status dataset_write_parts(const struct comm *comm, const char *path,
                                const struct dataset_parts *parts);

/* ---- reading ---- */

/**
 * Read the parts asked for (enum dataset_part); products, promotions,
 * blocks and keys always come along.
 * Collective.
 * dataset  out  new; free with dataset_free. Each rank gets a run of blocks balanced by events and
 *               offers, and a run of products balanced by rows of the series.
 * Memory: this rank's share of 25 bytes per event (26 with promotions), 25 per offer, 28 per row
 *         of the series, 16 + 4 per attribute + 16 per user; 24 bytes, 4 for each attribute and
 *         its texts per product, and 24 per block, on every rank.
 * Errors: those of store_read; ERR_IO the file is of another version.
 */
enum status dataset_read(const struct comm *comm, const char *path, int parts,
                         struct dataset **dataset);

/**
 * Read the products and one user, who is the only one of the blocks, with attributes and group; no
 * rows if the user is not in the file, which is no error. Every rank gets the same.
 * Collective. dataset out: new; free with dataset_free.
 * Cost: that of the products, and some 20 reads of 16 bytes.
 * Errors: as dataset_read.
 */
enum status dataset_read_user(const struct comm *comm, const char *path, struct user_key key,
                              struct dataset **dataset);

/** Free and null; accepts NULL inside. Local. */
void dataset_free(struct dataset **dataset);

/** Bytes that the users, events, offers and series held on this rank take. Local. */
int64_t dataset_bytes(const struct dataset *dataset);

/** An attribute of the users by name; NULL: there is none, or it was not read. Local. */
const struct attribute *users_attribute(const struct users *users, const char *name);

/** The market of the users; NULL where the shop tells none, or the data set lacks it. Local. */
const struct attribute *users_market(const struct users *users);

/**
 * What an attribute says of a row as a text: a number as it is written shortest. Local.
 * room  inout  [NUMBER_TEXT_BYTES + 1] of io/parse.h, for numbers
 * Returns NULL where it is missing; borrowed from the attribute or the room.
 */
const char *attribute_text(const struct attribute *attribute, int64_t row, char *room);

/** Free what the products hold and zero them. Local. */
void products_clear(struct products *products);
/** Likewise users. Local. */
void users_clear(struct users *users);
/** Likewise events. Local. */
void events_clear(struct events *events);
/** Likewise offers. Local. */
void offers_clear(struct offers *offers);
/** Likewise series. Local. */
void series_clear(struct series *series);

#endif
