/* `remise why` for people. */
#include "jobs/why_report.h"

#include "io/parse.h"
#include "jobs/page.h"
#include "jobs/problem_json.h"
#include "jobs/user_choice.h"
#include "jobs/user_limits.h"
#include "jobs/user_named.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RULES_SHOWN = 3, NAME_BYTES = WHY_NAME_BYTES };

/* ---- the user ---- */

static void say_segment(struct page *page, const struct why *why)
{
    int shown = 0;
    if (why->segment < 0) return;
    page_fact(page, "segment", "%d", why->segment);
    for (int64_t r = 0; r < why->rules.count && shown < RULES_SHOWN; r++) {
        const struct profile_rule *rule = &why->rules.rule[r];
        if (rule->segment != why->segment || rule->hidden) continue;
        page_fact(page, shown++ == 0 ? "  known by" : "  or by", "%s (true of %.0f %% of it)",
                  dictionary_text(&why->rules.text, r), 100.0 * rule->coverage);
    }
}

static void say_elasticity(struct page *page, const char *label, const char *of, const char *rows,
                           const struct why_elasticity *e)
{
    if (!e->known || !isfinite(e->shrunk)) return;
    if (isfinite(e->estimate))
        page_fact(page, label,
                  "%.2f (sd %.2f), %s: %.2f (standard error %.2f) of %lld %s, shrunk toward %s",
                  e->shrunk, e->shrunk_sd, of, e->estimate, e->std_error, (long long)e->rows, rows,
                  why_shrunk_to(e));
    else
        page_fact(page, label, "%.2f (sd %.2f), that of %s: %s tell nothing", e->shrunk,
                  e->shrunk_sd, why_shrunk_to(e), rows);
}

static void say_user(struct page *page, const struct why *why)
{
    char pseudonym[40];
    user_named_text(why->key, pseudonym);
    page_title(page, "Why user %s has these discounts", pseudonym);
    page_fact(page, "table", "%s", why->published.folder);
    say_segment(page, why);
    say_elasticity(page, "price elasticity", "the user's own", "purchases", &why->own);
    if (!why->has_source)
        page_fact(page, "left out", "segment, elasticities, chances and rules: %s", why->note);
}

static void say_prices(struct page *page, const struct why *why)
{
    const struct problem *problem = &why->rows.problem;
    int64_t at = 0;
    for (int d = 0; d < problem->kinds; at += problem->kind[d++].groups) {
        const struct problem_kind *kind = &problem->kind[d];
        const char *unit = problem->measure[kind->measure].unit_name;
        if (kind->groups > 1) continue;
        double price = problem_shown_price(problem, kind, why->rows.limits.price[at]);
        if (price == 0.0)
            page_fact(page, kind->name, "has no price: it does not bind");
        else
            page_fact(page, kind->name, "price %s for each 1 of %s",
                      page_amount(fabs(price), 4).text, unit);
    }
}

/* The user's own limits: what is used, and what each takes from the rows at the prices. */
static void say_user_limits(struct page *page, const struct why *why)
{
    const struct problem *problem = &why->rows.problem;
    for (int c = 0; c < problem->caps && why->rows.rows > 0; c++) {
        const struct problem_cap *cap = &problem->cap[c];
        const struct problem_kind shown = {.measure = cap->measure};
        int64_t used = user_limits_used(problem, why->rows.level, c, 0);
        wide_int cost = 0;
        if (user_choice_cost(problem, why->rows.limits.price, 0, c, &cost) != OK) continue;
        const char *end =
            reduced_cost_units(cost) > 0
                ? "; without it alone the rows could be worth more, at the prices, by "
                : "; without it alone they could not be worth more";
        page_fact(page, cap->name, "%.6g used of %.6g%s%s", problem_shown(problem, &shown, used),
                  problem_shown(problem, &shown, cap->limit[0]), end,
                  reduced_cost_units(cost) > 0 ? page_exact(reduced_cost_units(cost), 4).text : "");
    }
}

