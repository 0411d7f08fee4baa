/**
 * Matrix factorisation by alternating least squares: what each user makes of each item, from the
 * few that each has rated (explicit), or bought or seen so and so often (implicit).
 *
 * A user u has factors x[u], an item i factors y[i], and with them the fit of the pair is
 *     explicit  mean + user_bias[u] + item_bias[i] + x[u] . y[i]
 *     implicit  x[u] . y[i], near 1 for what the user wants
 * Given one side, the other is a small least squares problem for each of its members, so that the
 * loss falls with each half of an iteration. Users are sharded, and so are items while they are
 * solved: a user's factors rest on that user's ratings alone, and an item's on that item's, all
 * brought to one rank in the order of users. Factors of all items are in memory that the ranks of
 * a node share.
 */
#ifndef REMISE_ALGORITHMS_ALS_H
#define REMISE_ALGORITHMS_ALS_H

#include "mpi/shared.h"
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
    double lambda;       /* > 0; explicit: times the ratings of the user or item, for its factors */
    double bias_lambda;  /* > 0; explicit: for biases, as so many ratings of the mean */
    double alpha;        /* > 0; implicit: a value r counts 1 + alpha r times as 1, all else as 0 */
    double tolerance;    /* stop when the loss falls by no more than this part of it; 0: never */
    double precision;    /* a half may leave so small a part of the loss above the least it can;
                            0: 1e-9, implicit 5e-9, by which losses are within some 1e-5 of those
                            of exact halves after as many iterations */
    int64_t halves_from; /* implicit: of so many ratings on, what is fetched of the other side has
                            11 bits a number, by which losses change by some 2e-5, of few ratings
                            by 2e-4; 0: from 65536 on, if there are 48 factors or more */
    int64_t panel_bytes; /* users' factors at a time, once per node; 0: 1 GiB */
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
    float *item;      /* [items][stride] in item_memory */
    struct shared item_memory;
    double lambda, bias_lambda, alpha; /* of the fit */
    int64_t ratings;                   /* over all ranks */
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
 * Cost:  an iteration takes some 8 factors flops for each rating and step of conjugate gradients,
 *        of which there are 2 to 10 in each half. Messages: an exchange of 12 bytes a rating at
 *        first; in each iteration the factors of users and items once between nodes.
 * Memory: 20 bytes a rating at first, then 8, and 4 factors a user beside `data`; once per node 8
 *        factors an item, and 4 factors a user up to panel_bytes (halves: 6 and 2); in each rank
 *        the rows of a user's or item's ratings, up to 16 MiB. Of more users than that the
 *        factors are brought panel by panel, and items are solved from sums of 8 factors^2 bytes,
 *        64 MiB of them at a time.
 * Same bytes for any number of ranks.
 * Errors: ERR_ARG an option or value is out of range, or there are no ratings; ERR_MEMORY;
 *         ERR_NUMERIC.
 * Source: Zhou, Wilkinson, Schreiber and Pan 2008 (weighted lambda); Koren 2008 (biases); Hu, Koren
 *         and Volinsky 2008 (implicit).
 */
enum status als_fit(const struct comm *comm, const struct als_data *data,
                    const struct als_options *opt, struct als_model **model);
/**
 * Bytes that a fit of so many users and ratings on this rank, and items, takes beside its data, of
 * a rank alone on its node; for log_need. Local.
 */
int64_t als_bytes(const struct als_options *opt, int64_t users_local, int64_t ratings_local,
                  int64_t items);
/** Free and null; accepts NULL inside. Local. */
void als_free(struct als_model **model);

/** Fit of a pair; explicit: within the range of the values that were fitted. Local. */
double als_predict(const struct als_model *model, int64_t user_local, int64_t item);

/**
 * Factors of users who were not among those of the fit, from ratings of its items.
 *
 * Local.
 * start, item, value  in   [users + 1], [ratings] of each user; see als_data
 * user                out  [users][model->stride] as model->user; 0 without ratings
 * Cost: 4 factors^2 flops an item and call, implicit; then as in a fit from scratch.
 * Memory: 4 factors an item, implicit.
 * Errors: ERR_MEMORY; ERR_NUMERIC; ERR_ARG an item or value is out of range.
 */
enum status als_fold_in(const struct als_model *model, int64_t users, const int64_t *start,
                        const int32_t *item, const float *value, float *user);

#endif
