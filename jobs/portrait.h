/**
 * Users as scorers see them: attributes as columns of numbers, and how much of each product they
 * dealt with they still like.
 *
 * A number takes a column for each of five knots, 0.75 standard deviations apart about the mean,
 * that says how near it lies, so that what is wanted may peak anywhere, and one that is 1 where it
 * is missing; a text takes one for each of its levels, unless there are too many.
 */
#ifndef REMISE_JOBS_PORTRAIT_H
#define REMISE_JOBS_PORTRAIT_H

#include "jobs/scorer_data.h"

enum { PORTRAIT_LEVELS_MAX = 64, PORTRAIT_KNOTS = 5 };

struct portrait {
    int64_t attributes;
    int64_t *width;    /* [attributes] columns of each, 0: too many levels */
    double *mean, *sd; /* [attributes] of a number over all users */
    int64_t columns;
};

/**
 * Lay out the columns of the users' attributes. Collective. Free with portrait_clear.
 * Same bits for any number of ranks. Errors: ERR_MEMORY; ERR_NUMERIC.
 */
enum status portrait_make(const struct comm *comm, const struct users *users,
                          struct portrait *portrait);
/** Free; accepts a zeroed struct. Local. */
void portrait_clear(struct portrait *portrait);

/** The attributes of a local user. Local. x out [portrait->columns] */
void portrait_attributes(const struct portrait *portrait, const struct users *users, int64_t user,
                         float *x);

/**
 * How much a user likes each product dealt with: log(1 + what the events are worth, an event of
 * `half_life` days ago half as much as one now); 0 where that is not above 0. Local.
 * liking  out  [data->start[user + 1] - data->start[user]] by place in data->product
 * Cost: the user's events times the logarithm of the user's products.
 */
void portrait_liking(const struct scorer_data *data, int64_t user, double half_life, float *liking);

/** Place of a product among those the user dealt with, -1: none. Local, O(log of these). */
int64_t portrait_place(const struct scorer_data *data, int64_t user, int32_t product);

/** The largest number of products that a local user dealt with. Local. */
int64_t portrait_longest(const struct scorer_data *data);

#endif
