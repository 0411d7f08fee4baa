/**
 * What a user did, added up for one product and one moment.
 *
 * What happened at or after `time` is not counted, nor what came of offers: whether they were
 * redeemed, and what was bought by them. That is what the response model has to explain, and where
 * a user's own outcomes tell of the user (jobs/response_effects.h).
 */
#ifndef REMISE_JOBS_RESPONSE_PAST_H
#define REMISE_JOBS_RESPONSE_PAST_H

#include "io/dataset.h"
#include "jobs/response_policy.h"

/* What a row is about. */
struct response_moment {
    int64_t time;       /* events and offers before it are known */
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
    int64_t offers;
    struct response_standing all, category;
};

/**
 * Add it up. Local.
 * personal  in  [events_local] purchases that came of offers (demand_personal_mark)
 * Cost: one pass over the user's events and offers before the moment, the latest 4,096 of each.
 */
struct response_past response_recall(const struct dataset *dataset, const bool *personal,
                                     const struct response_policy *policy, int64_t user,
                                     int32_t product, const struct response_moment *moment);

#endif
