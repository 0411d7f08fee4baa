/**
 * What the response network knows of a user, a product and a moment: one row of numbers.
 *
 * The same function makes the rows it learns from (an offer or an exposure in the past) and the
 * rows it is asked about (now). What may be known of the user is for the moment to say
 * (jobs/response_past.h): of an exposure what was done before it, of an offer all but what
 * came of offers. What all users did with a product is taken over
 * the whole window, the same for every row of the product: taking a row's own outcome out of it
 * would tell the outcome to a network that recognises the product by its other numbers. The user's
 * segment is no input for the same reason: it is made from the whole window, purchases that came of
 * the offers included.
 */
#ifndef REMISE_JOBS_RESPONSE_FEATURES_H
#define REMISE_JOBS_RESPONSE_FEATURES_H

#include "io/dataset.h"
#include "jobs/demand.h"
#include "jobs/response_classes.h"
#include "jobs/response_past.h"

/* Totals of a product or of a category over the whole window and all ranks. */
struct response_totals {
    int64_t purchases, browsing, discounted;
    int64_t offers_low, redeemed_low;   /* with a discount below RESPONSE_DEEP */
    int64_t offers_deep, redeemed_deep; /* at or above it */
};

#define RESPONSE_DEEP 0.125f

/* What a column is about. */
enum response_role {
    ROLE_PLAIN,
    ROLE_STANDING, /* of the user, by the past's policy: in all, and in the category */
    ROLE_KNOWN,    /* how sure a standing is */
    ROLE_LIKING,   /* share of the category in what the user does */
    ROLE_HABIT,    /* how the user took discounts seen by all */
    ROLE_GOODS,    /* price and margin of the product */
    ROLE_CATEGORY, /* one column each */
    ROLE_NUMBER,   /* an attribute of the user */
    ROLE_MISSING,  /* whether it is missing */
    ROLE_LEVEL,    /* one level of an attribute */
    ROLE_KIND,     /* the chance that the user is of a kind */
    ROLE_STEP      /* of the sequence */
};

struct response_context {
    const struct dataset *dataset;    /* not owned; with users, events and offers */
    const struct demand *demand;      /* not owned */
    struct response_totals *product;  /* [products] */
    struct response_totals *category; /* [categories] */
    struct response_totals all;
    bool *personal; /* [events_local] purchases that came of offers */
    struct response_policy policy;
    struct response_classes classes; /* none before response_context_classify */
    int64_t columns;                 /* of a row, the sequence included */
    int64_t events;                  /* of the sequence that a row begins with; 0: none */
    int64_t category_columns;
    int32_t *category_column;   /* [categories] -1: none of its own */
    int64_t *attribute_columns; /* [attributes] columns of each: 2, levels, or 0 if too many */
};

/**
 * Add up the totals and lay out the columns. Collective. Free with response_context_clear.
 * Errors: ERR_MEMORY.
 */
enum status response_context_make(const struct comm *comm, const struct dataset *dataset,
                                  const struct demand *demand, struct response_context *context);
/** Free; accepts a zeroed struct. Local. */
void response_context_clear(struct response_context *context);

/**
 * Tell kinds of users apart (jobs/response_classes.h), by whose columns rows then end. Collective;
 * before any row is made.
 * Errors: those of response_classes_make.
 */
enum status response_context_classify(const struct comm *comm, struct response_context *context);

/**
 * Let rows begin with the sequence of so many events (jobs/response_sequence.h). Local; before any
 * row is made.
 */
void response_context_begin_with(struct response_context *context, int64_t events);

/**
 * The row for a local user, a product and a moment. Local.
 * x      out  [context->columns], finite
 * Cost: one pass over the user's events and offers before `time`, the latest 4,096 of each.
 */
void response_features(const struct response_context *context, int64_t user, int32_t product,
                       const struct response_moment *moment, float *x);

/** What each column of a row is about. Local. role out [context->columns] */
void response_roles(const struct response_context *context, enum response_role *role);

/**
 * How much of what past offers tell of a user is missing for the category of a row: 1 all, 0 none.
 * Local.
 * x  in  a row of response_features, before it is scaled
 */
double response_unknown(const struct response_context *context, const float *x);

/**
 * Variance of the log odds that a product is bought where there are no offers, by how few purchases
 * tell of it. Local.
 */
double response_product_variance(const struct response_context *context, int32_t product);

/**
 * The slope b that demand's elasticity implies where the chance of buying is small; 0 if unknown.
 * Local.
 */
float response_prior(const struct response_context *context, int32_t product);

#endif
