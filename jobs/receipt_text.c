/* The receipt in words. */
#include "jobs/receipt_text.h"

#include "io/file.h"
#include "jobs/page_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Standard errors to either side that hold 95 of 100. */
#define DEVIATIONS 1.96

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static bool is_direct(const json_t *receipt)
{
    return json_object_get(receipt, "labels") != NULL;
}

/* ---- what was asked ---- */

static void say_goal(struct page *page, const json_t *receipt)
{
    char goal[256] = "";
    const char *key = NULL;
    json_t *weight = NULL;
    size_t used = 0;
    json_object_foreach(json_object_get(receipt, "weights"), key, weight)
    {
        double w = json_number_value(weight);
        if (w == 0.0 || used >= sizeof goal) continue;
        const char *plus = used > 0 ? " + " : "";
        used += (size_t)(w == 1.0 ? snprintf(goal + used, sizeof goal - used, "%s%s", plus, key)
                                  : snprintf(goal + used, sizeof goal - used, "%s%g x %s", plus, w,
                                             key));
    }
    if (is_direct(receipt))
        page_fact(page, "to be", "%s", "as near as possible to the discounts that labels foretell");
    else if (used > 0)
        page_fact(page, "to be greatest", "expected %s", goal);
}

static void say_levels(struct page *page, const json_t *receipt)
{
    char list[512] = "";
    size_t used = 0, i = 0;
    json_t *level = NULL;
    json_array_foreach(json_object_get(receipt, "levels"), i, level)
    {
        if (used >= sizeof list) break;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "",
                                 page_percent(json_number_value(level)).text);
    }
    if (used > 0) page_fact(page, "discounts to choose from", "%s", list);
}

static void say_basis(struct page *page, const json_t *receipt)
{
    const char *cost = text_of(receipt, "cost_basis"), *response = text_of(receipt, "response");
    if (strcmp(cost, "assumed_margin") == 0)
        page_fact(page, "unit costs", "where the shop names none, from an assumed margin of %s",
                  page_percent(page_json_number(receipt, "assumed_margin")).text);
    else if (*cost != 0)
        page_fact(page, "unit costs", "the shop's own");
    if (strcmp(response, "observational") == 0)
        page_fact(page, "response to discounts",
                  "learned from purchases at the prices then seen, without past offers: not proof "
                  "of what a discount causes");
    else if (*response != 0)
        page_fact(page, "response to discounts", "learned from past offers and what came of them");
}

static void say_promotions(struct page *page, const json_t *receipt)
{
    const json_t *promotions = json_object_get(receipt, "promotions");
    if (promotions == NULL) return;
    page_fact(page, "promotions",
              "%s of the shop's %s run when the table begins to hold; discounts beside them by "
              "allocate.stacking: %s",
              page_amount(page_json_number(promotions, "running"), 0).text,
              page_amount(page_json_number(promotions, "listed"), 0).text,
              text_of(promotions, "stacking"));
    double changing = page_json_number(promotions, "rows_price_changes");
    if (changing > 0.0)
        page_fact(page, "prices",
                  "those of the first day; of %s rows they change later, as a promotion ends or a "
                  "larger one begins",
                  page_amount(changing, 0).text);
}

static void put_asked(struct page *page, const json_t *receipt)
{
    page_heading(page, "WHAT WAS ASKED");
    page_fact(page, "to choose", "one discount for each of %s rows (a user and a product)",
              page_amount(page_json_number(receipt, "rows"), 0).text);
    say_goal(page, receipt);
    say_levels(page, receipt);
    double floor = page_json_number(receipt, "margin_floor");
    if (isfinite(floor))
        page_fact(page, "margin floor", "%s of the discounted price at least",
                  page_percent(floor).text);
    say_promotions(page, receipt);
    say_basis(page, receipt);
}

/* ---- what came out ---- */

/* A share rounded up, so that "at most" is true. */
static struct page_number at_most(double share)
{
    return page_percent(ceil(1e6 * share) / 1e6);
}

static void say_gap(struct page *page, const json_t *receipt)
{
    double objective = page_json_number(receipt, "objective"),
           bound = page_json_number(receipt, "upper_bound"),
           none = page_json_number(receipt, "objective_without_discounts");
    double share = (bound - objective) / fmax(fabs(objective), 1e-4);
    if (!isfinite(share)) return;
    if (bound <= objective) {
        page_say(page, 2,
                 "It is proven that no table within these limits is worth more than %s, "
                 "and this one is.",
                 page_amount(objective, 2).text);
        return;
    }
    page_say(page, 2,
             "No table within these limits is worth more than %s; this one is worth %s, at most "
             "%s less.",
             page_amount(bound, 2).text, page_amount(objective, 2).text, at_most(share).text);
    if (bound > none && isfinite(none))
        page_say(
            page, 2, "Of all that discounts can add within the limits, %s, it misses at most %s.",
            page_amount(bound - none, 2).text, at_most((bound - objective) / (bound - none)).text);
}

