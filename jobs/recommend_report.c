/* The plan and the judgement as JSON. */
#include "jobs/recommend_report.h"

#include "jobs/manifest.h"

#include <math.h>
#include <string.h>

static const char *knob_name(const struct scorer_knob *knob)
{
    return strrchr(knob->key, '.') + 1;
}

static json_t *knobs_json(const struct scorer *scorer, const double *knob)
{
    json_t *list = json_object();
    for (int64_t k = 0; k < scorer->knobs; k++)
        json_object_set_new(list, knob_name(&scorer->knob[k]), manifest_number(knob[k]));
    return list;
}

static json_t *both_json(double mean, double error, bool few)
{
    return json_pack("{s:o, s:o}", "mean", manifest_number(few ? NAN : mean), "error",
                     manifest_number(few ? NAN : error));
}

static json_t *marks_json(const struct marks *marks, bool few)
{
    json_t *list = json_object();
    for (int m = 0; m < MARKS; m++)
        json_object_set_new(list, marks_names[m], both_json(marks->mean[m], marks->error[m], few));
    return list;
}

/* One entry by all products, or by those not bought before. */
static json_t *mode_json(const struct recommend_plan *plan, int64_t entry, enum marks_mode mode,
                         int64_t min_users)
{
    const struct marks_result *r = &plan->judgement.result;
    bool few = r->users[mode] < min_users;
    json_t *list = marks_json(&r->of[mode][entry], few);
    json_object_set_new(list, "ndcg_over_popularity",
                        both_json(r->gap[mode][entry][0].mean, r->gap[mode][entry][0].error, few));
    return list;
}

static json_t *weights_json(const struct recommend_plan *plan)
{
    const struct recommend_judgement *j = &plan->judgement;
    json_t *list = json_object();
    for (int64_t e = 0; e + 1 < j->entries; e++)
        json_object_set_new(list, recommend_plan_name(plan, e),
                            json_pack("{s:o, s:o}", "score",
                                      manifest_number(j->weight[plan->mode][2 * e]), "place",
                                      manifest_number(j->weight[plan->mode][2 * e + 1])));
    return list;
}

static json_t *entry_json(const struct recommend_plan *plan, int64_t entry, int64_t min_users)
{
    const struct recommend_judgement *j = &plan->judgement;
    bool blend = j->blend && entry == j->entries - 1;
    const struct recommend_entrant *entrant = &plan->contest.entrant[j->entrant[entry]];
    json_t *object = json_object();
    json_object_set_new(object, "scorer", json_string(recommend_plan_name(plan, entry)));
    json_object_set_new(object, "does",
                        json_string(blend ? "all of them, weighted" : entrant->scorer->does));
    if (blend)
        json_object_set_new(object, "weights",
                            j->blend_users[plan->mode] < min_users ? json_null()
                                                                   : weights_json(plan));
    else
        json_object_set_new(object, "settings", knobs_json(entrant->scorer, entrant->knob));
    json_object_set_new(object, "all_products", mode_json(plan, entry, MARKS_ALL, min_users));
    json_object_set_new(object, "not_bought_before", mode_json(plan, entry, MARKS_NEW, min_users));
    return object;
}

static json_t *entries_json(const struct recommend_plan *plan, int64_t min_users)
{
    json_t *list = json_array();
    for (int64_t e = 0; e < plan->judgement.entries; e++)
        json_array_append_new(list, entry_json(plan, e, min_users));
    return list;
}

static json_t *users_json(int64_t users, int64_t min_users)
{
    return users < min_users ? json_null() : json_integer((json_int_t)users);
}

/* null where nothing is judged */
static json_t *judged_json(const struct recommend_plan *plan, int64_t min_users)
{
    const struct recommend_judgement *j = &plan->judgement;
    const struct recommend_split *split = &plan->split[0];
    if (!plan->judged) return json_null();
    bool few = j->users < min_users;
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "folds", split->folds, "from",
                     split->folds > 0 ? json_null() : json_integer((json_int_t)split->from), "to",
                     split->folds > 0 ? json_null() : json_integer((json_int_t)split->to), "users",
                     users_json(j->users, min_users), "users_there_are",
                     users_json(j->eligible, min_users), "users_not_bought_before",
                     users_json(j->result.users[MARKS_NEW], min_users), "products_wanted",
                     few ? json_null() : json_integer((json_int_t)j->wanted));
}

static json_t *trials_json(const struct recommend_plan *plan, int64_t min_users)
{
    json_t *list = json_array();
    for (int64_t t = 0; t < plan->trials; t++) {
        const struct recommend_trial *trial = &plan->trial[t];
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:o}", "scorer", trial->scorer->name, "settings",
                            knobs_json(trial->scorer, trial->knob), "ndcg",
                            both_json(trial->ndcg, trial->error, trial->users < min_users)));
    }
    return list;
}

static json_t *report_json(const struct run *run, const struct recommend_plan *plan)
{
    int64_t min_users = config_integer(run->config, "privacy.min_users");
    json_t *file = json_object();
    json_object_set_new(file, "min_users", json_integer((json_int_t)min_users));
    json_object_set_new(file, "chosen", json_string(recommend_plan_chosen(plan)));
    json_object_set_new(file, "why", json_string(plan->why));
    json_object_set_new(file, "repeat", json_boolean(plan->mode == MARKS_ALL));
    json_object_set_new(file, "first", json_integer((json_int_t)plan->contest.best));
    json_object_set_new(file, "judged", judged_json(plan, min_users));
    json_object_set_new(file, "scorers",
                        plan->judged ? entries_json(plan, min_users) : json_array());
    json_object_set_new(file, "trials", trials_json(plan, min_users));
    return file;
}

enum status recommend_report_write(const struct comm *comm, const struct run *run,
                                   const struct recommend_plan *plan)
{
    return comm_agree(comm, comm->rank == 0 ? manifest_dump(report_json(run, plan),
                                                            run_path(run, "recommend.json"))
                                            : OK);
}
