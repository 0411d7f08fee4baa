/**
 * Knobs of scorers tried out before they compete.
 *
 * Each scorer's knobs are turned one after the other, each to the values that its scorer says are
 * worth trying, and stay where NDCG was highest. Trials are judged by the purchases of the days
 * before those that the competition is judged by, so that the winner's figures stay honest.
 */
#ifndef REMISE_JOBS_RECOMMEND_TUNE_H
#define REMISE_JOBS_RECOMMEND_TUNE_H

#include "jobs/recommend_plan.h"

/**
 * Tune the entrants of the plan: at most recommend.tune trials of each; none if it is 0.
 * Collective. Every trial is logged, and kept in the plan.
 * Errors: those of recommend_judge.
 */
enum status recommend_tune(const struct comm *comm, const struct scorer_shop *shop,
                           struct recommend_plan *plan);

#endif
