/* profiles.json: means by segment, and all that was found out, as JSON. */
#include "jobs/profile_report.h"

#include "jobs/kmeans_choices.h"
#include "jobs/manifest.h"
#include "jobs/profile_rules_words.h"
#include "jobs/suppress.h"
#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sums are held in units of 2^16, so that large amounts stay within the range of exact sums. */
#define UNIT 65536.0

/* of each segment, behind the features */
enum { ALIVE, EXPECTED, VALUE, LIFETIME };

/* What the file is made of. */
struct report {
    const struct features *features;
    const struct profiles *profiles;
    const struct profile_groups *groups;
    int64_t users, min_users;
    int64_t width;     /* features and lifetime */
    double *sum;       /* [segments + 1][width]; the last line is that of all users */
    bool *hidden;      /* [segments] too few users */
    int64_t frequency; /* column; -1: there is none */
    int64_t *buyers;   /* [segments + 1] users who bought */
    bool *few_buyers;  /* [segments + 1] too few, or none */
};

static void report_clear(struct report *report)
{
    free(report->sum);
    free(report->hidden);
    free(report->buyers);
    free(report->few_buyers);
}

/* Figures of few users are of single people. */
static bool is_few(const struct report *report, int64_t users)
{
    return users < report->min_users;
}

/* Features that only users who bought have. */
static bool is_of_buyers(const struct report *report, int64_t column)
{
    const char *name = dictionary_text(&report->features->names, column);
    return report->frequency >= 0 && (strcmp(name, "recency") == 0 || strcmp(name, "basket") == 0);
}

static int64_t column_of(const struct features *features, const char *name)
{
    for (int64_t j = 0; j < features->columns; j++)
        if (strcmp(dictionary_text(&features->names, j), name) == 0) return j;
    return -1;
}

/* ---- sums ---- */

static bool has_bought(const struct report *report, int64_t user)
{
    const struct features *f = report->features;
    return report->frequency >= 0 && f->x[user * f->columns + report->frequency] > 0.0;
}

static void describe_user(const struct report *report, const enum profile_scale *scale,
                          int64_t user, double *line)
{
    bool bought = has_bought(report, user);
    const struct features *f = report->features;
    const struct profile_lifetime *l = &report->profiles->lifetime;
    for (int64_t j = 0; j < f->columns; j++) {
        double x = f->x[user * f->columns + j];
        if (scale[j] == SCALE_LOG || scale[j] == SCALE_WHOLE) x = expm1(x);
        if (scale[j] == SCALE_PERCENT) x *= 100.0;
        line[j] = bought || !is_of_buyers(report, j) ? x / UNIT : 0.0;
    }
    if (!l->fitted) return;
    line[f->columns + ALIVE] = l->alive[user] / UNIT;
    line[f->columns + EXPECTED] = l->expected[user] / UNIT;
    line[f->columns + VALUE] = l->value[user] / UNIT;
}

static void add_users(const struct report *report, const struct blocks *blocks,
                      const enum profile_scale *scale, double *line, struct exact_sums *sums)
{
    for (int64_t u = 0; u < blocks->rows_local; u++) {
        describe_user(report, scale, u, line);
        exact_add(sums, report->profiles->segment[u] * report->width, line, report->width);
        report->buyers[report->profiles->segment[u]] += has_bought(report, u);
    }
}

static void count_buyers(const struct comm *comm, struct report *report)
{
    int64_t segments = report->profiles->segments, *all = &report->buyers[segments];
    comm_sum_int64(comm, report->buyers, segments);
    for (int64_t s = 0; s < segments; s++) *all += report->buyers[s];
    suppress_cells(report->buyers, segments, report->min_users, report->few_buyers);
    for (int64_t s = 0; s <= segments; s++)
        report->few_buyers[s] |= is_few(report, report->buyers[s]);
}

static void take_sums(const struct exact_sums *sums, struct report *report)
{
    int64_t segments = report->profiles->segments, width = report->width;
    double *all = report->sum + segments * width;
    exact_get_all(sums, 0, report->sum, segments * width);
    for (int64_t i = 0; i < segments * width; i++) {
        report->sum[i] *= UNIT;
        all[i % width] += report->sum[i];
    }
}

