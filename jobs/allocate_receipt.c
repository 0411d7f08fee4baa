/* The receipt's parts, and the sums behind them. */
#include "jobs/allocate_receipt.h"

#include "jobs/breakdown.h"
#include "jobs/cell_rules.h"
#include "jobs/curse.h"
#include "jobs/inputs.h"
#include "jobs/labels.h"
#include "jobs/outlook.h"
#include "jobs/problem_json.h"
#include "jobs/rounding.h"
#include "jobs/user_limits.h"
#include <math.h>
#include <stdlib.h>

/* Totals over all ranks, in 1/10,000 of the currency; chances in millionths. */
enum {
    TOTAL_REVENUE,
    TOTAL_PROFIT,
    TOTAL_SURPLUS,
    TOTAL_LIFETIME,
    TOTAL_PURCHASES,
    TAKEN_REVENUE,
    TAKEN_PROFIT,
    TAKEN_PURCHASES,
    TOTALS
};

/* Rows beside a promotion that runs, by its kind; of these, those that have a discount; and rows
 * whose price changes while the table holds, as a promotion ends or a larger one begins. */
enum { PROMOTED_DISCOUNT = PROMOTION_KINDS, PROMOTED_CHANGE, PROMOTED };

/* All int64_t, so that it is added up over the ranks as one array. */
struct outcome {
    int64_t none[TOTALS];                          /* without any discount */
    int64_t chosen[TOTALS];                        /* as chosen */
    int64_t rows[CELL_LEVELS], spend[CELL_LEVELS]; /* rows of the table, and cost, by level */
    int64_t forbidden[CELL_RULES];                 /* levels of candidates, by what forbids them */
    int64_t promoted[PROMOTED], promoted_users[PROMOTED]; /* rows, and users of them */
};

static void add_level(const struct slot_cells *cells, int k, int64_t *totals)
{
    totals[TOTAL_REVENUE] += cells->revenue[k];
    totals[TOTAL_PROFIT] += cells->profit[k];
    totals[TOTAL_SURPLUS] += cells->surplus[k];
    totals[TOTAL_LIFETIME] += cells->lifetime[k];
    totals[TOTAL_PURCHASES] += rounded(1e6 * cells->chance[k]);
    totals[TAKEN_REVENUE] += cells->taken_revenue[k];
    totals[TAKEN_PROFIT] += cells->taken_profit[k];
    totals[TAKEN_PURCHASES] += rounded(1e6 * cells->taken[k]);
}

/* last: [PROMOTED] the user counted last; slots come in the order of users */
static void count_promotion(const struct cell_maker *maker, const struct slot_cells *cells, int k,
                            int64_t user, int64_t *last, struct outcome *outcome)
{
    bool now = cells->promotion >= 0, is[PROMOTED] = {false};
    if (now) is[maker->running->promotion[cells->promotion].kind] = true;
    is[PROMOTED_DISCOUNT] = now && k > 0;
    is[PROMOTED_CHANGE] = !running_lasts(maker->running, user, cells->product);
    for (int g = 0; g < PROMOTED; g++) {
        if (!is[g]) continue;
        outcome->promoted[g]++;
        outcome->promoted_users[g] += user != last[g];
        last[g] = user;
    }
}

static void add_up(const struct comm *comm, const struct allocated *a, const uint8_t *level,
                   struct outcome *outcome)
{
    struct slot_cells cells;
    int64_t last[PROMOTED];
    *outcome = (struct outcome){0};
    for (int g = 0; g < PROMOTED; g++) last[g] = -1;
    for (int64_t i = 0; i < a->problem->blocks.rows_local; i++) {
        cells_of_slot(a->maker, i, &cells);
        if (cells.product < 0) continue;
        add_level(&cells, 0, outcome->none);
        add_level(&cells, level[i], outcome->chosen);
        outcome->rows[level[i]]++;
        outcome->spend[level[i]] += cells.cost[level[i]];
        cell_rules_count(&cells, outcome->forbidden);
        count_promotion(a->maker, &cells, level[i], i / a->maker->candidates->slots, last, outcome);
    }
    comm_sum_int64(comm, (int64_t *)outcome, sizeof *outcome / sizeof(int64_t));
}

/* ---- the receipt ---- */

static json_t *money(int64_t units)
{
    return json_real((double)units / 1e4);
}

