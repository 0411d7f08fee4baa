/**
 * The shop's rows between the reader and the data set: records of fixed size, sorted and brought to
 * their ranks by partition/sorter.h.
 *
 * Every record begins with the words of its order. Users are known by their keys alone; products,
 * categories and levels by 64-bit hashes of their texts, which mean the same on every rank
 * (jobs/ingest_names.h turns them into codes). `place` says where a row was read: file number << 40
 * | line. Times are seconds since 1970 with the sign bit turned, so that their unsigned order is
 * that of time.
 */
#ifndef REMISE_JOBS_SHOP_RECORD_H
#define REMISE_JOBS_SHOP_RECORD_H

#include "partition/users.h"

#define INGEST_TIME(seconds) ((uint64_t)(seconds) ^ (uint64_t)1 << 63)
#define INGEST_SECONDS(time) ((int64_t)((time) ^ (uint64_t)1 << 63))
#define INGEST_PLACE(file, line) ((uint64_t)(file) << 40 | (uint64_t)(line))
#define INGEST_FILE(place) ((int64_t)((place) >> 40))
#define INGEST_LINE(place) ((int64_t)((place) & (((uint64_t)1 << 40) - 1)))

/* One event as read: ordered by user and product, which is a group, then time, row, place. */
struct event_record {
    struct user_key user;
    uint64_t product; /* hash of the id */
    uint64_t time;
    uint64_t row;           /* hash of all fields: repeats have the same */
    uint64_t place;         /* words end here */
    uint64_t category;      /* hash; 0 where the events tell none */
    int32_t quantity_milli; /* > 0; -1 missing, to be filled */
    int32_t paid_cents;     /* of the whole line; -1 missing, to be filled */
    int32_t list_cents;     /* of the whole line; -1 where the row does not tell */
    uint8_t kind;           /* enum event_kind */
    uint8_t missing;        /* sum of enum missing */
    uint8_t promotion;      /* 1: sold on a promotion */
    uint8_t padding[1];
};

/* What the row did not tell, and something stands in for. */
enum missing { MISSING_PRICE = 1, MISSING_QUANTITY = 2 };

enum { EVENT_RECORD_WORDS = 6, EVENT_GROUP_WORDS = 3 };

/* One offer made in the past: ordered by user and product, a group, then time, discount, place. */
struct offer_record {
    struct user_key user;
    uint64_t product;
    uint64_t time;
    uint64_t level; /* bits of the discount as a float: not negative, so in its order */
    uint64_t place; /* words end here */
    float propensity;
    int32_t revenue_cents;
    uint8_t flags;
    uint8_t padding[7];
};

enum { OFFER_RECORD_WORDS = 6, OFFER_GROUP_WORDS = 3 };

#endif
