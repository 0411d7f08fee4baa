/**
 * What is individual about users and products beyond what the networks predict. Products: an offset
 * on the log odds of buying, learned from everybody's offers of the product
 * (algorithms/shared_effects.h). Users, learned from each user's own offers: random effects
 * (algorithms/random_effects.h) on the log odds, in all and in a category, and on the slope.
 *
 * The networks give the mean chance of all users who look alike; these effects say how much such
 * users still differ, and what a user's own outcomes tell of it. Without an offers table there are
 * no outcomes of the user's own; then effects have their usual spread and intervals rest on it.
 */
#ifndef REMISE_JOBS_RESPONSE_EFFECTS_H
#define REMISE_JOBS_RESPONSE_EFFECTS_H

#include "algorithms/shared_effects.h"
#include "jobs/response_ensemble.h"
#include "jobs/response_features.h"

struct response_effects {
    struct effects_data data; /* the offers shown to the local users; not owned arrays below */
    int64_t *start;           /* [users_local + 1] */
    float *logit, *x, *y;
    int32_t *group;                 /* category */
    int32_t *product;               /* of each offer */
    struct shared_effects products; /* of no things without an offers table */
    struct effects_spread spread;
    double shift, scale; /* log odds of a curve are shift + scale x what all this makes of them:
                            0 and 1 before response_settle */
    double kept_back; /* variance more where no offer tells of the category (response_policy.h) */
};

/**
 * Judge every user's own offers by the member that has not learned from them, and find how far
 * users spread. Collective. Free with response_effects_clear.
 * Memory: 20 bytes per offer shown, 8 per user, 64 per product; 4 per offer and member while it
 * works.
 * Errors: ERR_MEMORY.
 * Same bits for any number of ranks.
 */
enum status response_effects_make(const struct comm *comm, const struct response_context *context,
                                  const struct response_ensemble *ensemble,
                                  struct response_effects *effects);
/** Free; accepts a zeroed struct. Local. */
void response_effects_clear(struct response_effects *effects);

/* The curve of one candidate: P(d) = sigmoid(a + b d) is the expected chance. */
struct response_curve {
    float a, b;
    float a_sd, b_sd, correlation; /* of log odds without discount and their gain */
};

/* What a curve is about. */
struct response_about {
    int32_t category;
    double product;        /* effect of the product on the log odds */
    double product_before; /* its variance while nothing is known of it */
    double product_var;    /* and by what is known */
    double other;          /* variance by what else is not known: kept_back where no offer of the
                              user lies in the category */
};

/** About a product. Local. x in: the row of response_features before it is scaled */
struct response_about response_about_of(const struct response_context *context,
                                        const struct response_effects *effects, int32_t product,
                                        const float *x);

/**
 * The effect of a row's product as others' outcomes tell it. Local.
 * logit  in  of the row, by the member that has not learned from its user
 */
double response_product_without(const struct response_effects *effects, int32_t product,
                                double logit, double y);

/**
 * Put together what networks, everybody's offers of the product and the user's own offers say.
 * Local.
 * unit     in  the user's effects
 * belief   in  of the networks
 */
struct response_curve response_curve_of(const struct response_effects *effects,
                                        const struct effects_unit *unit,
                                        const struct response_belief *belief,
                                        const struct response_about *about);

#endif
