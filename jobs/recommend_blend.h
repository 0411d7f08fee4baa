/**
 * A blend of scorers: one score of all of theirs, weighted so that what was wanted later comes
 * first.
 *
 * The chance that a user's next purchase is product i of a pool is taken as
 *     exp(w . x[i]) / sum over the pool of exp(w . x[j])
 * (conditional logit, McFadden 1974), x what the scorers say of the pair; w is of the highest
 * likelihood on purchases that the scorers had not seen, with a small penalty.
 */
#ifndef REMISE_JOBS_RECOMMEND_BLEND_H
#define REMISE_JOBS_RECOMMEND_BLEND_H

#include "mpi/comm.h"

#define BLEND_PENALTY 1.0 /* half of it times |w|^2, beside a sum over users */

/* Pools of users with something wanted among them; this rank's. */
struct blend_rows {
    int64_t users, room; /* held, and how many may be */
    int64_t slots, features;
    float *x;        /* [users][slots][features] */
    uint8_t *wanted; /* [users][slots] 1: wanted, 2: past the end of the pool */
    uint8_t *fold;   /* [users] */
};

/** Make room for so many users. Local. Free with blend_rows_clear. */
enum status blend_rows_open(int64_t room, int64_t slots, int64_t features, struct blend_rows *rows);
/** Free; accepts a zeroed struct. Local. */
void blend_rows_clear(struct blend_rows *rows);

/**
 * Find the weights.
 *
 * Collective.
 * leave_out  in   fold of users not to learn from; -1: none
 * weight     out  [features], all 0 where there is nobody to learn from
 * users      out  learnt from, over all ranks
 * Same bytes for any number of ranks.
 * Errors: ERR_MEMORY, ERR_NUMERIC.
 */
enum status blend_fit(const struct comm *comm, const struct blend_rows *rows, int leave_out,
                      double *weight, int64_t *users);

#endif
