/**
 * Reading the shop's tables: rows of CSV through their mapping into sorters of records, each rank
 * its share of the bytes.
 *
 * A row that can be used becomes a record of its table; one that cannot becomes a record of the
 * faulty, which wait until it is known who refuses; rows of users who are to be forgotten become
 * nothing. Products and names are few and stay on the rank that met them until names_settle.
 */
#ifndef REMISE_JOBS_INGEST_READ_H
#define REMISE_JOBS_INGEST_READ_H

#include "io/csv_sample.h"
#include "jobs/column_facts.h"
#include "jobs/config.h"
#include "jobs/forget.h"
#include "jobs/ingest_ids.h"
#include "jobs/ingest_names.h"
#include "jobs/mapping.h"
#include "jobs/product_attributes.h"
#include "jobs/pseudonyms.h"
#include "jobs/rates.h"
#include "jobs/rejects.h"
#include "jobs/shop_record.h"

/* A row of the products table. */
struct product_row {
    uint64_t product, category, brand; /* hashes; 0 where missing */
    double list_price, unit_cost;      /* -1 where missing */
    double price_floor, margin_floor;  /* likewise */
    double stock;                      /* likewise */
};

/* A row of the promotions table. */
struct promotion_row {
    uint64_t place;
    uint64_t product, category; /* hashes; 0 where missing */
    int64_t start, end;         /* seconds since 1970, end not among them */
    double discount;
    int64_t market;        /* provisional code; -1: all */
    int64_t audience;      /* likewise */
    int32_t segment, kind; /* segment -1: all */
    int32_t column;        /* of the product or category that it is of */
    char value[REJECT_VALUE_BYTES];
};

/* An attribute of the users, met as numbers or as texts. */
struct attribute_names {
    char *name;
    int64_t column;      /* of the users table */
    struct names levels; /* texts met here, no more than ATTRIBUTE_TEXTS_MAX + 1 */
    int64_t texts;       /* met that are no numbers */
};

enum { ATTRIBUTE_LEVELS_MAX = 65536, ATTRIBUTE_TEXTS_MAX = 2 * ATTRIBUTE_LEVELS_MAX };

/* A row of the users table: ordered by user, a group, then place. */
struct user_record {
    struct user_key user;
    uint64_t place; /* words end here */
    uint64_t consents;
    struct user_value {
        double number; /* NaN where the text is none */
        uint64_t text; /* hash; 0 where missing */
    } value[];         /* [attributes] */
};

enum { USER_RECORD_WORDS = 3, USER_GROUP_WORDS = 2 };

/* A user who has something: how many events or offers on one rank, a row of the users table, or a
 * label in millionths. */
struct user_count {
    struct user_key user;
    uint64_t what; /* enum counted */
    int64_t count;
};

enum counted { COUNTED_USER, COUNTED_EVENTS, COUNTED_OFFERS, COUNTED_LABEL };
enum { USER_COUNT_WORDS = 3 };

/* A row that cannot be used, waiting for its user's answer: ordered by user and row, a group. */
struct faulty_record {
    struct user_key user; /* 0, 0 where it has none */
    uint64_t row;         /* hash of all fields, or the place where repeats do not matter */
    uint64_t place;       /* words end here */
    uint64_t faults;
    int32_t table, column;
    char value[REJECT_VALUE_BYTES];
};

enum { FAULTY_RECORD_WORDS = 4, FAULTY_GROUP_WORDS = 3 };

/* Of a table that is only sampled: to tell beforehand what it comes to (jobs/shop_sample.h). */
struct table_sample {
    int64_t bytes; /* in: to take of its files */
    struct csv_sampled taken;
    int64_t stored_bytes;      /* of all its files */
    int64_t columns_many;      /* with about as many values as rows */
    int64_t columns_few_bytes; /* of column_facts, for the other ones */
    double seconds;            /* of the processor, for the rows taken */
};