static void put_expected(struct page *page, const json_t *receipt)
{
    static const char *const heads[] = {"<expected", "without discounts", "with them", "change",
                                        NULL};
    const json_t *none = json_object_get(receipt, "expected_without_discounts"),
                 *with = json_object_get(receipt, "expected");
    const char *key = NULL;
    json_t *value = NULL;
    page_begin_table(page, heads);
    page_cell(page, "the objective");
    double before = page_json_number(receipt, "objective_without_discounts"),
           after = page_json_number(receipt, "objective");
    page_cell(page, "%s", page_figure(before).text);
    page_cell(page, "%s", page_figure(after).text);
    page_cell(page, "%s", page_figure_change(after - before).text);
    json_object_foreach((json_t *)with, key, value)
    {
        before = page_json_number(none, key);
        after = page_json_number(with, key);
        page_cell(page, "%s", key);
        page_cell(page, "%s", page_figure(before).text);
        page_cell(page, "%s", page_figure(after).text);
        page_cell(page, "%s", page_figure_change(after - before).text);
    }
    page_end_table(page);
}

/* ---- what past offers say of it ---- */

static double of_sum(const json_t *curse, const char *sum, const char *field)
{
    return page_json_number(json_object_get(curse, sum), field);
}

/* "1,234.50 (from 1,100.00 to 1,369.00)" */
static struct page_text interval_text(const json_t *curse, const char *sum)
{
    struct page_text text;
    double middle = of_sum(curse, sum, "out_of_fold"), error = of_sum(curse, sum, "std_error");
    int decimals = error < 1.0 ? 2 : 0;
    snprintf(text.text, sizeof text.text, "%s (from %s to %s)", page_amount(middle, decimals).text,
             page_amount(middle - DEVIATIONS * error, decimals).text,
             page_amount(middle + DEVIATIONS * error, decimals).text);
    return text;
}

static void put_curse_rows(struct page *page, const json_t *curse)
{
    static const char *const heads[] = {"<expected", "by the curves",
                                        "<by past offers not learned from", "", NULL};
    static const struct {
        const char *sum, *label;
    } rows[] = {{"gain", "profit above no discounts"},
                {"profit", "profit"},
                {"purchases", "purchases"},
                {"cost", "cost of discounts"}};
    page_begin_table(page, heads);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (json_object_get(curse, rows[i].sum) == NULL) continue;
        double promised = of_sum(curse, rows[i].sum, "promised");
        double change = of_sum(curse, rows[i].sum, "out_of_fold") / promised - 1.0;
        page_cell(page, "%s", rows[i].label);
        page_cell(page, "%s", page_figure(promised).text);
        page_cell(page, "%s", interval_text(curse, rows[i].sum).text);
        page_cell(page, "%s%s", page_change(100.0 * change, 1).text, isfinite(change) ? " %" : "");
    }
    page_end_table(page);
}

static void put_curse(struct page *page, const json_t *receipt)
{
    const json_t *curse = json_object_get(receipt, "curse");
    if (curse == NULL) return;
    page_heading(page, "WHAT TO EXPECT");
    if (json_object_get(curse, "reason") != NULL) {
        page_say(page, 2,
                 "How far the figures below may be believed cannot be said: %s. Whoever takes what "
                 "looks best takes what was judged too well, so expect less.",
                 text_of(curse, "reason"));
        return;
    }
    page_say(page, 2, "A gain of %s above no discounts, by %s past offers.",
             interval_text(curse, "gain").text,
             page_amount(page_json_number(curse, "rows"), 0).text);
    page_say(page, 2,
             "Neither the curves that judge these offers nor the choice learned from them. In 95 "
             "of 100 cases the truth lies within the brackets. What the curves themselves promise "
             "stands beside it, and in all sections below.");
    double beyond = page_json_number(curse, "rows_beyond_offers");
    if (beyond > 0.0)
        page_say(page, 2,
                 "%s rows have a discount deeper than any that was ever offered: of them "
                 "nothing is known but how curves go on.",
                 page_amount(beyond, 0).text);
    if (strcmp(text_of(curse, "propensity"), "given") != 0)
        page_say(page, 2,
                 "The chances with which offers were given are estimated where the table "
                 "of offers has none.");
    put_curse_rows(page, curse);
}