static enum status add_up(const struct comm *comm, const struct blocks *blocks,
                          struct report *report)
{
    enum status status = OK;
    int64_t segments = report->profiles->segments, columns = report->features->columns;
    struct exact_sums sums = {0};
    enum profile_scale *scale = NULL;
    double *line = NULL;
    TRY_ALL(comm, exact_init(&sums, segments * report->width));
    TRY_ALL(comm, memory_new(&scale, columns, sizeof *scale));
    TRY_ALL(comm, memory_new(&line, report->width, sizeof *line));
    TRY_ALL(comm, memory_new(&report->sum, (segments + 1) * report->width, sizeof *report->sum));
    TRY_ALL(comm, memory_new(&report->hidden, segments, sizeof *report->hidden));
    TRY_ALL(comm, memory_new(&report->buyers, segments + 1, sizeof *report->buyers));
    TRY_ALL(comm, memory_new(&report->few_buyers, segments + 1, sizeof *report->few_buyers));
    for (int64_t j = 0; j < columns; j++)
        scale[j] = profile_words_scale(dictionary_text(&report->features->names, j));
    add_users(report, blocks, scale, line, &sums);
    TRY(exact_reduce(comm, &sums));
    take_sums(&sums, report);
    count_buyers(comm, report);
    suppress_cells(report->profiles->size, segments, report->min_users, report->hidden);
done:
    exact_clear(&sums);
    free(scale);
    free(line);
    return status;
}

/* ---- numbers ---- */

static json_t *whole(int64_t x)
{
    return json_integer((json_int_t)x);
}

static double share(int64_t part, int64_t all)
{
    return all > 0 ? (double)part / (double)all : 0.0;
}

/* ---- parts ---- */

static const char *const units[][2] = {
    {"recency", "days since the last purchase, of users who bought"},
    {"frequency", "baskets in 30 days"},
    {"spend", "currency in 30 days"},
    {"basket", "currency a basket, of users who bought"},
    {"variety", "categories"},
    {"discount_share", "% of lines bought below list price"},
    {"discount_depth", "% below list prices"},
    {"browse_to_buy", "purchases in % of views, clicks, carts and purchases"},
    {"tenure", "days since the first event"}};

static const char *unit_of(const char *name)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i][0], name) == 0) return units[i][1];
    return profile_words_scale(name) == SCALE_PERCENT ? "% of spend" : "";
}

/* Line `at` of the sums over so many users; what only buyers have, over those. */
static json_t *means_json(const struct report *report, int64_t at, int64_t users)
{
    json_t *means = json_object();
    for (int64_t j = 0; j < report->features->columns; j++) {
        bool bought = is_of_buyers(report, j), few = bought && report->few_buyers[at];
        double of = (double)(bought ? report->buyers[at] : users);
        json_object_set_new(means, dictionary_text(&report->features->names, j),
                            manifest_number(few ? NAN : report->sum[at * report->width + j] / of));
    }
    return means;
}

static json_t *units_json(const struct features *features)
{
    json_t *list = json_object();
    for (int64_t j = 0; j < features->columns; j++) {
        const char *name = dictionary_text(&features->names, j);
        json_object_set_new(list, name, json_string(unit_of(name)));
    }
    return list;
}

static double mean_of(const struct report *report, int64_t at, int what, int64_t users)
{
    return report->sum[at * report->width + report->features->columns + what] / (double)users;
}

/* null without a lifetime value, or where few users of the shop bought at all */
static json_t *worth_json(const struct report *report, int64_t at, int64_t users)
{
    const struct profile_lifetime *l = &report->profiles->lifetime;
    if (!l->fitted || is_few(report, l->customers)) return json_null();
    return json_pack("{s:o, s:o, s:o}", "alive", manifest_number(mean_of(report, at, ALIVE, users)),
                     "expected_purchases", manifest_number(mean_of(report, at, EXPECTED, users)),
                     "expected_value", manifest_number(mean_of(report, at, VALUE, users)));
}

static json_t *rules_json(const struct profile_rules *rules, int64_t segment)
{
    json_t *list = json_array();
    for (int64_t r = 0; r < rules->count; r++) {
        const struct profile_rule *rule = &rules->rule[r];
        if (rule->segment != segment) continue;
        bool hidden = rule->hidden;
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:b}", "text",
                                              hidden ? "" : dictionary_text(&rules->text, r),
                                              "users", hidden ? json_null() : whole(rule->users),
                                              "coverage", manifest_number(rule->coverage), "purity",
                                              manifest_number(rule->purity), "suppressed", hidden));
    }
    return list;
}

