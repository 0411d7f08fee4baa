/**
 * How well factors foretell ratings that were kept from them.
 */
#ifndef REMISE_JOBS_FIT_ALS_JUDGE_H
#define REMISE_JOBS_FIT_ALS_JUDGE_H

#include "algorithms/als.h"
#include "jobs/ratings.h"

enum { JUDGE_TOP = 20, JUDGE_HIT = 10 };

struct als_judgement {
    int64_t ratings;               /* tested, over all ranks; implicit: those above 0 */
    int64_t users;                 /* with a rating tested */
    double rmse, mae;              /* explicit; NaN without ratings */
    double recall, ndcg, hit_rate; /* implicit: of the first JUDGE_TOP, and JUDGE_HIT; means over
                                      users; NaN without users */
};

/**
 * Fit to the ratings that are not held out, and judge by the others.
 *
 * Collective.
 * held  in   [ratings_local] 1 for ratings to test; NULL: none, fit only
 * model out  new, freed by the caller; NULL: not wanted
 * Of an item or user without a rating to learn from, the mean and the other's bias are what is
 * foretold. Ranking is among all items but those the user has among the ratings learnt from;
 *     recall    tested items among the first 20, over the smaller of 20 and the tested ones
 *     ndcg      sum of 1 / log2(1 + place) of tested items among the first 20, over the best sum
 *     hit_rate  whether a tested item is among the first 10
 * Errors: those of als_fit.
 */
enum status fit_als_judge(const struct comm *comm, const struct ratings *ratings,
                          const uint8_t *held, const struct als_options *opt,
                          struct als_judgement *judgement, struct als_model **model);

#endif
