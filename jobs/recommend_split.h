/**
 * What scorers learn from and what they are judged by: events up to a moment and purchases after
 * it, or all but a part of the shop's days and that part.
 */
#ifndef REMISE_JOBS_RECOMMEND_SPLIT_H
#define REMISE_JOBS_RECOMMEND_SPLIT_H

#include "jobs/scorer_data.h"

struct recommend_split {
    int64_t from, to; /* seconds; judged by purchases in [from, to), nothing later is seen */
    int folds, fold;  /* folds 0: by time. Else by days of users: judged by those of one fold,
                         learnt from all others; from and to are not looked at */
};

/* Users who are judged, and what they wanted: this rank's. */
struct recommend_truth {
    int64_t users;
    int64_t *user;    /* [users] local rows, rising */
    int64_t *start;   /* [users + 1] */
    int32_t *product; /* [start[users]] different ones of each user that may be offered, rising */
    int64_t users_total, wanted_total; /* over all ranks */
    int64_t eligible_total;            /* users who could have been judged */
};

/**
 * Which events scorers must not see.
 * Local. held  out  new [events_local of the shop], freed by the caller
 * Errors: ERR_MEMORY.
 */
enum status recommend_split_hold(const struct scorer_shop *shop,
                                 const struct recommend_split *split, uint8_t **held);

/**
 * Who is judged: users with a purchase held back of something that may be offered, at most about
 * `most` of them, drawn by chance.
 * Collective. Free with recommend_truth_clear.
 * Same users for any number of ranks.
 * Errors: ERR_MEMORY.
 */
enum status recommend_truth_make(const struct comm *comm, const struct scorer_shop *shop,
                                 const struct recommend_split *split, int64_t most,
                                 struct recommend_truth *truth);

/** Free; accepts a zeroed struct. Local. */
void recommend_truth_clear(struct recommend_truth *truth);

#endif