static json_t *group_cell_json(const struct profile_groups *groups, int64_t segment, int64_t g)
{
    static const char *const flags[] = {"less", "", "more"};
    int64_t at = segment * groups->groups + g;
    double in = profile_groups_share(groups, segment, g),
           all = share(groups->users[g], groups->known + groups->unknown);
    bool hidden = groups->hidden[at];
    return json_pack("{s:s, s:o, s:o, s:o, s:s, s:b}", "group", dictionary_text(&groups->names, g),
                     "users", hidden ? json_null() : whole(groups->cell[at]), "share",
                     manifest_number(hidden ? NAN : in), "times_the_shop",
                     manifest_number(hidden || groups->users_hidden[g] ? NAN : in / all), "flag",
                     flags[groups->flag[at] + 1], "suppressed", hidden);
}

static json_t *in_groups_json(const struct profile_groups *groups, int64_t segment)
{
    json_t *list = json_array();
    for (int64_t g = 0; g < groups->groups; g++)
        json_array_append_new(list, group_cell_json(groups, segment, g));
    return list;
}

static json_t *segment_json(const struct report *report, int64_t s)
{
    int64_t users = report->profiles->size[s];
    bool hidden = report->hidden[s], shown = !hidden && users > 0;
    json_t *segment = json_object();
    json_object_set_new(segment, "segment", whole(s));
    json_object_set_new(segment, "users", hidden ? json_null() : whole(users));
    json_object_set_new(segment, "share",
                        manifest_number(hidden ? NAN : share(users, report->users)));
    json_object_set_new(segment, "suppressed", json_boolean(hidden));
    json_object_set_new(segment, "rules", rules_json(&report->profiles->rules, s));
    json_object_set_new(segment, "means", shown ? means_json(report, s, users) : json_null());
    json_object_set_new(segment, "lifetime", shown ? worth_json(report, s, users) : json_null());
    json_object_set_new(segment, "groups",
                        shown ? in_groups_json(report->groups, s) : json_array());
    return segment;
}

static json_t *kmeans_json(const struct report *report)
{
    const struct profiles *profiles = report->profiles;
    bool few = is_few(report, report->users);
    int64_t empty = 0;
    for (int64_t s = 0; s < profiles->segments; s++) empty += profiles->size[s] == 0;
    return json_pack("{s:o, s:I, s:o, s:o}", "segments",
                     few ? json_null() : whole(profiles->segments), "empty", (json_int_t)empty,
                     "inertia_a_user",
                     manifest_number(few ? NAN : profiles->inertia / (double)report->users),
                     "choices", kmeans_choices_json(profiles->choice, profiles->choices));
}

static json_t *segments_json(const struct report *report)
{
    json_t *list = json_array();
    for (int64_t s = 0; s < report->profiles->segments; s++)
        if (report->profiles->size[s] > 0) json_array_append_new(list, segment_json(report, s));
    return list;
}

static json_t *lifetime_json(const struct report *report)
{
    const struct profile_lifetime *l = &report->profiles->lifetime;
    const struct bgnbd_model *m = &l->purchases;
    const struct gamma_gamma_model *g = &l->spend;
    json_t *spend = json_null();
    bool few_came_back = is_few(report, l->repeaters);
    if (!l->fitted || is_few(report, l->customers)) return json_null();
    if (l->spend_fitted && !few_came_back)
        spend = json_pack("{s:o, s:o, s:o, s:o}", "p", manifest_number(g->p), "q",
                          manifest_number(g->q), "v", manifest_number(g->v), "log_likelihood",
                          manifest_number(g->log_likelihood));
    return json_pack("{s:o, s:I, s:o, s:{s:o, s:o, s:o, s:o, s:o, s:b}, s:o}", "horizon_days",
                     manifest_number(l->horizon), "customers", (json_int_t)l->customers,
                     "repeaters", few_came_back ? json_null() : whole(l->repeaters), "bgnbd", "r",
                     manifest_number(m->r), "alpha", manifest_number(m->alpha), "a",
                     manifest_number(m->a), "b", manifest_number(m->b), "log_likelihood",
                     manifest_number(m->log_likelihood), "converged", m->converged, "gamma_gamma",
                     spend);
}

static json_t *mixture_json(const struct report *report)
{
    const struct mixture_model *model = report->profiles->mixture.model;
    if (model == NULL || is_few(report, report->users)) return json_null();
    return json_pack("{s:I, s:I, s:b, s:o, s:o, s:o}", "components", (json_int_t)model->k,
                     "iterations", (json_int_t)model->iterations, "converged", model->converged,
                     "log_likelihood", manifest_number(model->log_likelihood), "bic",
                     manifest_number(model->bic), "aic", manifest_number(model->aic));
}