static void put_outcome(struct page *page, const json_t *receipt)
{
    page_heading(page, "WHAT CAME OUT");
    say_gap(page, receipt);
    put_expected(page, receipt);
    const json_t *taken = json_object_get(receipt, "taken_from_neighbours");
    if (taken != NULL)
        page_say(page, 2,
                 "Discounts take %s of profit from other rows of the same users; it is taken off "
                 "above.",
                 page_amount(page_json_number(taken, "profit"), 2).text);
}

/* ---- limits ---- */

static bool has_use(const json_t *constraint)
{
    return json_is_number(json_object_get(constraint, "used"));
}

/* What a unit of a tight limit brings may be little. */
static struct page_number price_text(double price)
{
    return price < 0.1 ? page_figure(price) : page_amount(price, 4);
}

static void put_limit(struct page *page, const json_t *constraint)
{
    double limit = page_json_number(constraint, "limit"),
           used = page_json_number(constraint, "used"),
           price = page_json_number(constraint, "dual_price");
    bool least = json_is_true(json_object_get(constraint, "at_least"));
    const char *group = text_of(constraint, "group");
    page_cell(page, "%s%s%s", text_of(constraint, "name"), *group != 0 ? ": " : "", group);
    page_cell(page, "%s %s", least ? "at least" : "at most", page_figure(limit).text);
    page_cell(page, "%s", page_figure(used).text);
    page_cell(page, "%s", page_figure(page_json_number(constraint, "slack")).text);
    page_cell(page, "%s", limit > 0.0 ? page_amount(100.0 * used / limit, 1).text : "");
    page_cell(page, "%s", price == 0.0 ? "nothing" : price_text(fabs(price)).text);
}

static void say_forbidden(struct page *page, const json_t *constraint)
{
    double cells = page_json_number(constraint, "forbidden_cells");
    if (!isfinite(cells)) return;
    page_say(page, 2, "%s rules out %s discounts of rows.", text_of(constraint, "name"),
             page_amount(cells, 0).text);
}

static void put_limits(struct page *page, const json_t *receipt)
{
    static const char *const heads[] = {
        "<limit", "allowed", "used", "left", "used %", "one more unit adds", NULL};
    const json_t *list = json_object_get(receipt, "constraints");
    size_t i = 0;
    json_t *constraint = NULL;
    if (json_array_size(list) == 0) return;
    page_heading(page, "LIMITS");
    page_begin_table(page, heads);
    json_array_foreach((json_t *)list, i, constraint) if (has_use(constraint))
        put_limit(page, constraint);
    page_end_table(page);
    json_array_foreach((json_t *)list, i, constraint) if (!has_use(constraint))
        say_forbidden(page, constraint);
}

/* Limits that each user has for itself. */
static void put_user_limits(struct page *page, const json_t *receipt)
{
    static const char *const heads[] = {
        "<limit of each user", "allowed",         "most used", "users at it",
        "decides for",         "costs at prices", NULL};
    const json_t *list = json_object_get(receipt, "user_limits");
    size_t i = 0;
    json_t *entry = NULL;
    if (json_array_size(list) == 0) return;
    page_heading(page, "LIMITS OF EACH USER");
    page_begin_table(page, heads);
    json_array_foreach((json_t *)list, i, entry)
    {
        double limit = page_json_number(entry, "limit");
        page_cell(page, "%s", text_of(entry, "name"));
        page_cell(page, "%s", isfinite(limit) ? page_amount(limit, 2).text : "by user");
        page_cell(page, "%s", page_amount(page_json_number(entry, "used_most"), 2).text);
        page_cell(page, "%s", page_amount(page_json_number(entry, "users_at_limit"), 0).text);
        page_cell(page, "%s", page_amount(page_json_number(entry, "users_decided"), 0).text);
        page_cell(page, "%s", page_amount(page_json_number(entry, "costs_at_prices"), 2).text);
    }
    page_end_table(page);
    page_say(page, 2,
             "\"users at it\": none of their rows could use more of it. \"decides for\": users who "
             "would be given something else without it alone, at the prices of the other limits.");
}

/* ---- levels and reasons ---- */

static bool at_true(const json_t *receipt, const char *key, size_t i)
{
    return json_is_true(json_array_get(json_object_get(receipt, key), i));
}

static void put_levels(struct page *page, const json_t *receipt)
{
    static const char *const heads[] = {"<discount", "rows", "spent on it", "% of rows", NULL};
    const json_t *levels = json_object_get(receipt, "levels");
    double rows = page_json_number(receipt, "rows");
    if (json_array_size(levels) == 0) return;
    page_heading(page, "DISCOUNTS GIVEN");
    page_begin_table(page, heads);
    for (size_t k = 0; k < json_array_size(levels); k++) {
        double count = json_number_value(json_array_get(json_object_get(receipt, "level_rows"), k)),
               spend =
                   json_number_value(json_array_get(json_object_get(receipt, "level_spend"), k));
        bool hidden = at_true(receipt, "level_suppressed", k);
        page_cell(page, "%s", page_percent(json_number_value(json_array_get(levels, k))).text);
        page_cell(page, "%s", hidden ? "few users" : page_amount(count, 0).text);
        page_cell(page, "%s", hidden ? "" : page_amount(spend, 2).text);
        page_cell(page, "%s", hidden ? "" : page_amount(100.0 * count / rows, 1).text);
    }
    page_end_table(page);
}

