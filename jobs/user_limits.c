/* Caps from the settings, and what the table makes of them. */
#include "jobs/user_limits.h"

#include "algorithms/knapsack_point.h"
#include "jobs/problem_json.h"
#include "jobs/user_spend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FORGIVEN 1e-6 /* of a unit, by which a number such as 0.3 is off in binary */

/* ---- from the settings ---- */

static enum status find_measure(enum limit_measure which, const char *name, int decimals,
                                const char *unit_name, struct limit_plan *plan,
                                struct problem *problem, int *measure)
{
    for (*measure = 0; *measure < problem->measures; ++*measure)
        if (strcmp(problem->measure[*measure].name, name) == 0) return OK;
    enum status status =
        problem_add_measure(problem, name, pow(10.0, -decimals), unit_name, measure);
    if (status != OK) return status;
    plan->factor[*measure][which] = 1;
    plan->decimals[*measure] = decimals;
    return OK;
}

/* The same limit for every user. */
static enum status add_same(const char *name, const char *rule, int measure, int64_t limit,
                            struct problem *problem)
{
    int64_t *to = NULL;
    enum status status = problem_add_cap(problem, name, rule, measure, &to);
    for (int64_t u = 0; status == OK && u < problem->users_local; u++) to[u] = limit;
    return status;
}

static enum status add_counts(const struct config *config, struct limit_plan *plan,
                              struct problem *problem)
{
    enum status status = OK;
    int measure = 0;
    if (config_has(config, "allocate.user.discounts_most")) {
        TRY(find_measure(LIMIT_discounts, "discounts", 0, "rows", plan, problem, &measure));
        TRY(add_same("discounts per user", "user.discounts_most", measure,
                     config_integer(config, "allocate.user.discounts_most"), problem));
    }
    if (config_has(config, "allocate.user.discount_sum_most")) {
        double most = config_number(config, "allocate.user.discount_sum_most");
        TRY(find_measure(LIMIT_discount, "discount", 9, "discounts", plan, problem, &measure));
        TRY(add_same("sum of discounts per user", "user.discount_sum_most", measure,
                     (int64_t)floor(1e9 * most + FORGIVEN), problem));
    }
done:
    return status;
}

/* In units of cost, rounded down. */
static int64_t power_of(int64_t cents, double share, int64_t valid_days, int64_t days)
{
    double units = share * (double)(cents * CELL_UNITS_PER_CENT) * (double)valid_days;
    return (int64_t)floor(fmin(units / (double)days, (double)KNAPSACK_MOST) + FORGIVEN);
}

static enum status add_power(const struct comm *comm, const struct run *run,
                             const struct dataset *dataset, struct problem *problem)
{
    enum status status = OK;
    struct user_spend spend = {0};
    const struct config *config = run->config;
    int64_t *limit = NULL;
    double share = config_number(config, "allocate.user.cost_share_most");
    int64_t without =
        config_cents(config, "allocate.user.cost_without_spend") * CELL_UNITS_PER_CENT;
    int64_t valid_days = config_integer(config, "run.valid_days");
    TRY(user_spend_read(comm, run_path(run, "dataset.h5"), dataset, &spend));
    TRY_ALL(comm, problem_add_cap(problem, "cost per user against spend", "user.cost_share_most", 0,
                                  &limit));
    for (int64_t u = 0; u < problem->users_local; u++)
        limit[u] =
            spend.cents[u] > 0 ? power_of(spend.cents[u], share, valid_days, spend.days) : without;
done:
    free(spend.cents);
    return status;
}

enum status user_limits_add(const struct comm *comm, const struct run *run,
                            const struct dataset *dataset, int64_t slots, struct limit_plan *plan,
                            struct problem *problem)
{
    enum status status = OK;
    const struct config *config = run->config;
    bool power = config_has(config, "allocate.user.cost_share_most");
    if (slots == 0) return OK;
    if (!power && !config_has(config, "allocate.user.discounts_most") &&
        !config_has(config, "allocate.user.discount_sum_most"))
        return OK;
    TRY_ALL(comm, problem_set_users(problem, dataset->users.blocks.rows_local, slots));
    TRY_ALL(comm, add_counts(config, plan, problem));
    if (power) TRY(add_power(comm, run, dataset, problem));
done:
    return status;
}

/* ---- of a table ---- */

int64_t user_limits_used(const struct problem *problem, const uint8_t *level, int cap, int64_t user)
{
    const int64_t *use = problem->measure[problem->cap[cap].measure].use;
    int64_t used = 0;
    for (int64_t r = problem->user_start[user]; r < problem->user_start[user + 1]; r++)
        used += use[r * problem->levels + level[r]];
    return used;
}

