/**
 * The features of a user's profile and the sequence of a user's last events, each defined once,
 * here.
 *
 * All are taken from the user's own events up to the last event of the shop ("now"), money in
 * currency units.
 *   recency           log(1 + days since the last purchase); the whole window where there is none
 *   frequency         log(1 + baskets per 30 days of tenure); a basket is a distinct purchase time
 *   spend             log(1 + amount paid per 30 days of tenure)
 *   basket            log(1 + amount paid per basket)
 *   variety           log(1 + distinct categories bought)
 *   discount_share    share of purchase lines bought below list price
 *   discount_depth    1 - paid / list over all purchases
 *   browse_to_buy     purchases / (views + clicks + carts + purchases); 1 where nothing but
 * purchases is recorded
 *   tenure            log(1 + days since the first event)
 *   category:NAME     share of spend in each of the largest categories of the shop (by amount paid)
 *   season:Q1..Q4     share of spend in each quarter of the year
 *
 * A sequence is the last `length` events of a user of any kind, oldest first; where there are
 * fewer, the first places are padding. Each place has
 *   category          of the product: row of products/category; -1 padding
 *   kind              enum event_kind; EVENT_KINDS padding
 *   gap               log(1 + days since the user's event before, in the sequence or not); 0 for
 *                     the first of all and for padding
 */
#ifndef REMISE_JOBS_FEATURES_H
#define REMISE_JOBS_FEATURES_H

#include "io/dataset.h"

enum { FEATURE_CATEGORIES = 12 };

struct features {
    int64_t columns;
    struct dictionary names; /* in column order (not sorted) */
    double *x;               /* [users_local][columns], finite */
};

/**
 * Compute the features of every local user.
 * Collective (the largest categories are those of the whole shop). Free with features_clear.
 * Needs the events of the data set.
 * Cost: one pass over the events, one reduction of a number per category.
 * Same bits at any number of ranks.
 * Errors: ERR_MEMORY.
 */
enum status features_make(const struct comm *comm, const struct dataset *dataset,
                          struct features *features);

/** Free; accepts a zeroed struct. Local. */
void features_clear(struct features *features);

struct sequences {
    int64_t users, length;
    int32_t *category; /* [users][length] */
    uint8_t *kind;     /* [users][length] */
    float *gap;        /* [users][length] */
};

/**
 * The sequences of local users first .. first + users - 1; a part of them at a time bounds memory.
 * Local. Free with sequences_clear.
 * Needs the events of the data set.
 * Memory: 9 bytes per user and place.
 * Errors: ERR_MEMORY; ERR_ARG length < 1.
 */
enum status sequences_make(const struct dataset *dataset, int64_t length, int64_t first,
                           int64_t users, struct sequences *sequences);

/** Free; accepts a zeroed struct. Local. */
void sequences_clear(struct sequences *sequences);

#endif
