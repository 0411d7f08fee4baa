/**
 * Matrix factorisation by alternating least squares: what each user makes of each item, from the
 * few that each has rated (explicit), or bought or seen so and so often (implicit).
 *
 * A user u has factors x[u], an item i factors y[i], and with them the fit of the pair is
 *     explicit  mean + user_bias[u] + item_bias[i] + x[u] . y[i]
 *     implicit  x[u] . y[i], near 1 for what the user wants
 * Given one side, the other is a small least squares problem for each of its members, so that the
 * loss falls with each half of an iteration. Users are sharded, items are on every rank. A user's
 * factors rest on that user's ratings alone; an item's normal equations are sums over the users of
 * all ranks, taken in whole numbers and so exact (algorithms/als_items.c).
 */
#ifndef REMISE_ALGORITHMS_ALS_H
#define REMISE_ALGORITHMS_ALS_H

#include "partition/blocks.h"

#include <stdbool.h>

enum { ALS_FACTORS_MAX = 512 };

/* Borrowed. */
struct als_data {
    const struct blocks *blocks; /* rows are users */
    int64_t items;               /* the same on every rank */
    const int64_t *start;        /* [users_local + 1] first rating of each user */
    const int32_t *item;         /* [ratings_local] in [0, items), rising within a user */
    const float *value;          /* [ratings_local] finite; implicit: >= 0 */
};

struct als_options {
    bool implicit;
    int64_t factors; /* 1 .. ALS_FACTORS_MAX */
    int64_t iterations;
    double lambda;      /* > 0; explicit: times the ratings of the user or item, for its factors */
    double bias_lambda; /* > 0; explicit: for biases, as so many ratings of the mean */
    double alpha;       /* > 0; implicit: a value r counts 1 + alpha r times as 1, all else as 0 */
    double tolerance;   /* stop when the loss falls by no more than this part of it; 0: never */
    uint64_t seed;
};

#define ALS_DEFAULTS                                                                    \
    {                                                                                   \
        .factors = 32, .iterations = 20, .lambda = 0.12, .bias_lambda = 5, .alpha = 10, \
        .tolerance = 1e-5, .seed = 1                                                    \
    }

struct als_model {
    bool implicit;
    int64_t factors, items, users_local;
    int64_t stride;   /* floats of a row, a multiple of VECTOR_FLOATS, > factors */
    double mean;      /* 0 if implicit */
    double low, high; /* range of the values */
    float *user;      /* [users_local][stride] factors, then the bias, then 0 */
    float *item;      /* [items][stride] */
    int64_t ratings;  /* over all ranks */
    int64_t iterations;
    double *loss; /* [iterations] after each */
    bool converged;
};

/**
 * Fit the factors.
 *
 * Collective.
 * model  out  new; the caller frees it with als_free; NULL unless OK
 * Loss:  explicit  sum (r - fit)^2 + lambda (sum n[u] |x[u]|^2 + sum n[i] |y[i]|^2)
 *                  + bias_lambda (sum user_bias^2 + sum item_bias^2), n counting ratings
 *        implicit  sum over all pairs c (p - x . y)^2 + lambda (sum |x|^2 + sum |y|^2),
 *                  c = 1 + alpha r, p = 1 where r > 0; elsewhere c = 1, p = 0
 * Cost:  an iteration takes some n min(n, factors)^2 flops for a user of n ratings and factors^2
 *        for each rating on the items' side. Messages: a reduction of 4 factors^2 bytes an item, in
 *        batches of 64 MiB, and a gather of the items' factors.
 * Memory: 16 bytes a rating and 4 factors a user and item beside `data`, and two batches.
 * Same bytes for any number of ranks.
 * Errors: ERR_ARG an option or value is out of range, or there are no ratings; ERR_MEMORY;
 *         ERR_NUMERIC.
 * Source: Zhou, Wilkinson, Schreiber and Pan 2008 (weighted lambda); Koren 2008 (biases); Hu, Koren
 *         and Volinsky 2008 (implicit).
 */
enum status als_fit(const struct comm *comm, const struct als_data *data,
                    const struct als_options *opt, struct als_model **model);
/** Free and null; accepts NULL inside. Local. */
void als_free(struct als_model **model);

/** Fit of a pair; explicit: within the range of the values that were fitted. Local. */
double als_predict(const struct als_model *model, int64_t user_local, int64_t item);

#endif