/* lifetime: whether there is a value of it */
static json_t *totals_json(const int64_t *totals, bool lifetime)
{
    return json_pack("{s:o, s:o, s:o, s:f, s:o}", "revenue", money(totals[TOTAL_REVENUE]), "profit",
                     money(totals[TOTAL_PROFIT]), "surplus", money(totals[TOTAL_SURPLUS]),
                     "purchases", (double)totals[TOTAL_PURCHASES] / 1e6, "lifetime",
                     lifetime ? money(totals[TOTAL_LIFETIME]) : json_null());
}

/* What the chosen discounts take from the users' other candidates: `expected` is without it. */
static json_t *taken_json(const int64_t *totals)
{
    return json_pack("{s:o, s:o, s:f}", "revenue", money(totals[TAKEN_REVENUE]), "profit",
                     money(totals[TAKEN_PROFIT]), "purchases",
                     (double)totals[TAKEN_PURCHASES] / 1e6);
}

static void add_levels(json_t *receipt, const struct problem *problem,
                       const struct outcome *outcome)
{
    json_t *levels = json_array(), *rows = json_array(), *spend = json_array();
    for (int k = 0; k < problem->levels; k++) {
        json_array_append_new(levels, json_real(problem->level[k]));
        json_array_append_new(rows, json_integer(outcome->rows[k]));
        json_array_append_new(spend, money(outcome->spend[k]));
    }
    json_object_set_new(receipt, "levels", levels);
    json_object_set_new(receipt, "level_rows", rows);
    json_object_set_new(receipt, "level_spend", spend);
}

static void add_basis(json_t *receipt, const struct allocated *a)
{
    const struct config *config = a->run->config;
    const struct cell_maker *maker = a->maker;
    if (maker->labels != NULL)
        json_object_set_new(
            receipt, "labels",
            labels_json(maker->labels, config_integer(config, "privacy.min_users")));
    json_object_set_new(receipt, "weights",
                        json_pack("{s:f, s:f, s:f, s:f, s:f}", "profit", maker->weight_profit,
                                  "revenue", maker->weight_revenue, "surplus",
                                  maker->weight_surplus, "purchases", maker->weight_purchases,
                                  "lifetime", maker->weight_lifetime));
    json_object_set_new(receipt, "margin_floor", json_real(maker->floor));
    json_object_set_new(receipt, "cost_basis",
                        json_string(a->dataset->assumed_cost ? "assumed_margin" : "unit_cost"));
    if (a->dataset->assumed_cost)
        json_object_set_new(receipt, "assumed_margin",
                            json_real(config_number(config, "products.assumed_margin")));
    json_object_set_new(receipt, "response",
                        json_string(maker->curves->observational ? "observational" : "offers"));
}

/* Rows of a kind of promotion, null where they are of fewer than min_users users. */
static json_t *promoted_json(const struct outcome *outcome, int g, int64_t min_users)
{
    return outcome->promoted_users[g] < min_users ? json_null()
                                                  : json_integer(outcome->promoted[g]);
}

static void add_promotions(json_t *receipt, const struct allocated *a,
                           const struct outcome *outcome)
{
    static const char *const names[] = {
        [STACKING_ADD] = "add", [STACKING_MULTIPLY] = "multiply", [STACKING_BEST] = "best"};
    const struct cell_maker *maker = a->maker;
    if (a->dataset->promotions.count == 0) return;
    int64_t min_users = config_integer(a->run->config, "privacy.min_users");
    json_t *rows = json_object();
    for (int k = 0; k < PROMOTION_KINDS; k++)
        json_object_set_new(rows, promotion_kind_name((enum promotion_kind)k),
                            promoted_json(outcome, k, min_users));
    json_object_set_new(
        receipt, "promotions",
        json_pack(
            "{s:I, s:I, s:s, s:o, s:o, s:o, s:o}", "listed",
            (json_int_t)a->dataset->promotions.count, "running", (json_int_t)maker->running->count,
            "stacking", names[maker->stacking], "combined_most",
            isnan(maker->combined_most) ? json_null() : json_real(maker->combined_most), "rows",
            rows, "rows_with_discount", promoted_json(outcome, PROMOTED_DISCOUNT, min_users),
            "rows_price_changes", promoted_json(outcome, PROMOTED_CHANGE, min_users)));
}

static int64_t rows_of(const struct outcome *outcome)
{
    int64_t rows = 0;
    for (int k = 0; k < CELL_LEVELS; k++) rows += outcome->rows[k];
    return rows;
}

