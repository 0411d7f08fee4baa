/* Budgets from little to all that is worth spending, each with what it earns. */
#include "jobs/dial.h"

#include "algorithms/knapsack_point.h"
#include "algorithms/price_path.h"
#include "jobs/problem_json.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SCALE_MOST 4.0 /* of the limits on money, where there are several */

struct point {
    bool found;
    double scale;   /* of the limits on money */
    int64_t budget; /* of the first of them, all groups together */
    int64_t spent, objective, upper_bound;
    double std_error;
};

struct dial {
    struct what_if *w;
    bool money[KNAPSACK_KINDS]; /* kinds that limit what discounts cost */
    int first, monies;          /* the first of them, and how many */
    int measure;                /* cost */
    double top;                 /* scale at which no limit on money binds, or SCALE_MOST */
    int64_t top_spent;          /* of the slots looked at, without limits on money */
    int64_t points;
    struct point *point;
    int64_t *price; /* [points][limits] */
};

static bool is_money(const struct problem *problem, int kind)
{
    return !problem->kind[kind].at_least &&
           strcmp(problem->measure[problem->kind[kind].measure].name, "cost") == 0;
}

static void find_money(struct dial *dial)
{
    const struct problem *problem = dial->w->whole;
    for (int d = problem->kinds - 1; d >= 0; d--) {
        dial->money[d] = is_money(problem, d);
        if (!dial->money[d]) continue;
        dial->first = d;
        dial->measure = problem->kind[d].measure;
        dial->monies++;
    }
}

/* One limit, on money: points lie on a path that prices tell exactly. */
static bool is_path(const struct dial *dial)
{
    const struct problem *whole = dial->w->whole;
    return whole->kinds == 1 && whole->kind[0].groups == 1 && whole->caps == 0;
}

/* ---- limits ---- */

static int64_t scaled(int64_t limit, double scale)
{
    if (what_if_is_free(limit) || limit <= 0) return limit;
    return (int64_t)fmin(floor(scale * (double)limit), 0x1p60);
}

/* scale 0: no limits on money */
static void set_money(const struct dial *dial, struct problem *problem, double scale)
{
    for (int d = 0; d < problem->kinds; d++)
        for (int64_t g = 0; dial->money[d] && g < problem->kind[d].groups; g++)
            problem->kind[d].limit[g] =
                scale > 0.0 ? scaled(problem->kind[d].limit[g], scale) : KNAPSACK_FREE;
}

static int64_t spent(const struct comm *comm, const struct dial *dial, const uint8_t *level)
{
    const struct problem *problem = &dial->w->problem;
    const int64_t *use = problem->measure[dial->measure].use;
    int64_t sum = 0;
    for (int64_t i = 0; i < problem->blocks.rows_local; i++)
        sum += use[i * problem->levels + level[i]];
    comm_sum_int64(comm, &sum, 1);
    return sum;
}

/* Largest share of a limit on money that is used where there is none. */
static double largest_share(const struct dial *dial)
{
    const struct what_if *w = dial->w;
    double most = 0.0;
    int64_t r = 0;
    for (int d = 0; d < w->problem.kinds; d++)
        for (int64_t g = 0; g < w->problem.kind[d].groups; g++, r++)
            if (dial->money[d] && w->limit[r] > 0 && !what_if_is_free(w->limit[r]))
                most = fmax(most, (double)w->now.used[r] / (double)w->limit[r]);
    return most;
}

static enum status find_top(const struct comm *comm, struct dial *dial)
{
    enum status status = OK;
    bool found;
    set_money(dial, &dial->w->problem, 0.0);
    TRY(what_if_solve(comm, dial->w, &found));
    if (!found) goto done;
    dial->top_spent = spent(comm, dial, dial->w->now.level);
    dial->top = largest_share(dial);
    if (!is_path(dial)) dial->top = fmin(dial->top, SCALE_MOST);
done:
    what_if_restore(dial->w);
    what_if_begin(dial->w);
    return status;
}

/* ---- points ---- */

static void set_point(const struct dial *dial, int64_t at, double scale)
{
    struct problem *problem = &dial->w->problem;
    what_if_restore(dial->w);
    if (is_path(dial)) /* also where the limit is 0 */
        problem->kind[0].limit[0] =
            (int64_t)((double)dial->top_spent * (double)(at + 1) / (double)dial->points);
    else
        set_money(dial, problem, scale);
}

/* Of the first limit on money over all users, at a scale. */
static int64_t budget_of(const struct dial *dial, double scale)
{
    const struct problem_kind *kind = &dial->w->whole->kind[dial->first];
    int64_t sum = 0;
    for (int64_t g = 0; g < kind->groups; g++)
        if (!what_if_is_free(kind->limit[g])) sum += scaled(kind->limit[g], scale);
    return sum;
}

