/* The problem without one rule after the other. */
#include "jobs/rule_cost.h"

#include "algorithms/knapsack_point.h"
#include "jobs/cell_rules.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

struct cost {
    bool solved;       /* without the rule; otherwise none of its limits has a price */
    bool found;        /* whether a choice was */
    bool bounded;      /* high is proven over all users */
    int64_t low, high; /* 1/10,000 of the currency */
    double std_error;
};

static bool is_first(const struct problem *problem, int kind)
{
    for (int d = 0; d < kind; d++)
        if (strcmp(problem->kind[d].rule, problem->kind[kind].rule) == 0) return false;
    return true;
}

static bool belongs(const struct problem *problem, int kind, const char *rule)
{
    return strcmp(problem->kind[kind].rule, rule) == 0;
}

static int64_t gap_of(const struct what_if *w)
{
    return w->solved->upper_bound - w->solved->objective;
}

static bool has_price(const struct what_if *w, const char *rule)
{
    int64_t r = 0;
    for (int d = 0; d < w->whole->kinds; d++)
        for (int64_t g = 0; g < w->whole->kind[d].groups; g++, r++)
            if (belongs(w->whole, d, rule) && w->solved->price[r] > 0) return true;
    return false;
}

static bool is_cap(const struct problem *problem, int cap, const char *rule)
{
    return strcmp(problem->cap[cap].rule, rule) == 0;
}

static void lift(struct problem *problem, const char *rule)
{
    for (int c = 0; c < problem->caps; c++)
        for (int64_t u = 0; is_cap(problem, c, rule) && u < problem->users_local; u++)
            problem->cap[c].limit[u] = KNAPSACK_FREE;
    for (int d = 0; d < problem->kinds; d++)
        for (int64_t g = 0; belongs(problem, d, rule) && g < problem->kind[d].groups; g++)
            problem->kind[d].limit[g] = KNAPSACK_FREE;
}

static void drop_cap(const struct problem *problem, const char *rule, struct knapsack_cells *cells)
{
    cells->caps = 0;
    for (int c = 0; c < problem->caps; c++)
        if (!is_cap(problem, c, rule))
            cells->cap[cells->caps++] = (struct knapsack_cap){
                problem->measure[problem->cap[c].measure].use, problem->cap[c].limit};
}

/* The bound of all users without the rule, at the prices of the sample. */
static enum status bound_whole(const struct comm *comm, const struct what_if *w, const char *rule,
                               int64_t *bound)
{
    enum status status = OK;
    struct knapsack_cells cells;
    struct knapsack_point at;
    int64_t *price = NULL, *used = NULL, r = 0;
    uint8_t *level = NULL;
    problem_cells(w->whole, &cells);
    drop_cap(w->whole, rule, &cells);
    TRY_ALL(comm, memory_new(&price, w->now.limits, sizeof *price));
    TRY_ALL(comm, memory_new(&used, w->now.limits, sizeof *used));
    TRY_ALL(comm, memory_new(&level, w->whole->blocks.rows_local, 1));
    for (int d = 0; d < w->whole->kinds; d++)
        for (int64_t g = 0; g < w->whole->kind[d].groups; g++, r++)
            price[r] = belongs(w->whole, d, rule) ? 0 : w->now.price[r];
    TRY(knapsack_at_prices(comm, &cells, price, level, used, &at));
    *bound = at.bound;
done:
    free(price);
    free(used);
    free(level);
    return status;
}

/* The problem as it stands now against the whole choice. rule NULL: of all but the limits */
static enum status measure(const struct comm *comm, struct what_if *w, const char *rule,
                           struct cost *cost)
{
    enum status status = OK;
    bool found;
    *cost = (struct cost){.solved = true, .bounded = w->every == 1};
    TRY(what_if_solve(comm, w, &found));
    cost->found = found;
    if (!found) goto done;
    cost->low = what_if_over_all(w, w->now.objective - w->base_objective);
    cost->high = what_if_over_all(w, w->now.upper_bound - w->base_objective);
    TRY(what_if_error(comm, w, &cost->std_error));
    if (w->every > 1 && rule != NULL) {
        TRY(bound_whole(comm, w, rule, &cost->high));
        cost->high -= w->solved->objective;
        cost->bounded = true;
    }
    cost->low = cost->low < 0 ? 0 : cost->low > cost->high ? cost->high : cost->low;
done:
    what_if_restore(w);
    what_if_begin(w);
    return status;
}

