/* Means of protected groups, and limits of their differences. */
#include "jobs/fairness.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REACH_MOST 0x1p57 /* of the weights of all slots of a group together */

enum { DELTA_DECIMALS = 12 };

__extension__ typedef __int128 int128;

static int64_t power_of_ten(int exponent)
{
    int64_t power = 1;
    while (exponent-- > 0) power *= 10;
    return power;
}

/* Delta in 10^-12 of what is measured; a decimal as it was written, or the next one below. */
static int64_t delta_of(double delta)
{
    double units = fmin(delta, 1e5) * 1e12, near = rint(units);
    return (int64_t)(fabs(units - near) < 0.01 ? near : floor(units));
}

/* ---- groups ---- */

static enum status make_room(struct fairness *f)
{
    enum status status = OK;
    int64_t groups = f->groups.names.count;
    TRY(memory_new(&f->rows, groups, sizeof *f->rows));
    TRY(memory_new(&f->users, groups, sizeof *f->users));
    TRY(memory_new(&f->sum, groups, sizeof *f->sum));
    TRY(memory_new(&f->sum_off, groups, sizeof *f->sum_off));
done:
    return status;
}

/* A user has one group, and all its slots stand together. */
static void count_rows(const struct comm *comm, const struct problem *problem, int64_t width,
                       struct fairness *f)
{
    int64_t last = -1;
    for (int64_t i = 0; i < problem->blocks.rows_local; i++) {
        int32_t group = f->groups.group[i];
        if (group < 0) continue;
        f->rows[group]++;
        f->users[group] += last != i / width;
        last = i / width;
    }
    comm_sum_int64(comm, f->rows, f->groups.names.count);
    comm_sum_int64(comm, f->users, f->groups.names.count);
}

static bool is_judged(const struct fairness *f, int64_t group)
{
    return f->users[group] >= f->min_users;
}

static void take_settings(const struct config *config, const struct problem *problem,
                          struct fairness *f)
{
    static const int decimals[] = {[FAIR_DISCOUNT] = 9, [FAIR_ACCESS] = 0, [FAIR_SURPLUS] = 4};
    f->by = config_is(config, "allocate.fairness.measure", "access")    ? FAIR_ACCESS
            : config_is(config, "allocate.fairness.measure", "surplus") ? FAIR_SURPLUS
                                                                        : FAIR_DISCOUNT;
    f->decimals = decimals[f->by];
    f->min_users = config_integer(config, "privacy.min_users");
    f->rule = config_has(config, "allocate.fairness.delta");
    f->delta = f->rule ? config_number(config, "allocate.fairness.delta") : NAN;
    f->limit = f->rule ? delta_of(f->delta) : 0;
    for (f->surplus = 0; f->surplus < problem->measures; f->surplus++)
        if (strcmp(problem->measure[f->surplus].name, "surplus") == 0) return;
    f->surplus = -1;
}

static void warn_of_groups(const struct fairness *f)
{
    int64_t judged = 0;
    for (int64_t g = 0; g < f->groups.names.count; g++) {
        judged += is_judged(f, g);
        if (f->rule && !is_judged(f, g) && f->users[g] > 0)
            log_info("  fairness: group %s has fewer than %lld users and is not judged",
                     dictionary_text(&f->groups.names, g), (long long)f->min_users);
    }
    if (f->rule && judged < 2)
        log_warning("allocate.fairness.delta compares nothing: %lld group%s of users.columns.group "
                    "with %lld users or more",
                    (long long)judged, judged == 1 ? "" : "s", (long long)f->min_users);
}

enum status fairness_open(const struct comm *comm, const struct run *run,
                          const struct dataset *dataset, const struct candidates *candidates,
                          const struct problem *problem, struct fairness *fairness)
{
    enum status status = OK;
    *fairness = (struct fairness){.known = dataset->users.group.name != NULL};
    take_settings(run->config, problem, fairness);
    if (!fairness->known) {
        if (fairness->rule)
            log_warning("allocate.fairness.delta has nothing to compare: the users have no group; "
                        "set users.columns.group");
        goto done;
    }
    TRY(limit_groups_make(comm, run, dataset, candidates, BY_GROUP, &fairness->groups));
    TRY_ALL(comm, make_room(fairness));
    count_rows(comm, problem, candidates->slots, fairness);
    warn_of_groups(fairness);
done:
    return status;
}

void fairness_clear(struct fairness *fairness)
{
    limit_groups_clear(&fairness->groups);
    free(fairness->rows);
    free(fairness->users);
    free(fairness->sum);
    free(fairness->sum_off);
    *fairness = (struct fairness){0};
}

/* ---- means ---- */

/* What a level brings a slot, in units of the measure. */
static int64_t measured(const struct problem *problem, const struct fairness *f, int64_t slot,
                        int k)
{
    if (f->by == FAIR_ACCESS) return k > 0;
    if (f->by == FAIR_SURPLUS) return problem->measure[f->surplus].use[slot * problem->levels + k];
    return llround(1e9 * problem->level[k]);
}

