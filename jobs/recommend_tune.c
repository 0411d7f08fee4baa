/* One knob after the other. */
#include "jobs/recommend_tune.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 256 };

/* A scorer that is being tuned. */
struct tuning {
    struct recommend_entrant *entrant;
    int64_t left; /* trials */
    double best;  /* NDCG with the entrant's knobs; NaN: none yet */
    double users;
};

static void say_trial(const struct recommend_trial *trial)
{
    char line[LINE] = "";
    size_t at = 0;
    for (int64_t k = 0; k < trial->scorer->knobs && at < LINE; k++)
        at += (size_t)snprintf(line + at, LINE - at, " %s %g",
                               strrchr(trial->scorer->knob[k].key, '.') + 1, trial->knob[k]);
    log_info("    %s%s: NDCG %.5f +- %.5f", trial->scorer->name, line, trial->ndcg, trial->error);
}

/* Judge the entrant with these knobs. */
static enum status try_knobs(const struct comm *comm, const struct scorer_shop *shop,
                             struct recommend_plan *plan, struct tuning *t, const double *knob)
{
    enum status status = OK;
    struct recommend_contest contest = plan->contest;
    struct recommend_judgement judgement = {0};
    struct recommend_trial *trial = NULL;
    contest.entrants = 1;
    contest.blend = false;
    contest.entrant[0] = *t->entrant;
    memcpy(contest.entrant[0].knob, knob, sizeof contest.entrant[0].knob);
    TRY_ALL(comm, memory_grow(&plan->trial, plan->trials, plan->trials + 1, sizeof *plan->trial));
    TRY(recommend_judge(comm, shop, &contest, &plan->tune_split, 1, &judgement));
    trial = &plan->trial[plan->trials++];
    *trial = (struct recommend_trial){.scorer = t->entrant->scorer};
    memcpy(trial->knob, knob, sizeof trial->knob);
    trial->ndcg = judgement.result.of[plan->mode][0].mean[RANKING_NDCG];
    trial->error = judgement.result.of[plan->mode][0].error[RANKING_NDCG];
    trial->users = judgement.result.users[plan->mode];
    say_trial(trial);
    t->left--;
    if (trial->ndcg <= t->best) goto done;
    t->best = trial->ndcg;
    memcpy(t->entrant->knob, knob, sizeof t->entrant->knob);
done:
    return status;
}

static enum status turn(const struct comm *comm, const struct scorer_shop *shop,
                        struct recommend_plan *plan, struct tuning *t, int64_t k)
{
    enum status status = OK;
    const struct scorer_knob *knob = &t->entrant->scorer->knob[k];
    double value[SCORER_KNOBS], now = t->entrant->knob[k];
    for (int64_t i = 0; i < knob->count && t->left > 0; i++) {
        if (knob->tries[i] == now) continue;
        memcpy(value, t->entrant->knob, sizeof value);
        value[k] = knob->tries[i];
        TRY(try_knobs(comm, shop, plan, t, value));
    }
done:
    return status;
}

static enum status tune_entrant(const struct comm *comm, const struct scorer_shop *shop,
                                struct recommend_plan *plan, struct recommend_entrant *entrant,
                                int64_t trials)
{
    enum status status = OK;
    struct tuning t = {.entrant = entrant, .left = trials, .best = -1.0};
    TRY(try_knobs(comm, shop, plan, &t, entrant->knob));
    for (int64_t k = 0; k < entrant->scorer->knobs && t.left > 0; k++)
        TRY(turn(comm, shop, plan, &t, k));
done:
    return status;
}

enum status recommend_tune(const struct comm *comm, const struct scorer_shop *shop,
                           struct recommend_plan *plan)
{
    enum status status = OK;
    struct recommend_truth truth = {0};
    int64_t trials = config_integer(shop->config, "recommend.tune"), users;
    if (trials == 0 || plan->splits == 0) return OK;
    if (plan->tune_split.from <= shop->dataset->time_first) {
        log_warning("  the tables are too short to tune on; set recommend.holdout lower");
        return OK;
    }
    TRY(recommend_truth_make(comm, shop, &plan->tune_split, INT64_MAX, &truth));
    users = truth.users_total;
    if (users < PLAN_LEAST_USERS)
        log_warning("  fewer than %d users bought in the days to tune on", PLAN_LEAST_USERS);
    plan->tuned = users >= PLAN_LEAST_USERS;
    for (int64_t i = 0; i < plan->contest.entrants && plan->tuned; i++)
        if (plan->contest.entrant[i].scorer->knobs > 0 &&
            plan->contest.entrant[i].scorer->panel != NULL)
            TRY(tune_entrant(comm, shop, plan, &plan->contest.entrant[i], trials));
done:
    recommend_truth_clear(&truth);
    return status;
}