static json_t *cost_json(const struct what_if *w, const char *rule, const struct cost *cost)
{
    if (!cost->found) return json_pack("{s:s, s:b, s:n}", "rule", rule, "binds", true, "cost");
    json_t *json =
        json_pack("{s:s, s:b, s:[f, f], s:f, s:f, s:b}", "rule", rule, "binds", cost->low > 0,
                  "cost", (double)cost->low / 1e4, (double)cost->high / 1e4, "objective_without",
                  (double)(w->solved->objective + cost->low) / 1e4, "upper_bound_without",
                  (double)(w->solved->objective + cost->high) / 1e4, "bound_proven", cost->bounded);
    if (w->every > 1 && cost->solved)
        json_object_set_new(json, "std_error", json_real(cost->std_error / 1e4));
    return json;
}

static enum status rules_json(const struct comm *comm, struct what_if *w, json_t *list)
{
    enum status status = OK;
    struct cost cost;
    for (int d = 0; d < w->whole->kinds; d++) {
        const char *rule = w->whole->kind[d].rule;
        if (!is_first(w->whole, d)) continue;
        if (has_price(w, rule)) {
            lift(&w->problem, rule);
            TRY(measure(comm, w, rule, &cost));
        } else {
            cost = (struct cost){.found = true, .bounded = true, .high = gap_of(w)};
        }
        json_array_append_new(list, cost_json(w, rule, &cost));
    }
    for (int c = 0; c < w->whole->caps; c++) {
        const char *rule = w->whole->cap[c].rule;
        lift(&w->problem, rule);
        TRY(measure(comm, w, rule, &cost));
        json_array_append_new(list, cost_json(w, rule, &cost));
    }
done:
    return status;
}

/* ---- what floors forbid ---- */

/* Levels that the table may have anywhere: there may be a limit on their number. */
static uint32_t levels_left(const struct comm *comm, const struct problem *problem)
{
    int64_t rows[CELL_LEVELS] = {0};
    uint32_t left = 0;
    for (int64_t i = 0; i < problem->blocks.rows_local; i++)
        for (int k = 0; k < problem->levels; k++) rows[k] += problem->allowed[i] >> k & 1;
    comm_sum_int64(comm, rows, CELL_LEVELS);
    for (int k = 0; k < problem->levels; k++) left |= (uint32_t)(rows[k] > 0) << k;
    return left;
}

/* Levels that this rule alone forbids. */
static uint32_t forbidden_by(const struct slot_cells *cells, enum cell_rule rule)
{
    uint32_t others = 0;
    for (int r = 0; r < CELL_RULES; r++)
        if (r != (int)rule) others |= cells->forbidden[r];
    return cells->forbidden[rule] & ~others;
}

/* Whether there is any such level. */
static bool allow(const struct comm *comm, struct what_if *w, const struct cell_maker *maker,
                  enum cell_rule rule)
{
    int64_t more = 0;
    struct slot_cells cells;
    uint32_t left = levels_left(comm, w->whole);
    for (int64_t i = 0; i < w->problem.blocks.rows_local; i++) {
        cells_of_slot(maker, w->row[i], &cells);
        uint32_t added = forbidden_by(&cells, rule) & left & ~w->problem.allowed[i];
        more += added != 0;
        w->problem.allowed[i] |= added;
    }
    comm_sum_int64(comm, &more, 1);
    return more > 0;
}

static enum status floors_json(const struct comm *comm, struct what_if *w,
                               const struct cell_maker *maker, json_t *list)
{
    enum status status = OK;
    for (int r = 0; r < CELL_RULES; r++) {
        struct cost cost = {.found = true, .bounded = true, .high = gap_of(w)};
        bool stacked = r == CELL_STACKING || r == CELL_COMBINED;
        if (stacked && !cell_rule_in_force(maker, (enum cell_rule)r)) continue;
        if (allow(comm, w, maker, (enum cell_rule)r)) TRY(measure(comm, w, NULL, &cost));
        json_array_append_new(list, cost_json(w, cell_rule_name((enum cell_rule)r), &cost));
    }
done:
    return status;
}

enum status rule_cost_json(const struct comm *comm, struct what_if *w,
                           const struct cell_maker *maker, json_t **json)
{
    enum status status = OK;
    json_t *list = json_array();
    *json = NULL;
    TRY(rules_json(comm, w, list));
    TRY(floors_json(comm, w, maker, list));
    *json = list;
done:
    what_if_restore(w);
    if (status != OK) json_decref(list);
    return status;
}