bool user_limits_hold(const struct problem *problem, const uint8_t *level)
{
    for (int c = 0; c < problem->caps; c++)
        for (int64_t u = 0; u < problem->users_local; u++)
            if (user_limits_used(problem, level, c, u) > problem->cap[c].limit[u]) return false;
    return true;
}

/* ---- the receipt ---- */

/* What the users make of a cap, over all ranks. */
struct cap_use {
    int64_t used_most;               /* of any user's */
    int64_t least_limit, most_limit; /* that users have */
    int64_t at_limit;                /* users of whom no row could use more */
    int64_t with_use;                /* users that use any of it */
};

/* Is there no row whose use could rise, to an allowed level, without breaking the limit? And one
 * that could rise at all. */
static bool is_at_limit(const struct problem *problem, const uint8_t *level, int cap, int64_t user,
                        int64_t used)
{
    const int64_t *use = problem->measure[problem->cap[cap].measure].use;
    int64_t left = problem->cap[cap].limit[user] - used;
    bool any = false;
    for (int64_t r = problem->user_start[user]; r < problem->user_start[user + 1]; r++)
        for (int k = 0; k < problem->levels; k++) {
            int64_t more = use[r * problem->levels + k] - use[r * problem->levels + level[r]];
            if ((problem->allowed[r] >> k & 1) == 0 || more <= 0) continue;
            if (more <= left) return false;
            any = true;
        }
    return any;
}

static void look(const struct comm *comm, const struct problem *problem, const uint8_t *level,
                 int cap, struct cap_use *use)
{
    int64_t most[3] = {0, INT64_MIN, INT64_MIN}, count[2] = {0}; /* used, -least, largest limit */
    for (int64_t u = 0; u < problem->users_local; u++) {
        int64_t used = user_limits_used(problem, level, cap, u), limit = problem->cap[cap].limit[u];
        most[0] = used > most[0] ? used : most[0];
        most[1] = -limit > most[1] ? -limit : most[1];
        most[2] = limit > most[2] ? limit : most[2];
        count[0] += is_at_limit(problem, level, cap, u, used);
        count[1] += used > 0;
    }
    comm_max_int64(comm, most, 3);
    comm_sum_int64(comm, count, 2);
    *use = (struct cap_use){most[0], -most[1], most[2], count[0], count[1]};
}

static json_t *cap_json(const struct problem *problem, int cap, const struct cap_use *use,
                        int64_t users, int64_t bound, int64_t cost)
{
    const struct problem_cap *c = &problem->cap[cap];
    const struct problem_kind shown = {.measure = c->measure};
    bool same = use->least_limit == use->most_limit;
    json_t *out = json_pack("{s:s, s:s, s:s}", "name", c->name, "rule", c->rule, "unit",
                            problem->measure[c->measure].unit_name);
    if (same)
        json_object_set_new(out, "limit",
                            json_real(problem_shown(problem, &shown, use->most_limit)));
    else
        json_object_set_new(out, "limit", json_string("by user"));
    json_object_set_new(out, "used_most",
                        json_real(problem_shown(problem, &shown, use->used_most)));
    json_object_set_new(out, "users", json_integer(users));
    json_object_set_new(out, "users_using", json_integer(use->with_use));
    json_object_set_new(out, "users_at_limit", json_integer(use->at_limit));
    json_object_set_new(out, "users_decided", json_integer(bound));
    json_object_set_new(out, "costs_at_prices", json_real((double)cost / 1e4));
    return out;
}

enum status user_limits_json(const struct comm *comm, const struct problem *problem,
                             const int64_t *prices, const uint8_t *level, json_t **json)
{
    enum status status = OK;
    struct knapsack_cells cells;
    int64_t bound[KNAPSACK_CAPS], cost[KNAPSACK_CAPS], users = problem->users_local;
    *json = NULL;
    if (problem->caps == 0) return OK;
    problem_cells(problem, &cells);
    comm_sum_int64(comm, &users, 1);
    TRY(knapsack_tell_caps(comm, &cells, prices, bound, cost));
    *json = json_array();
    for (int c = 0; c < problem->caps; c++) {
        struct cap_use use;
        look(comm, problem, level, c, &use);
        json_array_append_new(*json, cap_json(problem, c, &use, users, bound[c], cost[c]));
    }
done:
    return status;
}
