/* `remise why` for machines, and what both forms ask. */
#include "jobs/why_report.h"

#include "io/parse.h"
#include "jobs/manifest.h"
#include "jobs/problem_json.h"
#include "jobs/user_choice.h"
#include "jobs/user_limits.h"
#include "jobs/user_named.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- questions of both forms ---- */

bool why_asks(const struct why *why, const char *product, int64_t row)
{
    size_t bytes = (size_t)why_product_bytes(why, row);
    return product == NULL ||
           (strlen(product) == bytes && memcmp(product, why_product(why, row), bytes) == 0);
}

const char *why_forbidden_by(const struct why *why, int64_t row, int level)
{
    static const char *const rules[] = {[CELL_MARGIN_FLOOR] = "margin floor",
                                        [CELL_PRICE_FLOOR] = "price floor",
                                        [CELL_REFERENCE] = "reference price",
                                        [CELL_STACKING] = "stacking: best",
                                        [CELL_COMBINED] = "combined_most"};
    _Static_assert(sizeof rules / sizeof *rules == CELL_RULES, "every rule has a name");
    struct slot_cells cells;
    if (!why->has_source) return NULL;
    cells_of_slot(&why->source.maker, why_slot(why, row), &cells);
    for (int r = 0; r < CELL_RULES; r++)
        if ((cells.forbidden[r] >> level & 1) != 0) return rules[r];
    return (why->rows.problem.allowed[row] >> level & 1) == 0 ? "levels_most" : NULL;
}

struct why_measure why_measure_shown(const struct problem_measure *measure)
{
    struct why_measure shown = {.sign = 1};
    const char *name = measure->name;
    if (measure->unit < 1.0) shown.decimals = (int)lround(-log10(measure->unit));
    size_t bytes = strlen(name);
    if (*name == '-') {
        shown.sign = -1;
        bool closed = name[1] == '(' && name[bytes - 1] == ')';
        name += closed ? 2 : 1;
        bytes -= closed ? 3 : 1;
    }
    snprintf(shown.name, sizeof shown.name, "%.*s", (int)bytes, name);
    return shown;
}

bool why_explored(const struct why *why, int64_t row)
{
    static const char word[] = "explored";
    return strncmp(why->rows.reason + row * why->rows.reason_bytes, word,
                   (size_t)why->rows.reason_bytes) == 0;
}

/* Which rule forbids the level that would add, behind the sentence. */
static void say_rule(const struct why *why, int64_t row, const struct verdict *verdict, char *text)
{
    size_t used = strlen(text);
    if (verdict->end != VERDICT_FORBIDDEN) return;
    const char *rule = why_forbidden_by(why, row, verdict->wanted);
    if (rule != NULL) snprintf(text + used, WHY_SENTENCE_BYTES - used, ": %s", rule);
}

void why_judge(const struct why *why, int64_t row, struct verdict *verdict, char *text)
{
    const struct published_rows *rows = &why->rows;
    char chosen[16], rival[16] = "no other";
    verdict_find(&rows->problem, rows->limits.price, row, rows->level[row], rows->level, verdict);
    if (!why_explored(why, row)) {
        verdict->weighed = verdict_weigh(&rows->problem, rows->limits.price, row, verdict) == OK &&
                           verdict->weighed; /* without memory the sentence does without */
        verdict_sentence(&rows->problem, rows->limits.price, row, rows->level[row], verdict, true,
                         text, WHY_SENTENCE_BYTES);
        say_rule(why, row, verdict, text);
        return;
    }
    verdict_level(&rows->problem, rows->level[row], chosen);
    if (verdict->rival >= 0) verdict_level(&rows->problem, verdict->rival, rival);
    snprintf(text, WHY_SENTENCE_BYTES,
             "%s was drawn by chance, with probability %.6g, to learn what it brings; of the "
             "others %s is best at the prices",
             chosen, rows->propensity[row], rival);
}

/* ---- JSON ---- */

static json_t *exact(wide_int worth)
{
    char text[REDUCED_COST_TEXT_BYTES];
    reduced_cost_text(worth, text);
    return json_string(text);
}

static json_t *money(int64_t units)
{
    return json_real((double)units / 1e4);
}

static json_t *uses_json(const struct problem *problem, int64_t cell, bool units)
{
    json_t *uses = json_object();
    for (int m = 0; m < problem->measures; m++) {
        const struct problem_measure *measure = &problem->measure[m];
        struct why_measure shown = why_measure_shown(measure);
        int64_t use = shown.sign * measure->use[cell];
        json_object_set_new(uses, shown.name,
                            units ? json_integer(use)
                                  : json_real((double)use / pow(10.0, shown.decimals)));
    }
    return uses;
}