/* ---- a row ---- */

struct heads {
    char name[KNAPSACK_KINDS][NAME_BYTES];
    const char *list[KNAPSACK_KINDS + 10];
    int count;
};

static void set_heads(const struct why *why, struct heads *heads)
{
    const struct problem *problem = &why->rows.problem;
    static const char *const before[] = {"<discount", "<allowed"};
    static const char *const known[] = {"price", "chance", "from", "to"};
    heads->count = 0;
    for (int h = 0; h < 2; h++) heads->list[heads->count++] = before[h];
    for (int h = 0; why->has_source && h < 4; h++) heads->list[heads->count++] = known[h];
    heads->list[heads->count++] = "worth";
    for (int m = 0; m < problem->measures; m++) {
        snprintf(heads->name[m], NAME_BYTES, "%s", why_measure_shown(&problem->measure[m]).name);
        heads->list[heads->count++] = heads->name[m];
    }
    heads->list[heads->count++] = "at prices";
    heads->list[heads->count++] = "behind";
    heads->list[heads->count] = NULL;
}

static void put_known(struct page *page, const struct why *why, const struct slot_cells *cells,
                      int64_t slot, int level)
{
    double low = 0.0, high = 0.0;
    curves_interval(&why->curves, slot, cells->combined[level], 0.01 * WHY_COVERAGE_PERCENT, &low,
                    &high);
    page_cell(page, "%s", page_exact(cells->price_cents[level], 2).text);
    page_cell(page, "%.4f", cells->chance[level]);
    page_cell(page, "%s", why->curves.a_sd != NULL ? page_amount(low, 4).text : "");
    page_cell(page, "%s", why->curves.a_sd != NULL ? page_amount(high, 4).text : "");
}

/* A use in the measure's own unit, all digits. */
static void put_use(struct page *page, const struct problem_measure *measure, int64_t use)
{
    struct why_measure shown = why_measure_shown(measure);
    page_cell(page, "%s", page_exact(shown.sign * use, shown.decimals).text);
}

static void put_level(struct page *page, const struct why *why, int64_t row, int level,
                      const struct slot_cells *cells, int best)
{
    const struct problem *problem = &why->rows.problem;
    struct knapsack_cells all;
    struct reduced_cost at_prices, behind;
    char name[16];
    int64_t cell = row * problem->levels + level;
    const char *rule = why_forbidden_by(why, row, level);
    bool allowed = (problem->allowed[row] >> level & 1) != 0;
    problem_cells(problem, &all);
    reduced_cost_between(&all, why->rows.limits.price, row, level, -1, &at_prices);
    reduced_cost_between(&all, why->rows.limits.price, row, best, level, &behind);
    verdict_level(problem, level, name);
    page_cell(page, "%s%s", name, why->rows.level[row] == level ? " *" : "");
    page_cell(page, "%s", allowed ? "yes" : rule != NULL ? rule : "no");
    if (why->has_source) put_known(page, why, cells, why_slot(why, row), level);
    page_cell(page, "%s", page_exact(problem->value[cell], 4).text);
    for (int m = 0; m < problem->measures; m++)
        put_use(page, &problem->measure[m], problem->measure[m].use[cell]);
    page_cell(page, "%s", page_exact(reduced_cost_units(at_prices.total), 4).text);
    page_cell(page, "%s", page_exact(reduced_cost_units(behind.total), 4).text);
}

static void put_levels(struct page *page, const struct why *why, int64_t row)
{
    struct heads heads;
    struct slot_cells cells = {0};
    struct knapsack_cells all;
    problem_cells(&why->rows.problem, &all);
    int best = reduced_cost_best(&all, why->rows.limits.price, row, -1);
    if (why->has_source) cells_of_slot(&why->source.maker, why_slot(why, row), &cells);
    set_heads(why, &heads);
    page_begin_table(page, heads.list);
    for (int k = 0; k < why->rows.problem.levels; k++) put_level(page, why, row, k, &cells, best);
    page_end_table(page);
}

