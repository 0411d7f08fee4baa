/**
 * The items that each user would like best, by the factors of algorithms/als.h.
 */
#ifndef REMISE_ALGORITHMS_ALS_TOP_H
#define REMISE_ALGORITHMS_ALS_TOP_H

#include "algorithms/als.h"

/* What not to list; borrowed. */
struct als_known {
    const int64_t *start; /* [users_local + 1] items that each user knows; NULL: none */
    const int32_t *item;  /* rising within a user */
    const uint8_t *never; /* [items] 1: for nobody; NULL: none */
};

/**
 * The best `count` items of each of some users, without those they know and those for nobody.
 *
 * Local.
 * known  in   items to leave out; NULL: none
 * item   out  [users][count] best first, of equals the lowest number; -1 where there are no more
 * score  out  [users][count] fit of the pair, not held within the range of ratings; NULL: not
 *             wanted
 * Items without a rating take part with the fit that they have.
 * Cost: 2 users items factors flops. Memory: 5 MiB.
 * Errors: ERR_MEMORY; ERR_ARG count < 1.
 */
enum status als_top(const struct als_model *model, int64_t user_first, int64_t users, int64_t count,
                    const struct als_known *known, int32_t *item, float *score);

/** The same of users user[0 .. users - 1], in this order. Local. */
enum status als_top_of(const struct als_model *model, const int64_t *user, int64_t users,
                       int64_t count, const struct als_known *known, int32_t *item, float *score);

#endif