void fairness_look(const struct comm *comm, const struct problem *problem, const uint8_t *level,
                   struct fairness *fairness)
{
    int64_t groups = fairness->groups.names.count;
    if (!fairness->known) return;
    memset(fairness->sum, 0, (size_t)groups * sizeof *fairness->sum);
    for (int64_t i = 0; i < problem->blocks.rows_local; i++) {
        int32_t group = fairness->groups.group[i];
        if (group >= 0) fairness->sum[group] += measured(problem, fairness, i, level[i]);
    }
    comm_sum_int64(comm, fairness->sum, groups);
}

static double mean_of(const struct fairness *f, const int64_t *sum, int64_t group)
{
    return (double)sum[group] / pow(10.0, f->decimals) / (double)f->rows[group];
}

/* ---- pairs ---- */

struct pair {
    int32_t high, low; /* groups; the mean of the one less that of the other is limited */
};

/* Does the mean of high exceed that of low by more than delta? Exact. */
static bool is_broken(const struct fairness *f, int64_t high, int64_t low)
{
    int128 apart = (int128)f->sum[high] * f->rows[low] - (int128)f->sum[low] * f->rows[high];
    return apart * power_of_ten(DELTA_DECIMALS - f->decimals) >
           (int128)f->limit * f->rows[high] * f->rows[low];
}

static int64_t furthest(const struct fairness *f, const bool *taken, double sign)
{
    int64_t best = -1;
    double far = 0.0;
    for (int64_t g = 0; g < f->groups.names.count; g++) {
        double here = sign * (double)f->sum[g] / (double)f->rows[g];
        if (taken[g] || !is_judged(f, g) || (best >= 0 && here <= far)) continue;
        best = g;
        far = here;
    }
    return best;
}

/* The highest with the lowest, the next highest with the next lowest. pair out [groups / 2] */
static int64_t find_pairs(const struct fairness *f, bool *taken, struct pair *pair)
{
    int64_t pairs = 0;
    for (;;) {
        int64_t high = furthest(f, taken, 1.0);
        if (high < 0) return pairs;
        taken[high] = true;
        int64_t low = furthest(f, taken, -1.0);
        if (low < 0 || !is_broken(f, high, low)) return pairs;
        taken[low] = true;
        pair[pairs++] = (struct pair){(int32_t)high, (int32_t)low};
    }
}

/* Weights are units of the measure x scale / rows of the group; as fine as sums allow. */
static double find_scale(const struct comm *comm, const struct problem *problem,
                         const struct fairness *f)
{
    int64_t most = 1;
    for (int64_t i = 0; i < problem->blocks.rows_local; i++)
        for (int k = 0; k < problem->levels; k++) {
            int64_t x = llabs(measured(problem, f, i, k));
            most = x > most ? x : most;
        }
    comm_max_int64(comm, &most, 1);
    double scale = 1.0;
    while (scale * 10.0 * (double)most <= REACH_MOST / 2.0) scale *= 10.0;
    return scale;
}

/* x scale / rows, rounded towards more. */
static int64_t weight_up(int64_t x, int64_t scale, int64_t rows)
{
    int128 product = (int128)x * scale;
    int128 floor_of = product / rows;
    if (floor_of * rows < product) floor_of++;
    return (int64_t)floor_of;
}

/* of_group [groups]: 1 + pair for the higher, -1 - pair for the lower, 0 for none */
static void fill_pairs(const struct problem *problem, const struct fairness *f,
                       const int64_t *of_group, int64_t scale, int64_t *use, int32_t *group)
{
    for (int64_t i = 0; i < problem->blocks.rows_local; i++) {
        int32_t own = f->groups.group[i];
        int64_t place = own >= 0 ? of_group[own] : 0;
        group[i] = place == 0 ? -1 : (int32_t)(llabs(place) - 1);
        for (int k = 0; place != 0 && k < problem->levels; k++) {
            int64_t x = measured(problem, f, i, k);
            use[i * problem->levels + k] = weight_up(place > 0 ? x : -x, scale, f->rows[own]);
        }
    }
}

/* Names sort as their numbers do: "1.01: a over b", the first of the first round. */
static enum status name_pairs(const struct comm *comm, const struct fairness *f,
                              const struct pair *pair, int64_t pairs, struct dictionary *names)
{
    enum status status = OK;
    struct text_set *set = text_set_new();
    TRY_ALL(comm, set != NULL ? OK : FAIL(ERR_MEMORY, "no memory for pairs of groups"));
    for (int64_t p = 0; p < pairs; p++) {
        char text[640];
        int length =
            snprintf(text, sizeof text, "%lld.%02lld: %.300s over %.300s", (long long)f->rounds + 1,
                     (long long)p + 1, dictionary_text(&f->groups.names, pair[p].high),
                     dictionary_text(&f->groups.names, pair[p].low));
        TRY_ALL(comm, text_set_code(set, text, (size_t)length) >= 0
                          ? OK
                          : FAIL(ERR_MEMORY, "no memory for pairs of groups"));
    }
    TRY(dictionary_make(comm, set, names, NULL));
done:
    text_set_free(&set);
    return status;
}