static void put_reasons(struct page *page, const json_t *receipt)
{
    static const char *const heads[] = {"<reason", "rows", "<meaning", NULL};
    const json_t *list = json_object_get(receipt, "reasons");
    size_t i = 0;
    json_t *reason = NULL;
    if (json_array_size(list) == 0) return;
    page_heading(page, "WHY");
    page_begin_table(page, heads);
    json_array_foreach((json_t *)list, i, reason)
    {
        double rows = page_json_number(reason, "rows");
        page_cell(page, "%s", text_of(reason, "reason"));
        page_cell(page, "%s", isfinite(rows) ? page_amount(rows, 0).text : "few users");
        page_cell(page, "%s", text_of(reason, "meaning"));
    }
    page_end_table(page);
}

/* ---- the rest ---- */

/* What the sections above have said already. */
static const char *const said[] = {"objective",
                                   "upper_bound",
                                   "gap",
                                   "gap_of_gain",
                                   "rows",
                                   "constraints",
                                   "levels",
                                   "objective_without_discounts",
                                   "level_rows",
                                   "level_spend",
                                   "weights",
                                   "margin_floor",
                                   "cost_basis",
                                   "response",
                                   "expected",
                                   "expected_without_discounts",
                                   "assumed_margin",
                                   "reasons",
                                   "min_users",
                                   "taken_from_neighbours",
                                   "valid_from",
                                   "valid_to",
                                   "level_suppressed",
                                   "next_unit_of_budget_brings",
                                   "curse",
                                   NULL};

static bool is_said(const char *key)
{
    for (int i = 0; said[i] != NULL; i++)
        if (strcmp(said[i], key) == 0) return true;
    return false;
}

static bool has_parts(const json_t *value)
{
    return json_is_object(value) || json_is_object(json_array_get(value, 0));
}

static void put_rest(struct page *page, const json_t *receipt)
{
    const char *key = NULL;
    json_t *value = NULL;
    bool headed = false;
    json_object_foreach((json_t *)receipt, key, value)
    {
        if (is_said(key) || has_parts(value)) continue;
        if (!headed) page_heading(page, "ALSO");
        headed = true;
        page_json(page, key, value);
    }
    json_object_foreach((json_t *)receipt, key, value) if (!is_said(key) && has_parts(value))
        page_json(page, key, value);
}

static void say_trust(struct page *page, const json_t *receipt)
{
    double least = page_json_number(receipt, "min_users");
    page_heading(page, "HOW TO READ IT");
    if (!is_direct(receipt))
        page_say(page, 2,
                 "All figures but those of WHAT TO EXPECT are what the model expects of the choice "
                 "it made itself. Money is in the shop's currency.");
    page_say(page, 2,
             "What limits use and what is spent is exact: adding up the table gives the same "
             "to the last digit (receipt.json has all digits).");
    if (isfinite(least))
        page_say(page, 2,
                 "Figures of fewer than %s users are not shown, nor those from which they "
                 "would follow.",
                 page_amount(least, 0).text);
}

static void put_title(struct page *page, const json_t *receipt)
{
    const char *from = text_of(receipt, "valid_from"), *to = text_of(receipt, "valid_to");
    if (*from != 0)
        page_title(page, "Receipt of the discounts from %s to %s", from, to);
    else
        page_title(page, "Receipt of the discounts");
}

enum status receipt_text_make(const json_t *receipt, char **text, int64_t *bytes)
{
    struct page *page = NULL;
    enum status status = page_new(&page);
    *text = NULL;
    if (status != OK) return status;
    put_title(page, receipt);
    put_asked(page, receipt);
    put_curse(page, receipt);
    put_outcome(page, receipt);
    put_limits(page, receipt);
    put_user_limits(page, receipt);
    put_levels(page, receipt);
    put_reasons(page, receipt);
    put_rest(page, receipt);
    say_trust(page, receipt);
    return page_take(&page, text, bytes);
}

enum status receipt_text_write(const json_t *receipt, const char *path)
{
    char *text = NULL;
    int64_t bytes = 0;
    enum status status = receipt_text_make(receipt, &text, &bytes);
    if (status == OK) status = file_replace(path, text, bytes, 0644);
    free(text);
    return status;
}
