/**
 * What an offer of a product may bring: how likely it is wanted, by its place among the products
 * that the scorer puts first, times what one sale earns.
 *
 * Scores order products and are no chances. Over a user's best products the chance of a purchase
 * falls about as a power of the place, so that money can be weighed against it: a product at the
 * hundredth place must earn some ten times as much as the first to be offered instead.
 */
#ifndef REMISE_JOBS_RECOMMEND_WORTH_H
#define REMISE_JOBS_RECOMMEND_WORTH_H

#include "io/dataset.h"

struct recommend_worth {
    bool money;       /* recommend.worth: profit; else the scores decide alone */
    int64_t looked;   /* products that are weighed for each user */
    float *earned;    /* [products] by one sale at the list price, at least a cent */
    float *chance;    /* [looked] of a place, the first 1 */
    int32_t *product; /* [looked] of the user at hand */
    float *score;     /* [looked] */
};

/**
 * Take the products' money. Local. Free with recommend_worth_clear, also on failure.
 * money   in  recommend.worth is profit
 * looked  in  at least the candidates of a user
 * Errors: ERR_MEMORY.
 */
enum status recommend_worth_open(bool money, const struct products *products, int64_t looked,
                                 struct recommend_worth *worth);
/** Free; accepts a zeroed struct. Local. */
void recommend_worth_clear(struct recommend_worth *worth);

/**
 * The candidates of one user. Local.
 * panel    in   [products] scores, -INFINITY: not to be taken
 * product  out  [slots] the most worth first, of equals the better place; -1 where there are no
 *               more
 * score    out  [slots] what they are worth (the scores where money does not count), falling; 0
 *               where there are no more
 */
void recommend_worth_best(struct recommend_worth *worth, const float *panel, int64_t products,
                          int64_t slots, int32_t *product, float *score);

#endif