/* From point to point prices go on as they went before. */
static void go_on(const struct dial *dial, int64_t at, int64_t *price)
{
    int64_t limits = dial->w->now.limits;
    if (at + 2 >= dial->points || !dial->point[at + 1].found || !dial->point[at + 2].found) return;
    const int64_t *last = dial->price + (at + 1) * limits, *before = last + limits;
    for (int64_t r = 0; r < limits; r++) {
        double next = 2.0 * (double)last[r] - (double)before[r];
        price[r] = llrint(fmin(fmax(next, 0.5 * (double)last[r]), 2.0 * (double)last[r]));
    }
}

static enum status solve_point(const struct comm *comm, struct dial *dial, int64_t at)
{
    enum status status = OK;
    struct what_if *w = dial->w;
    struct point *point = &dial->point[at];
    point->scale = dial->top * (double)(at + 1) / (double)dial->points;
    set_point(dial, at, point->scale);
    point->budget = is_path(dial) ? w->problem.kind[0].limit[0] : budget_of(dial, point->scale);
    go_on(dial, at, w->now.price);
    TRY(what_if_solve(comm, w, &point->found));
    if (!point->found) {
        what_if_begin(w);
        goto done;
    }
    int64_t before = spent(comm, dial, w->base), all = w->solved->objective;
    memcpy(dial->price + at * w->now.limits, w->now.price,
           (size_t)w->now.limits * sizeof *dial->price);
    point->objective = all + what_if_over_all(w, w->now.objective - w->base_objective);
    point->upper_bound = all + what_if_over_all(w, w->now.upper_bound - w->base_objective);
    point->spent = what_if_over_all(w, spent(comm, dial, w->now.level) - before);
    TRY(what_if_error(comm, w, &point->std_error));
done:
    return status;
}

/* What the whole choice spends, to which differences on a sample are added. */
static int64_t spent_by_whole(const struct comm *comm, const struct dial *dial)
{
    const struct problem *whole = dial->w->whole;
    const int64_t *use = whole->measure[dial->measure].use;
    int64_t sum = 0;
    for (int64_t i = 0; i < whole->blocks.rows_local; i++)
        sum += use[i * whole->levels + dial->w->solved->level[i]];
    comm_sum_int64(comm, &sum, 1);
    return sum;
}

/* ---- all users, where a sample told the prices ---- */

/* The path passes through what prices choose; the budget is what they spend. */
static enum status settle_path(const struct comm *comm, struct dial *dial)
{
    enum status status = OK;
    const struct problem *whole = dial->w->whole;
    const struct allocation_cells cells = {&whole->blocks, whole->levels, whole->value,
                                           whole->measure[dial->measure].use, whole->allowed};
    struct allocation_point *at = NULL;
    TRY_ALL(comm, memory_new(&at, dial->points, sizeof *at));
    for (int64_t p = 1; p < dial->points; p++)
        if (dial->price[p] > dial->price[p - 1]) dial->price[p] = dial->price[p - 1];
    TRY(price_path_at(comm, &cells, dial->price, dial->points, at));
    for (int64_t p = 0; p < dial->points; p++) {
        struct point *point = &dial->point[p];
        point->budget = point->spent = at[p].spent;
        point->objective = point->upper_bound = at[p].value;
        point->std_error = 0.0;
    }
done:
    free(at);
    return status;
}

/* The limits of all users at a scale. lent: [limits] */
static void lend_limits(const struct dial *dial, double scale, struct knapsack_cells *cells,
                        int64_t *lent)
{
    const struct problem *whole = dial->w->whole;
    for (int d = 0; d < whole->kinds; d++) {
        for (int64_t g = 0; g < whole->kind[d].groups; g++) {
            int64_t limit = whole->kind[d].limit[g];
            lent[g] = dial->money[d] ? scaled(limit, scale) : limit;
        }
        cells->kind[d].limit = lent;
        lent += whole->kind[d].groups;
    }
}

/* Bounds of all users at the prices that the sample found. */
static enum status settle_bounds(const struct comm *comm, struct dial *dial)
{
    enum status status = OK;
    struct knapsack_cells cells;
    struct knapsack_point at;
    const struct what_if *w = dial->w;
    int64_t limits = w->now.limits, *lent = NULL, *used = NULL;
    uint8_t *level = NULL;
    problem_cells(w->whole, &cells);
    TRY_ALL(comm, memory_new(&lent, limits, sizeof *lent));
    TRY_ALL(comm, memory_new(&used, limits, sizeof *used));
    TRY_ALL(comm, memory_new(&level, w->whole->blocks.rows_local, 1));
    for (int64_t p = 0; p < dial->points; p++) {
        struct point *point = &dial->point[p];
        if (!point->found) continue;
        lend_limits(dial, point->scale, &cells, lent);
        TRY(knapsack_at_prices(comm, &cells, dial->price + p * limits, level, used, &at));
        point->upper_bound = at.bound;
    }
done:
    free(lent);
    free(used);
    free(level);
    return status;
}

