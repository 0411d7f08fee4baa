/**
 * The shop's rows between the reader and the data set: records of users, events and offers, not yet
 * at their owners.
 *
 * Reading (jobs/ingest_read.h) fills them, each rank from its share of the files; sharding
 * (jobs/ingest_shard.h) brings them to the owners of their users and turns them into a
 * `struct dataset`.
 */
#ifndef REMISE_JOBS_INGEST_RECORDS_H
#define REMISE_JOBS_INGEST_RECORDS_H

#include "io/dataset.h"
#include "jobs/ingest_consent.h"

/* One event; sent as it is, so the padding is zero. */
struct event_record {
    struct user_key user;
    int64_t time;    /* seconds since 1970 */
    int32_t product; /* provisional code of this rank, later row of products */
    int32_t quantity_milli, paid_cents, list_cents;
    uint8_t kind, padding[7];
};

/* One offer made in the past. */
struct offer_record {
    struct user_key user;
    int64_t time;
    int32_t product;
    float discount, propensity;
    int32_t revenue_cents;
    uint8_t flags, padding[7];
};

/* Ids and keys seen by this rank; a user's provisional code is its place here. */
struct user_set {
    struct text_set *ids;
    struct user_key *key; /* [text_set_count(ids)] */
    int64_t capacity;
    unsigned char secret[USER_SECRET_BYTES];
};

struct ingest_records {
    struct user_set users;
    struct refusals refusals; /* of users without consent, as the users table says */
    int64_t attributes;       /* user attributes, the protected group the last if `grouped` */
    bool grouped;
    char **attribute_name;               /* [attributes] */
    struct dictionary *attribute_levels; /* [attributes] count 0 for numbers */
    int64_t user_rows;                   /* rows of the users table read here */
    unsigned char *user_row;             /* [user_rows] struct user_key, then double[attributes] */
    int64_t events, offers;
    struct event_record *event;
    struct offer_record *offer;
    struct products products;
};

/** Bytes of one record of the users table: the key and its attributes. Local. */
size_t user_row_bytes(const struct ingest_records *records);

/** Free what it holds and zero it. Local. */
void ingest_records_clear(struct ingest_records *records);

#endif
