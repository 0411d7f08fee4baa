/**
 * The features of a user's profile, each defined once, here.
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

void features_clear(struct features *features); /**< Free; accepts a zeroed struct. Local. */

#endif