/* What the readers of all tables share on one rank. */
struct ingest {
    const struct config *config; /* not owned */
    const char *folder;          /* of sorters and spools; not owned */
    int64_t memory_bytes;        /* for all of them together */
    unsigned char secret[USER_SECRET_BYTES];
    struct pseudonyms *pseudonyms;
    struct forget_list forget;
    struct rates rates;
    struct ids *ids; /* NULL unless original ids are to be published */
    struct csv *csv[TABLES];
    struct table_sample *sample; /* [TABLES] instead of reading all; not owned; NULL: read all */
    struct names products, categories, brands;
    int64_t product_rows, product_capacity;
    struct product_row *product_row;
    struct product_attributes product_attributes;
    int64_t promotion_rows, promotion_capacity;
    struct promotion_row *promotion_row;
    struct text_set *promotion_markets;   /* NULL: there is no table of promotions */
    struct text_set *promotion_audiences; /* likewise */
    int64_t attributes;                   /* the protected group the last if `grouped` */
    bool grouped;
    struct attribute_names *attribute;
    struct sorter *events, *offers, *users, *counts, *faulty;
    struct rejects rejects;
};

/**
 * A sorter with a share of the memory: an 8th of it for share 8. Local. Errors: ERR_MEMORY.
 */
enum status ingest_sorter(const struct ingest *ingest, size_t record_bytes, int words,
                          int group_words, int64_t share, struct sorter **sorter);

/** Prepare names and sorters. Local. Errors: ERR_MEMORY. */
enum status ingest_open(struct ingest *ingest);
/** Free all it holds. Local. */
void ingest_close(struct ingest *ingest);

/**
 * Read the table of products if the configuration has one. Collective.
 * Errors: ERR_CONFIG, ERR_NO_INPUT, ERR_DATA, ERR_MEMORY, ERR_WRITE.
 */
enum status ingest_read_products(const struct comm *comm, struct ingest *ingest);
/** Likewise users. Collective. */
enum status ingest_read_users(const struct comm *comm, struct ingest *ingest);
/** Likewise events. Collective. */
enum status ingest_read_events(const struct comm *comm, struct ingest *ingest);
/** Likewise offers. Collective. */
enum status ingest_read_offers(const struct comm *comm, struct ingest *ingest);
/** Likewise labels. Collective. */
enum status ingest_read_labels(const struct comm *comm, struct ingest *ingest);
/** Likewise promotions. Collective. */
enum status ingest_read_promotions(const struct comm *comm, struct ingest *ingest);

/* ---- for the readers ---- */

/* The row at hand of one table: what it is of, and what is wrong with it. */
struct row_state {
    struct ingest *ingest;
    enum table table;
    struct mapping map;
    struct column_facts columns;
    struct user_key user; /* 0, 0 where the row has none */
    uint64_t place, faults;
    uint64_t row;       /* hash, or the place */
    int64_t bad_column; /* of its first fault in the order of precedence */
};

/**
 * Open the file and the mapping of a table. Collective. As mapping_open.
 * state  out  free with row_state_clear
 */
enum status ingest_open_table(const struct comm *comm, struct ingest *ingest, enum table table,
                              const char *const *names, int64_t roles, int64_t texts,
                              struct row_state *state);

/** ingest.time_from and ingest.time_to, or all of time. Local. */
void ingest_window(const struct config *config, int64_t *from, int64_t *to);

/** Run the table through on_row and say what its columns hold. Collective. */
enum status ingest_read_rows(const struct comm *comm, struct row_state *state, csv_on_row *on_row,
                             csv_on_bad *on_bad, void *reader);

/** Free what the state holds; accepts a zeroed one. Local. */
void row_state_clear(struct row_state *state);

/**
 * Begin a row with its user.
 * Local. role < 0: the table has none.
 * forgotten  out  the user is to be forgotten: the row is counted, and nothing else is to be done
 * Errors: ERR_MEMORY.
 */
enum status row_begin(struct row_state *state, const struct csv_row *row, int64_t role,
                      bool *forgotten);

/** Note a fault of the row, in the column the mapping looked at last. Local. */
void row_fault(struct row_state *state, enum reject reason);

/** Put the row, which has faults, among the faulty. Local. Errors: ERR_MEMORY, ERR_WRITE. */
enum status row_reject(struct row_state *state, const struct csv_row *row, int64_t user_role);

/** The row's user is kept: its id goes to the vault if one is wanted. Local. */
enum status row_keep_user(struct row_state *state, const struct csv_row *row, int64_t user_role);

/** The rate of the row's currency at a time, 1 where there is none; a fault if unknown. Local. */
double row_rate(struct row_state *state, const struct csv_row *row, int64_t role, int64_t seconds);

/** A malformed row. Local. */
enum status row_malformed(struct row_state *state, const struct csv_bad *bad);

#endif