static void add_known(const struct why *why, int64_t row, int level, json_t *out)
{
    struct slot_cells cells;
    double low = 0.0, high = 0.0;
    int64_t slot = why_slot(why, row);
    const char *rule = why_forbidden_by(why, row, level);
    cells_of_slot(&why->source.maker, slot, &cells);
    json_object_set_new(out, "price", json_real((double)cells.price_cents[level] / 1e2));
    json_object_set_new(out, "off_list_price", manifest_number(cells.combined[level]));
    json_object_set_new(out, "chance", manifest_number(cells.chance[level]));
    if (why->curves.a_sd != NULL) {
        curves_interval(&why->curves, slot, cells.combined[level], 0.01 * WHY_COVERAGE_PERCENT,
                        &low, &high);
        json_object_set_new(out, "chance_interval",
                            json_pack("[o, o]", manifest_number(low), manifest_number(high)));
    }
    json_object_set_new(out, "profit", money(cells.profit[level]));
    json_object_set_new(out, "revenue", money(cells.revenue[level]));
    if (rule != NULL) json_object_set_new(out, "forbidden_by", json_string(rule));
}

static json_t *level_json(const struct why *why, int64_t row, int level, int best)
{
    const struct problem *problem = &why->rows.problem;
    const int64_t *price = why->rows.limits.price;
    int64_t cell = row * problem->levels + level;
    struct knapsack_cells cells;
    struct reduced_cost at_prices, behind;
    problem_cells(problem, &cells);
    reduced_cost_between(&cells, price, row, level, -1, &at_prices);
    reduced_cost_between(&cells, price, row, best, level, &behind);
    json_t *out =
        json_pack("{s:f, s:b, s:o, s:o, s:o, s:o, s:o}", "discount", problem->level[level],
                  "allowed", (int)(problem->allowed[row] >> level & 1), "worth",
                  money(problem->value[cell]), "uses", uses_json(problem, cell, false),
                  "worth_at_prices", money(reduced_cost_units(at_prices.total)), "reduced_cost",
                  money(reduced_cost_units(behind.total)), "exact",
                  json_pack("{s:I, s:o, s:o, s:o}", "worth", (json_int_t)problem->value[cell],
                            "uses", uses_json(problem, cell, true), "worth_at_prices",
                            exact(at_prices.total), "reduced_cost", exact(behind.total)));
    if (why->has_source) add_known(why, row, level, out);
    return out;
}

static json_t *elasticity_json(const struct why_elasticity *e)
{
    if (!e->known) return json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:s}", "estimate", manifest_number(e->estimate),
                     "std_error", manifest_number(e->std_error), "shrunk",
                     manifest_number(e->shrunk), "shrunk_sd", manifest_number(e->shrunk_sd), "rows",
                     (json_int_t)e->rows, "shrunk_to", why_shrunk_to(e));
}

static const char *end_name(enum verdict_end end)
{
    static const char *const names[] = {"gain",  "no_gain",    "forbidden",
                                        "limit", "user_limit", "moved"};
    return names[end];
}

static json_t *discount_or_null(const struct problem *problem, int level)
{
    return level >= 0 ? json_real(problem->level[level]) : json_null();
}

static json_t *time_json(int64_t time)
{
    char text[TIME_TEXT_BYTES + 1];
    if (time == INT64_MIN || time == INT64_MAX - 1) return json_null();
    format_time(time, text);
    return json_string(text);
}

/* What runs beside the discount, or will, null where nothing does. */
static json_t *promotion_json(const struct promotion *promotion)
{
    if (promotion == NULL) return json_null();
    return json_pack("{s:s, s:s, s:f, s:o, s:o}", "kind",
                     promotion_kind_name((enum promotion_kind)promotion->kind), "of",
                     promotion->product >= 0 ? "product" : "category", "discount",
                     promotion->discount, "from", time_json(promotion->start), "until",
                     time_json(promotion->end - 1));
}

static json_t *row_json(const struct why *why, int64_t row)
{
    const struct published_rows *rows = &why->rows;
    const struct problem *problem = &rows->problem;
    struct verdict verdict;
    struct knapsack_cells cells;
    char sentence[WHY_SENTENCE_BYTES];
    json_t *levels = json_array();
    why_judge(why, row, &verdict, sentence);
    problem_cells(problem, &cells);
    int best = reduced_cost_best(&cells, rows->limits.price, row, -1);
    for (int k = 0; k < problem->levels; k++)
        json_array_append_new(levels, level_json(why, row, k, best));
    json_t *out = json_pack(
        "{s:s%, s:I, s:f, s:f, s:s%, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "product_id",
        why_product(why, row), (size_t)why_product_bytes(why, row), "row",
        (json_int_t)(why->first + row), "discount", problem->level[rows->level[row]], "propensity",
        rows->propensity[row], "reason", rows->reason + row * rows->reason_bytes,
        strnlen(rows->reason + row * rows->reason_bytes, (size_t)rows->reason_bytes), "verdict",
        why_explored(why, row) ? "explored" : end_name(verdict.end), "sentence", sentence,
        "runner_up", discount_or_null(problem, verdict.rival), "wanted",
        discount_or_null(problem, verdict.wanted), "beats_runner_up_by",
        money(reduced_cost_units(verdict.cost.total)), "beats_runner_up_by_exact",
        exact(verdict.cost.total), "levels", levels);
    if (out != NULL && why->has_source) {
        struct why_elasticity product = why_product_elasticity(why, row);
        json_object_set_new(out, "elasticity", elasticity_json(&product));
        json_object_set_new(out, "promotion", promotion_json(why_promotion(why, row)));
        json_object_set_new(out, "promotion_to_come", promotion_json(why_coming(why, row)));
    }
    return out;
}

