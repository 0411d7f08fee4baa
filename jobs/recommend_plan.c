/* Settings, splits of time, the table of a judgement and the choice from it. */
#include "jobs/recommend_plan.h"

#include "mpi/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 86400, HOLDOUT_DAYS_MOST = 28, HOLDOUT_PART = 5 };
enum { JUDGED_PAIRS = 40000000, JUDGED_LEAST = 1000 }; /* of large shops fewer users are judged */

/* ---- settings ---- */

static void enter(const struct scorer *scorer, const struct config *config,
                  struct recommend_contest *contest)
{
    struct recommend_entrant *entrant = &contest->entrant[contest->entrants++];
    *entrant = (struct recommend_entrant){.scorer = scorer};
    scorer_knobs(scorer, config, entrant->knob);
}

/* All of them, or popularity and the one that is asked for; those with panels first. */
static void take_entrants(const struct config *config, struct recommend_contest *contest)
{
    const char *wanted = config_text(config, "recommend.scorer");
    const struct scorer *only = scorer_find(wanted);
    for (int pairs = 0; pairs < 2; pairs++)
        for (int64_t s = 0; scorers[s] != NULL; s++) {
            bool compared = only == NULL || scorers[s] == only || s == 0;
            /* what scores pairs has its pool from the others */
            if (only != NULL && only->panel == NULL && scorers[s]->panel != NULL) compared = true;
            if (compared && (scorers[s]->panel == NULL) == pairs)
                enter(scorers[s], config, contest);
        }
    contest->blend = only == NULL;
}

/* Days before the end that are held out, in seconds; 0: none. */
static int64_t holdout_of(const struct scorer_shop *shop)
{
    int64_t window = shop->dataset->time_last - shop->dataset->time_first;
    if (config_has(shop->config, "recommend.holdout"))
        return DAY * config_integer(shop->config, "recommend.holdout");
    int64_t part = window / HOLDOUT_PART, most = (int64_t)HOLDOUT_DAYS_MOST * DAY;
    return part < most ? part : most;
}

static void take_splits(const struct scorer_shop *shop, struct recommend_plan *plan)
{
    int64_t folds = config_integer(shop->config, "recommend.folds"), length = holdout_of(shop);
    int64_t end = shop->dataset->time_last + 1, from = end - length;
    if (length == 0) return;
    plan->tune_split = (struct recommend_split){.from = from - length, .to = from};
    plan->splits = folds > 1 ? folds : 1;
    plan->split[0] = (struct recommend_split){.from = from, .to = end};
    for (int f = 0; f < folds && folds > 1; f++)
        plan->split[f] = (struct recommend_split){.folds = (int)folds, .fold = f};
    if (from <= shop->dataset->time_first && folds < 2) plan->splits = 0;
}

static int64_t judged_most(const struct scorer_shop *shop)
{
    int64_t most = config_integer(shop->config, "recommend.judged_users");
    int64_t few = JUDGED_PAIRS / (shop->dataset->products.count + 1);
    few = few > JUDGED_LEAST ? few : JUDGED_LEAST;
    return most < few ? most : few;
}

void recommend_plan_make(const struct scorer_shop *shop, struct recommend_plan *plan)
{
    const struct config *config = shop->config;
    *plan = (struct recommend_plan){.why = ""};
    plan->mode = config_boolean(config, "recommend.repeat") ? MARKS_ALL : MARKS_NEW;
    plan->contest.best = config_integer(config, "recommend.slots");
    plan->contest.pool = config_integer(config, "recommend.pool");
    plan->contest.users = judged_most(shop);
    take_entrants(config, &plan->contest);
    take_splits(shop, plan);
}

void recommend_plan_clear(struct recommend_plan *plan)
{
    free(plan->trial);
    *plan = (struct recommend_plan){0};
}

/* ---- the choice ---- */

const char *recommend_plan_name(const struct recommend_plan *plan, int64_t entry)
{
    const struct recommend_judgement *j = &plan->judgement;
    if (j->blend && entry == j->entries - 1) return "blend";
    return plan->contest.entrant[j->entrant[entry]].scorer->name;
}

const char *recommend_plan_chosen(const struct recommend_plan *plan)
{
    return plan->blend ? "blend" : plan->contest.entrant[plan->chosen].scorer->name;
}

static bool enter_by_name(const struct recommend_plan *plan, const char *name, int64_t *entrant)
{
    for (int64_t i = 0; i < plan->contest.entrants; i++)
        if (strcmp(plan->contest.entrant[i].scorer->name, name) == 0) {
            *entrant = i;
            return true;
        }
    return false;
}

static double ndcg_of(const struct recommend_plan *plan, int64_t entry)
{
    return plan->judgement.result.of[plan->mode][entry].mean[RANKING_NDCG];
}