/* An error of two digits, as more would tell the numbers of users that it follows from. */
static double two_digits(double x)
{
    char text[32];
    snprintf(text, sizeof text, "%.1e", x);
    return isnan(x) ? NAN : strtod(text, NULL);
}

static json_t *groups_json(const struct profile_groups *groups)
{
    json_t *list = json_array();
    for (int64_t g = 0; g < groups->groups; g++) {
        bool hidden = groups->users_hidden[g];
        double part = share(groups->users[g], groups->known + groups->unknown);
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:o, s:b}", "group",
                                              dictionary_text(&groups->names, g), "users",
                                              hidden ? json_null() : whole(groups->users[g]),
                                              "share", manifest_number(hidden ? NAN : part), "auc",
                                              manifest_number(groups->auc[g]), "auc_error",
                                              manifest_number(two_digits(groups->auc_error[g])),
                                              "suppressed", hidden));
    }
    return list;
}

/* null where it would tell how few have no group */
static json_t *judged_json(const struct report *report)
{
    const struct profile_groups *groups = report->groups;
    int64_t left = report->users - groups->judged;
    bool few = groups->judged > 0 && left > 0 && left < report->min_users;
    return few ? json_null() : whole(groups->judged);
}

static json_t *flags_json(const struct profile_groups *groups)
{
    json_t *list = json_array();
    for (int64_t s = 0; s < groups->segments; s++)
        for (int64_t g = 0; g < groups->groups; g++) {
            int8_t flag = groups->flag[s * groups->groups + g];
            if (flag == 0) continue;
            json_array_append_new(list, json_pack("{s:I, s:s, s:s}", "segment", (json_int_t)s,
                                                  "group", dictionary_text(&groups->names, g),
                                                  "flag", flag > 0 ? "more" : "less"));
        }
    return list;
}

static json_t *report_json(const struct report *report)
{
    int64_t all = report->profiles->segments;
    json_t *file = json_object(), *shop = json_object();
    bool few = is_few(report, report->users);
    json_object_set_new(shop, "users", few ? json_null() : whole(report->users));
    json_object_set_new(shop, "means", few ? json_null() : means_json(report, all, report->users));
    json_object_set_new(shop, "lifetime", worth_json(report, all, report->users));
    json_object_set_new(shop, "suppressed", json_boolean(few));
    json_object_set_new(file, "min_users", whole(report->min_users));
    json_object_set_new(file, "units", units_json(report->features));
    json_object_set_new(file, "shop", shop);
    json_object_set_new(file, "kmeans", kmeans_json(report));
    json_object_set_new(file, "segments", segments_json(report));
    json_object_set_new(file, "told_by_rules",
                        manifest_number(report->profiles->rules.segments > 0 && !few
                                            ? report->profiles->rules.told
                                            : NAN));
    json_object_set_new(file, "lifetime", lifetime_json(report));
    json_object_set_new(file, "mixture", mixture_json(report));
    json_object_set_new(file, "groups", groups_json(report->groups));
    json_object_set_new(file, "groups_judged", judged_json(report));
    json_object_set_new(file, "flags", flags_json(report->groups));
    return file;
}

/* ---- the log ---- */

static void say(const struct report *report)
{
    const struct profile_lifetime *l = &report->profiles->lifetime;
    if (!l->fitted || is_few(report, l->customers)) return;
    for (int64_t s = 0; s < report->profiles->segments; s++) {
        int64_t users = report->profiles->size[s];
        if (report->hidden[s] || users == 0) continue;
        log_info("    segment %" PRId64 ": %.3g purchases worth %.4g expected of a user within %g "
                 "days, %.0f %% still customers",
                 s, mean_of(report, s, EXPECTED, users), mean_of(report, s, VALUE, users),
                 l->horizon, 100.0 * mean_of(report, s, ALIVE, users));
    }
}

enum status profile_report_write(const struct comm *comm, const struct run *run,
                                 const struct blocks *blocks, const struct features *features,
                                 const struct profiles *profiles,
                                 const struct profile_groups *groups)
{
    enum status status = OK;
    struct report report = {.features = features,
                            .profiles = profiles,
                            .groups = groups,
                            .users = blocks->rows_total,
                            .min_users = config_integer(run->config, "privacy.min_users"),
                            .frequency = column_of(features, "frequency"),
                            .width = features->columns + LIFETIME};
    TRY(add_up(comm, blocks, &report));
    say(&report);
    TRY_ALL(comm, comm->rank == 0
                      ? manifest_dump(report_json(&report), run_path(run, "profiles.json"))
                      : OK);
done:
    report_clear(&report);
    return status;
}
