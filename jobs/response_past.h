/**
 * What a user did, added up for one product and one moment.
 *
 * Two things are never counted: what happened at or after `time`, and the outcome of the offer that
 * the row is about (`own`), nor any purchase that came of a personal offer: the offers' own counts
 * tell of those, and there the row's own offer is left out.
 */
#ifndef REMISE_JOBS_RESPONSE_PAST_H
#define REMISE_JOBS_RESPONSE_PAST_H

#include "io/dataset.h"
#include "jobs/response_policy.h"

/* What a row is about. */
struct response_moment {
    int64_t time;       /* events and offers before it are known */
    int64_t own;        /* the offer whose outcome is asked for; -1: none */
    bool hide_category; /* what the policy knew of the user in this category is kept back */
};

/* Standings of offers, as sums. */
struct response_standing {
    double weight, sum;
};

struct response_past {
    int64_t purchases, discounted, paid_cents, list_cents, browsing;
    int64_t first_time, last_purchase;
    int64_t category_bought, category_browsed;
    int64_t product_bought, product_browsed, product_last;
    int64_t offers;                    /* shown or not */
    int64_t shown_low, redeemed_low;   /* with a discount below RESPONSE_DEEP */
    int64_t shown_deep, redeemed_deep; /* at or above it */
    int64_t category_shown, category_redeemed;
    struct response_standing all, category;
};

#define RESPONSE_DEEP 0.125f

/**
 * Add it up. Local.
 * personal  in  [events_local] purchases that came of offers (demand_personal_mark)
 * Cost: one pass over the user's events and offers before the moment, the latest 4,096 of each.
 */
struct response_past response_recall(const struct dataset *dataset, const bool *personal,
                                     const struct response_policy *policy, int64_t user,
                                     int32_t product, const struct response_moment *moment);

#endif