/* ---- JSON ---- */

static json_t *money(int64_t units)
{
    return json_real((double)units / 1e4);
}

static json_t *point_json(const struct dial *dial, int64_t at)
{
    const struct point *point = &dial->point[at];
    const struct problem *whole = dial->w->whole;
    json_t *json = json_pack("{s:o}", "budget", money(point->budget));
    if (!is_path(dial)) json_object_set_new(json, "scale", json_real(point->scale));
    json_object_set_new(json, "feasible", json_boolean(point->found));
    if (!point->found) return json;
    int64_t limits = dial->w->now.limits, first = 0;
    for (int d = 0; d < dial->first; d++) first += whole->kind[d].groups;
    json_object_set_new(json, "spent", money(point->spent));
    json_object_set_new(json, "objective", money(point->objective));
    json_object_set_new(json, "upper_bound", money(point->upper_bound));
    if (whole->kind[dial->first].groups == 1)
        json_object_set_new(json, "dual_price",
                            json_real(problem_shown_price(whole, &whole->kind[dial->first],
                                                          dial->price[at * limits + first])));
    if (dial->w->every > 1 && !is_path(dial))
        json_object_set_new(json, "std_error", json_real(point->std_error / 1e4));
    return json;
}

static const char *method(const struct dial *dial)
{
    if (dial->w->every == 1) return "each budget solved";
    if (is_path(dial))
        return "points of the path over all users, each the most that its spend can earn; budgets "
               "by a sample of users";
    return "differences from the table on a sample of users; bounds over all users";
}

static json_t *path_json(const struct dial *dial)
{
    json_t *list = json_array();
    for (int64_t p = 0; p < dial->points; p++) json_array_append_new(list, point_json(dial, p));
    return json_pack("{s:s, s:s, s:I, s:I, s:o}", "scales",
                     dial->monies > 1 || !is_path(dial) ? "all limits on money together"
                                                        : "the budget",
                     "method", method(dial), "users", (json_int_t)dial->w->users, "users_total",
                     (json_int_t)dial->w->users_total, "points", list);
}

/* What keeps a smaller budget keeps a larger one, and the table its own. */
static void never_fall(struct dial *dial, int64_t spent)
{
    int64_t own = dial->w->solved->objective;
    for (int64_t p = 0; p < dial->points && !is_path(dial); p++) {
        struct point *point = &dial->point[p];
        if (!point->found || point->scale < 1.0 || point->objective >= own) continue;
        point->objective = own;
        point->spent = spent;
        point->std_error = 0.0;
    }
    for (int64_t p = 1; p < dial->points; p++) {
        const struct point *less = &dial->point[p - 1];
        struct point *point = &dial->point[p];
        if (!less->found || !point->found || point->objective >= less->objective) continue;
        point->objective = less->objective;
        point->spent = less->spent;
        point->std_error = less->std_error;
    }
}

/* What bounds a larger budget bounds a smaller one, and what is told of it. */
static void keep_bounds(struct dial *dial)
{
    int64_t bound = INT64_MAX;
    for (int64_t p = dial->points - 1; p >= 0; p--) {
        struct point *point = &dial->point[p];
        if (!point->found) continue;
        bound = point->upper_bound < bound ? point->upper_bound : bound;
        point->upper_bound = bound;
        point->objective = point->objective < bound ? point->objective : bound;
    }
}

static enum status solve_points(const struct comm *comm, struct dial *dial)
{
    enum status status = OK;
    TRY_ALL(comm, memory_new(&dial->point, dial->points, sizeof *dial->point));
    TRY_ALL(comm,
            memory_new(&dial->price, dial->points * dial->w->now.limits, sizeof *dial->price));
    int64_t whole = spent_by_whole(comm, dial);
    for (int64_t p = dial->points - 1; p >= 0; p--) { /* prices rise from 0 */
        TRY(solve_point(comm, dial, p));
        dial->point[p].spent += whole;
    }
    never_fall(dial, whole);
    if (dial->w->every > 1)
        TRY(is_path(dial) ? settle_path(comm, dial) : settle_bounds(comm, dial));
    keep_bounds(dial);
done:
    return status;
}

enum status dial_json(const struct comm *comm, struct what_if *w, int64_t points, json_t **json)
{
    enum status status = OK;
    struct dial dial = {.w = w, .points = points};
    *json = NULL;
    find_money(&dial);
    w->problem.rough = w->problem.blocks.rows_total > WHAT_IF_FEW;
    if (dial.monies > 0) TRY(find_top(comm, &dial));
    if (dial.top_spent > 0 && (dial.top > 0.0 || is_path(&dial))) {
        TRY(solve_points(comm, &dial));
        *json = path_json(&dial);
    } else {
        *json = json_null();
    }
done:
    w->problem.rough = false;
    what_if_restore(w);
    what_if_begin(w);
    free(dial.point);
    free(dial.price);
    return status;
}