static void add_constraints(json_t *receipt, const struct allocated *a,
                            const struct choices *choices, const struct outcome *outcome,
                            const bool *hidden)
{
    json_t *list = json_array();
    problem_limits_json(a->problem, choices, hidden, list);
    cell_rules_json(a->maker, outcome->forbidden, list);
    json_object_set_new(receipt, "constraints", list);
    json_object_set_new(
        receipt, "next_unit_of_budget_brings",
        json_real(problem_shown_price(a->problem, &a->problem->kind[0], choices->price[0])));
}

static json_t *receipt_json(const struct allocated *a, const struct choices *choices,
                            const struct outcome *outcome, const bool *hidden)
{
    const struct solution *s = a->solution;
    json_t *receipt = json_pack(
        "{s:o, s:o, s:f, s:f, s:o, s:I, s:I, s:I}", "objective", money(choices->objective),
        "upper_bound", money(choices->upper_bound), "gap", s->gap, "gap_of_gain", s->gap_gain,
        "objective_without_discounts", money(s->base_value), "rows", (json_int_t)rows_of(outcome),
        "iterations", (json_int_t)s->iterations, "passes", (json_int_t)s->passes);
    bool lifetime = a->maker->lifetime != NULL;
    if (receipt == NULL) return NULL;
    add_constraints(receipt, a, choices, outcome, hidden);
    add_levels(receipt, a->problem, outcome);
    add_basis(receipt, a);
    add_promotions(receipt, a, outcome);
    json_object_set_new(receipt, "expected_without_discounts",
                        totals_json(outcome->none, lifetime));
    json_object_set_new(receipt, "expected", totals_json(outcome->chosen, lifetime));
    if (a->explore->share > 0.0)
        json_object_set_new(receipt, "exploration", explore_json(a->explore));
    policy_json(a->policy, choices, receipt);
    if (a->maker->demand != NULL)
        json_object_set_new(receipt, "taken_from_neighbours", taken_json(outcome->chosen));
    return receipt;
}

static enum status add_curse(const struct comm *comm, const struct allocated *a,
                             const struct choices *choices, const struct outcome *outcome,
                             json_t *receipt)
{
    json_t *json = NULL;
    struct curse_table table = {a->run, &a->dataset->users.blocks, a->maker, choices->level, {0}};
    int64_t spent = 0;
    for (int k = 0; k < CELL_LEVELS; k++) spent += outcome->spend[k];
    table.promised[CURSE_PROFIT] = (double)outcome->chosen[TOTAL_PROFIT] / 1e4;
    table.promised[CURSE_GAIN] =
        (double)(outcome->chosen[TOTAL_PROFIT] - outcome->none[TOTAL_PROFIT]) / 1e4;
    table.promised[CURSE_PURCHASES] = (double)outcome->chosen[TOTAL_PURCHASES] / 1e6;
    table.promised[CURSE_COST] = (double)spent / 1e4;
    enum status status = curse_json(comm, &table, &json);
    if (status == OK) json_object_set_new(receipt, "curse", json);
    return status;
}

static enum status write_text(json_t *receipt, json_t *parts, char **text)
{
    if (receipt != NULL) json_object_set(receipt, "groups", parts);
    *text = receipt != NULL ? json_dumps(receipt, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    return *text != NULL ? OK : FAIL(ERR_MEMORY, "no memory for the receipt");
}

enum status allocate_receipt(const struct comm *comm, const struct allocated *allocated,
                             struct choices *choices)
{
    enum status status = OK;
    const struct allocated *a = allocated;
    struct outcome outcome;
    bool *hidden = NULL;
    json_t *receipt = NULL, *parts = NULL, *caps = NULL;
    int64_t min_users = config_integer(a->run->config, "privacy.min_users");
    add_up(comm, a, choices->level, &outcome);
    TRY(breakdown_hidden(comm, a->problem, choices->slots, min_users, &hidden));
    TRY(breakdown_json(comm, a->run, a->dataset, a->maker->candidates, a->problem, choices->level,
                       &parts));
    receipt = receipt_json(a, choices, &outcome, hidden);
    TRY(inputs_add(comm, a->run->config, a->dataset, receipt));
    TRY(user_limits_json(comm, a->problem, choices->price, choices->level, &caps));
    if (caps != NULL) json_object_set_new(receipt, "user_limits", caps);
    TRY(add_curse(comm, a, choices, &outcome, receipt));
    TRY(outlook_add(comm, a, choices, receipt));
    TRY_ALL(comm, write_text(receipt, parts, &choices->receipt));
done:
    json_decref(receipt);
    json_decref(parts);
    free(hidden);
    return status;
}
