/**
 * The two halves of an iteration of algorithms/als.h, and the work space between them.
 */
#ifndef REMISE_ALGORITHMS_ALS_SIDES_H
#define REMISE_ALGORITHMS_ALS_SIDES_H

#include "algorithms/als.h"

struct als_users; /* work space of each half */
struct als_items;

struct als_sides {
    const struct als_data *data;
    const struct als_options *opt;
    struct als_model *model;
    int64_t columns;      /* of the normal equations: factors, explicit: and the bias */
    int64_t *by_item;     /* [items + 1] first of this rank's ratings of each item */
    int32_t *rater;       /* [ratings_local] local user of each rating, by item */
    float *rating;        /* [ratings_local] its value, by item */
    int64_t *item_count;  /* [items] ratings over all ranks */
    int64_t count_most;   /* the largest of them */
    double *least, *most; /* [items] implicit: smallest and largest value above 0 */
    struct als_users *users;
    struct als_items *items;
};

/**
 * Prepare. Collective. Clear with als_sides_clear, also on failure.
 * Errors: ERR_MEMORY.
 */
enum status als_sides_init(const struct comm *comm, const struct als_data *data,
                           const struct als_options *opt, struct als_model *model,
                           struct als_sides *sides);
/** Free; accepts a zeroed struct. Local. */
void als_sides_clear(struct als_sides *sides);

/** Work space, made by als_sides_init. Local. Errors: ERR_MEMORY. */
enum status als_users_new(const struct als_sides *sides, struct als_users **users);
/** Free and null; accepts NULL inside. Local. */
void als_users_free(struct als_users **users);
/** Likewise for the items: 64 MiB for the sums of a batch, or for all items. Local. */
enum status als_items_new(const struct als_sides *sides, struct als_items **items);
/** Free and null; accepts NULL inside. Local. */
void als_items_free(struct als_items **items);

/**
 * Factors of this rank's users, from those of the items. Local.
 * Of a user with fewer ratings than factors the dual problem is solved, ratings by ratings.
 * Errors: ERR_MEMORY; ERR_NUMERIC factors are no longer finite.
 */
enum status als_users_solve(const struct als_sides *sides);

/**
 * Factors of all items, from those of the users. Collective.
 * Users' factors are rounded to whole numbers of a unit, so small that products of them sum up
 * without error in a double, and from there in an int64: the sums are the same in any order.
 * Errors: ERR_MEMORY; ERR_NUMERIC.
 */
enum status als_items_solve(const struct comm *comm, const struct als_sides *sides);

/**
 * Sum of outer products of rows, in the order of rows. Local.
 * x    in   [rows][stride]; square out [columns][columns]
 */
enum status als_square(const float *x, int64_t rows, int64_t stride, int64_t columns,
                       double *square);

/** What is to be least, as it stands. Collective. Errors: ERR_MEMORY, ERR_NUMERIC. */
enum status als_loss(const struct comm *comm, const struct als_sides *sides, double *loss);

#endif