static void choose_best(struct recommend_plan *plan)
{
    const struct recommend_judgement *j = &plan->judgement;
    int64_t best = 0, entry = 0;
    for (int64_t e = 1; e < j->entries; e++)
        if (ndcg_of(plan, e) > ndcg_of(plan, best)) best = e;
    while (entry < best && !(j->result.gap[plan->mode][best][entry].mean <=
                             j->result.gap[plan->mode][best][entry].error))
        entry++;
    plan->why = entry == best ? "it has the highest NDCG"
                              : "the simplest of those that only chance sets apart from the best";
    plan->blend = j->blend && entry == j->entries - 1;
    if (!plan->blend) plan->chosen = j->entrant[entry];
}

static bool can_blend(const struct recommend_plan *plan)
{
    return plan->judged && plan->judgement.blend && plan->judgement.blend_users[plan->mode] > 0;
}

static void choose(const struct config *config, struct recommend_plan *plan)
{
    const char *wanted = config_text(config, "recommend.scorer");
    int64_t enough = plan->judged ? plan->judgement.result.users[plan->mode] : 0;
    if (enter_by_name(plan, wanted, &plan->chosen)) {
        plan->why = "recommend.scorer names it";
    } else if (strcmp(wanted, "blend") == 0 && can_blend(plan)) {
        plan->blend = true;
        plan->why = "recommend.scorer names it";
    } else if (strcmp(wanted, "auto") == 0 && enough >= PLAN_LEAST_USERS) {
        choose_best(plan);
    } else {
        enter_by_name(plan, "repeat", &plan->chosen);
        plan->why = "there are too few purchases after the others to judge by";
        if (strcmp(wanted, "blend") == 0)
            log_warning("  there is too little to weight a blend by: repeat takes its place");
    }
}

/* ---- the table ---- */

static void say_line(const char *name, const struct marks *m)
{
    char auc[16] = "-     "; /* who wanted all there is ranks nothing before anything else */
    if (!isnan(m->mean[RANKING_AUC])) snprintf(auc, sizeof auc, "%.4f", m->mean[RANKING_AUC]);
    log_info("    %-10s  %.4f +- %.4f  %.4f  %.4f  %.4f  %.4f  %s  %5.1f %%  %5.2f", name,
             m->mean[RANKING_NDCG], m->error[RANKING_NDCG], m->mean[RANKING_PRECISION],
             m->mean[RANKING_RECALL], m->mean[RANKING_F1], m->mean[RANKING_HIT], auc,
             100.0 * m->mean[MARK_COVERAGE], m->mean[MARK_NOVELTY]);
}

static void say_table(const struct recommend_plan *plan, enum marks_mode mode, int64_t min_users)
{
    const struct recommend_judgement *j = &plan->judgement;
    const char *of = mode == MARKS_ALL ? "all products" : "not bought before";
    if (j->result.users[mode] < min_users) {
        log_info("    %s: suppressed, as fewer than %lld users are judged by them", of,
                 (long long)min_users);
        return;
    }
    log_info("    %s, %lld users, first %lld products", of, (long long)j->result.users[mode],
             (long long)plan->contest.best);
    log_info("                NDCG              prec.   recall  F1      hits    AUC     covered  "
             "novelty");
    for (int64_t e = 0; e < j->entries; e++)
        say_line(recommend_plan_name(plan, e), &j->result.of[mode][e]);
}

static void say(const struct scorer_shop *shop, const struct recommend_plan *plan)
{
    const struct recommend_judgement *j = &plan->judgement;
    int64_t min_users = config_integer(shop->config, "privacy.min_users");
    if (j->users < min_users) return;
    log_info("  scorers judged by %lld purchases of %lld of %lld users", (long long)j->wanted,
             (long long)j->users, (long long)j->eligible);
    say_table(plan, MARKS_ALL, min_users);
    say_table(plan, MARKS_NEW, min_users);
}

/* Users who could be judged by the first split. */
static enum status count_users(const struct comm *comm, const struct scorer_shop *shop,
                               const struct recommend_plan *plan, int64_t *users)
{
    struct recommend_truth truth = {0};
    enum status status = recommend_truth_make(comm, shop, &plan->split[0], INT64_MAX, &truth);
    *users = truth.users_total;
    recommend_truth_clear(&truth);
    return status;
}

enum status recommend_plan_choose(const struct comm *comm, const struct scorer_shop *shop,
                                  struct recommend_plan *plan)
{
    enum status status = OK;
    int64_t users = 0;
    if (plan->splits > 0) TRY(count_users(comm, shop, plan, &users));
    plan->judged = users >= PLAN_LEAST_USERS;
    if (plan->judged) {
        TRY(recommend_judge(comm, shop, &plan->contest, plan->split, plan->splits,
                            &plan->judgement));
        say(shop, plan);
    } else {
        log_info(
            "  fewer than %d users bought after the days to learn from: scorers are not judged",
            PLAN_LEAST_USERS);
    }
    choose(shop->config, plan);
    log_info("  %s chooses: %s", recommend_plan_chosen(plan), plan->why);
done:
    return status;
}