static enum status add_kind(const struct comm *comm, struct problem *problem,
                            const struct fairness *f, const int64_t *of_group, int64_t pairs,
                            struct problem_kind **kind)
{
    static const char *const names[] = {"mean discount", "access to discounts", "mean surplus"};
    static const char *const units[] = {"fraction", "share of rows", "currency"};
    enum status status = OK;
    int measure = 0;
    double scale = find_scale(comm, problem, f), unit = pow(10.0, -f->decimals) / scale;
    log_need(comm, problem->blocks.rows_local * (8 * problem->levels + 4));
    TRY_ALL(comm, problem_add_measure(problem, names[f->by], unit, units[f->by], &measure));
    TRY_ALL(comm, problem_add_kind(problem, names[f->by], "fairness", measure, pairs, kind));
    TRY_ALL(comm, memory_new(&(*kind)->group, problem->blocks.rows_local, sizeof *(*kind)->group));
    fill_pairs(problem, f, of_group, (int64_t)scale, problem->measure[measure].use, (*kind)->group);
    for (int64_t p = 0; p < pairs; p++)
        (*kind)->limit[p] = (int64_t)((int128)f->limit * (int64_t)scale /
                                      power_of_ten(DELTA_DECIMALS - f->decimals));
done:
    return status;
}

enum status fairness_add_pairs(const struct comm *comm, struct problem *problem,
                               struct fairness *fairness, int64_t *pairs)
{
    enum status status = OK;
    int64_t groups = fairness->groups.names.count, *of_group = NULL;
    struct pair *pair = NULL;
    struct problem_kind *kind = NULL;
    bool *taken = NULL;
    *pairs = 0;
    if (!fairness->known || !fairness->rule) goto done;
    TRY_ALL(comm, memory_new(&taken, groups, sizeof *taken));
    TRY_ALL(comm, memory_new(&pair, groups, sizeof *pair));
    TRY_ALL(comm, memory_new(&of_group, groups, sizeof *of_group));
    if ((*pairs = find_pairs(fairness, taken, pair)) == 0) goto done;
    if (problem->kinds == KNAPSACK_KINDS || problem->measures == KNAPSACK_KINDS)
        TRY(FAIL(ERR_NUMERIC,
                 "allocate.fairness: %lld pairs of groups still differ by more than delta, and "
                 "there is no room for more limits; drop some of allocate.limits, or raise delta",
                 (long long)*pairs));
    for (int64_t p = 0; p < *pairs; p++) {
        of_group[pair[p].high] = 1 + p;
        of_group[pair[p].low] = -1 - p;
    }
    TRY(add_kind(comm, problem, fairness, of_group, *pairs, &kind));
    TRY(name_pairs(comm, fairness, pair, *pairs, &kind->names));
    fairness->rounds++;
done:
    free(taken);
    free(pair);
    free(of_group);
    return status;
}

/* ---- the receipt ---- */

/* The largest difference between two groups that are judged. */
static double spread(const struct fairness *f, const int64_t *sum)
{
    double low = INFINITY, high = -INFINITY;
    for (int64_t g = 0; g < f->groups.names.count; g++) {
        if (!is_judged(f, g)) continue;
        low = fmin(low, mean_of(f, sum, g));
        high = fmax(high, mean_of(f, sum, g));
    }
    return high > low ? high - low : 0.0;
}

static json_t *groups_json(const struct fairness *f)
{
    json_t *list = json_array();
    for (int64_t g = 0; g < f->groups.names.count; g++) {
        const char *name = dictionary_text(&f->groups.names, g);
        json_t *entry = json_pack("{s:s, s:b}", "group", name, "judged", is_judged(f, g));
        if (is_judged(f, g)) {
            json_object_set_new(entry, "rows", json_integer(f->rows[g]));
            json_object_set_new(entry, "mean", json_real(mean_of(f, f->sum, g)));
            if (f->rule)
                json_object_set_new(entry, "mean_without_rule",
                                    json_real(mean_of(f, f->sum_off, g)));
        }
        json_array_append_new(list, entry);
    }
    return list;
}

json_t *fairness_json(const struct fairness *fairness, int64_t objective)
{
    static const char *const names[] = {"discount", "access", "surplus"};
    if (!fairness->known) return NULL;
    json_t *out =
        json_pack("{s:s, s:o, s:o, s:f}", "measure", names[fairness->by], "delta",
                  fairness->rule ? json_real(fairness->delta) : json_null(), "groups",
                  groups_json(fairness), "largest_difference", spread(fairness, fairness->sum));
    if (out == NULL || !fairness->rule) return out;
    json_object_set_new(out, "largest_difference_without_rule",
                        json_real(spread(fairness, fairness->sum_off)));
    json_object_set_new(out, "objective_without_rule",
                        json_real((double)fairness->objective_off / 1e4));
    json_object_set_new(out, "costs",
                        json_real((double)(fairness->objective_off - objective) / 1e4));
    json_object_set_new(out, "rounds", json_integer(fairness->rounds));
    return out;
}