static void say_promotion(struct page *page, const struct why *why, int64_t row)
{
    static const char *const stacked[] = {[STACKING_ADD] = "levels are added to it",
                                          [STACKING_MULTIPLY] = "levels are off its price",
                                          [STACKING_BEST] = "the larger of both counts"};
    const struct promotion *running = why_promotion(why, row);
    char until[TIME_TEXT_BYTES + 1] = "further notice";
    if (running == NULL) return;
    if (running->end != INT64_MAX) format_time(running->end - 1, until);
    page_fact(page, "promotion", "%s, %.6g %% off %s, until %s; %s (allocate.stacking)",
              promotion_kind_name((enum promotion_kind)running->kind), 100.0 * running->discount,
              running->product >= 0 ? "the product" : "its category", until,
              stacked[why->source.maker.stacking]);
}

/* Why a floor may forbid what the prices of the first day would let. */
static void say_coming(struct page *page, const struct why *why, int64_t row)
{
    const struct promotion *coming = why_coming(why, row);
    char from[TIME_TEXT_BYTES + 1];
    if (coming == NULL) return;
    format_time(coming->start, from);
    page_fact(page, "and to come",
              "%s, %.6g %% off %s, from %s: floors and combined_most hold "
              "beside it too",
              promotion_kind_name((enum promotion_kind)coming->kind), 100.0 * coming->discount,
              coming->product >= 0 ? "the product" : "its category", from);
}

static void put_row(struct page *page, const struct why *why, int64_t row)
{
    struct verdict verdict;
    char sentence[WHY_SENTENCE_BYTES], level[16];
    const struct published_rows *rows = &why->rows;
    why_judge(why, row, &verdict, sentence);
    verdict_level(&rows->problem, rows->level[row], level);
    page_heading(page, "%.*s: %s (%.*s)", why_product_bytes(why, row), why_product(why, row), level,
                 (int)strnlen(rows->reason + row * rows->reason_bytes, (size_t)rows->reason_bytes),
                 rows->reason + row * rows->reason_bytes);
    page_say(page, 2, "%s.", sentence);
    say_promotion(page, why, row);
    say_coming(page, why, row);
    put_levels(page, why, row);
    if (!why->has_source) return;
    struct why_elasticity product = why_product_elasticity(why, row);
    say_elasticity(page, "elasticity of it", "its own", "weeks", &product);
}

static void say_how_to_read(struct page *page, const struct why *why)
{
    page_heading(page, "How to read it");
    page_say(page, 2,
             "* is the level chosen. \"worth\" is what a level adds to the objective, \"at "
             "prices\" what is left of it when all it uses is paid at the limits' prices; "
             "\"behind\" is how far that is below the best allowed level: the reduced "
             "cost, exact to the last digit.");
    if (why->has_source && why->curves.a_sd != NULL)
        page_say(page, 2, "\"from\" and \"to\" hold the true chance of buying in %d %% of cases.",
                 WHY_COVERAGE_PERCENT);
}

enum status why_print_text(const struct why *why, const char *product, FILE *file)
{
    enum status status = OK;
    struct page *page = NULL;
    char *text = NULL;
    int64_t bytes = 0;
    TRY(page_new(&page));
    say_user(page, why);
    say_prices(page, why);
    say_user_limits(page, why);
    for (int64_t r = 0; r < why->rows.rows; r++)
        if (why_asks(why, product, r)) put_row(page, why, r);
    say_how_to_read(page, why);
    TRY(page_take(&page, &text, &bytes));
    if (fwrite(text, 1, (size_t)bytes, file) != (size_t)bytes || fflush(file) != 0)
        status = FAIL(ERR_WRITE, "cannot write to stdout: %m");
done:
    page_free(&page);
    free(text);
    return status;
}