static json_t *segment_json(const struct why *why)
{
    json_t *rules = json_array();
    for (int64_t r = 0; r < why->rules.count; r++) {
        const struct profile_rule *rule = &why->rules.rule[r];
        if (rule->segment != why->segment || rule->hidden) continue;
        json_array_append_new(rules, json_pack("{s:s, s:f, s:f}", "text",
                                               dictionary_text(&why->rules.text, r), "coverage",
                                               rule->coverage, "purity", rule->purity));
    }
    return json_pack("{s:i, s:o}", "segment", (int)why->segment, "rules", rules);
}

static bool is_met(const struct why *why, const struct problem_kind *kind, int64_t group)
{
    bool met = kind->group == NULL;
    for (int64_t r = 0; r < why->rows.rows && !met; r++) met = kind->group[r] == group;
    return met;
}

static json_t *limit_json(const struct problem *problem, const struct problem_kind *kind,
                          int64_t group, int64_t price)
{
    const struct problem_measure *measure = &problem->measure[kind->measure];
    json_t *out = json_pack("{s:s, s:s, s:b, s:f, s:I, s:s}", "name", kind->name, "measure",
                            why_measure_shown(measure).name, "at_least", (int)kind->at_least,
                            "price", problem_shown_price(problem, kind, price), "price_2e30",
                            (json_int_t)price, "unit", measure->unit_name);
    if (kind->group != NULL)
        json_object_set_new(out, "group", json_string(dictionary_text(&kind->names, group)));
    return out;
}

/* Of kinds with groups the rows' own limits. */
static json_t *prices_json(const struct why *why)
{
    const struct problem *problem = &why->rows.problem;
    json_t *list = json_array();
    int64_t first = 0;
    for (int d = 0; d < problem->kinds; first += problem->kind[d++].groups)
        for (int64_t g = 0; g < problem->kind[d].groups; g++)
            if (is_met(why, &problem->kind[d], g))
                json_array_append_new(list, limit_json(problem, &problem->kind[d], g,
                                                       why->rows.limits.price[first + g]));
    return list;
}

/* The user's own: used, and by how much each lowers what the rows can be worth at the prices. */
static json_t *user_limits_list(const struct why *why)
{
    const struct problem *problem = &why->rows.problem;
    json_t *list = json_array();
    for (int c = 0; c < problem->caps && why->rows.rows > 0; c++) {
        const struct problem_cap *cap = &problem->cap[c];
        const struct problem_kind shown = {.measure = cap->measure};
        int64_t used = user_limits_used(problem, why->rows.level, c, 0);
        wide_int cost = 0;
        if (user_choice_cost(problem, why->rows.limits.price, 0, c, &cost) != OK) continue;
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:f, s:f, s:s, s:o, s:o}", "name", cap->name, "rule",
                            cap->rule, "limit", problem_shown(problem, &shown, cap->limit[0]),
                            "used", problem_shown(problem, &shown, used), "unit",
                            problem->measure[cap->measure].unit_name, "costs",
                            money(reduced_cost_units(cost)), "costs_exact", exact(cost)));
    }
    return list;
}

enum status why_print_json(const struct why *why, const char *product, FILE *file)
{
    char pseudonym[40];
    json_t *rows = json_array();
    user_named_text(why->key, pseudonym);
    for (int64_t r = 0; r < why->rows.rows; r++)
        if (why_asks(why, product, r)) json_array_append_new(rows, row_json(why, r));
    json_t *out = json_pack("{s:s, s:s, s:o, s:o}", "user", pseudonym, "table",
                            why->published.folder, "limits", prices_json(why), "rows", rows);
    if (out == NULL) return FAIL(ERR_MEMORY, "no memory for the answer");
    if (why->rows.problem.caps > 0) json_object_set_new(out, "user_limits", user_limits_list(why));
    if (why->has_source) {
        json_object_set_new(out, "segment", segment_json(why));
        json_object_set_new(out, "elasticity", elasticity_json(&why->own));
    } else {
        json_object_set_new(out, "left_out", json_string(why->note));
    }
    bool good = json_dumpf(out, file, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) == 0 &&
                fputc('\n', file) != EOF && fflush(file) == 0;
    json_decref(out);
    return good ? OK : FAIL(ERR_WRITE, "cannot write to stdout: %m");
}
