/* The receipt's figures against what the rows of the table come to. */
#include "jobs/verify.h"

#include <math.h>
#include <string.h>

#define MONEY 1e4

/* ---- numbers ---- */

static bool is_near(double a, double b, double step)
{
    return fabs(a - b) <= step / 2 + 1e-12 * fabs(b);
}

/* A number that must be there: `value` steps of 1/units. */
static void check_number(const json_t *object, const char *name, int64_t value, double units,
                         struct finding *finding)
{
    const json_t *told = json_object_get(object, name);
    if (!json_is_number(told))
        finding_add(finding, 0, "receipt.json has no %s", name);
    else if (!is_near(json_number_value(told), (double)value / units, 1 / units))
        finding_add(finding, 0, "receipt.json: %s %.15g, the rows come to %.15g", name,
                    json_number_value(told), (double)value / units);
}

/* ---- limits ---- */

/* A limit as the receipt shows it. */
static double in_units(const struct problem *problem, int kind, int64_t value)
{
    const struct problem_kind *k = &problem->kind[kind];
    double unit = problem->measure[k->measure].unit;
    return (k->at_least ? -1.0 : 1.0) * (double)value * unit;
}

/* Prices are 2^-30 units of value for a unit of use. */
static double shown_price(const struct problem *problem, int kind, int64_t price)
{
    const struct problem_kind *k = &problem->kind[kind];
    double per_unit = ldexp((double)price, -30) / MONEY / problem->measure[k->measure].unit;
    return k->at_least ? -per_unit : per_unit;
}

static bool is_of(const json_t *entry, const struct problem_kind *kind, int64_t group)
{
    const char *name = json_string_value(json_object_get(entry, "name"));
    const char *told = json_string_value(json_object_get(entry, "group"));
    if (name == NULL || strcmp(name, kind->name) != 0) return false;
    if (!json_is_number(json_object_get(entry, "limit"))) return false; /* a summary */
    if (kind->group == NULL) return told == NULL;
    return told != NULL && group < kind->names.count &&
           strcmp(told, dictionary_text(&kind->names, group)) == 0;
}

static void check_price(const json_t *told, const char *name, double price, int64_t at,
                        struct finding *finding)
{
    double value = json_number_value(told);
    if (!json_is_number(told) || fabs(value - price) > 1e-9 * fabs(price))
        finding_add(finding, at, "receipt.json: price of %s %.12g, in discounts.h5 %.12g", name,
                    value, price);
}

static void check_amount(const json_t *entry, const char *field, double amount, double unit,
                         int64_t at, struct finding *finding)
{
    const json_t *told = json_object_get(entry, field);
    bool secret = json_is_true(json_object_get(entry, "suppressed")) && json_is_null(told);
    if (!secret && (!json_is_number(told) || !is_near(json_number_value(told), amount, unit)))
        finding_add(finding, at, "receipt.json: %s of %s %.15g, the table has %.15g", field,
                    json_string_value(json_object_get(entry, "name")), json_number_value(told),
                    amount);
}

/* Of more groups the dearest alone are listed. */
enum { ALL_LISTED = 200 };

void verify_entry(const struct verify *verify, const struct verify_totals *t,
                  const struct problem *problem, int kind, int64_t group, int64_t at,
                  struct finding *finding)
{
    const json_t *entry = NULL, *list = json_object_get(verify->receipt, "constraints");
    const struct problem_kind *k = &problem->kind[kind];
    double unit = problem->measure[k->measure].unit;
    for (size_t i = 0; i < json_array_size(list) && entry == NULL; i++)
        if (is_of(json_array_get(list, i), k, group)) entry = json_array_get(list, i);
    if (entry == NULL && k->groups <= ALL_LISTED && verify->receipt != NULL)
        finding_add(finding, at, "receipt.json has no constraint for limit %lld, %s", (long long)at,
                    k->name);
    if (entry == NULL) return;
    double slack = (double)(t->limit[at] - t->used[at]) * unit;
    check_amount(entry, "limit", in_units(problem, kind, t->limit[at]), unit, at, finding);
    check_amount(entry, "used", in_units(problem, kind, t->used[at]), unit, at, finding);
    check_amount(entry, "slack", slack, unit, at, finding);
    check_price(json_object_get(entry, "dual_price"), k->name,
                shown_price(problem, kind, t->price[at]), at, finding);
}

/* ---- the whole ---- */

/* Null where few users are behind it: then level_suppressed says so. */
static void check_list(const json_t *receipt, const char *name, const int64_t *value, int levels,
                       double units, struct finding *finding)
{
    const json_t *hidden = json_object_get(receipt, "level_suppressed");
    const json_t *list = json_object_get(receipt, name);
    if ((int)json_array_size(list) != levels) {
        finding_add(finding, 0, "receipt.json: %s has no entry for each of %d levels", name,
                    levels);
        return;
    }
    for (int k = 0; k < levels; k++) {
        const json_t *told = json_array_get(list, (size_t)k);
        bool secret = json_is_null(told) && json_is_true(json_array_get(hidden, (size_t)k));
        if (!secret && !is_near(json_number_value(told), (double)value[k] / units, 1 / units))
            finding_add(finding, 0, "receipt.json: %s of level %d is %.15g, the rows come to %.15g",
                        name, k, json_number_value(told), (double)value[k] / units);
    }
}

static void check_gap(const json_t *receipt, const struct verify_totals *t, int64_t bound,
                      struct finding *finding)
{
    double gap = (double)(bound - t->value) / fmax(1.0, fabs((double)t->value));
    double told = json_number_value(json_object_get(receipt, "gap"));
    if (fabs(gap - told) > 1e-9 * fmax(1e-3, fabs(gap)))
        finding_add(finding, 0, "receipt.json: gap %.12g, it is %.12g", told, gap);
}

static void check_gain(const json_t *receipt, const struct verify_totals *t, int64_t bound,
                       struct finding *finding)
{
    double gain = (double)(bound - t->base_value);
    double told = json_number_value(json_object_get(receipt, "gap_of_gain"));
    double gap = (double)(bound - t->value) / gain;
    if (gain > 0.0 && fabs(gap - told) > 1e-9 * fmax(1e-3, fabs(gap)))
        finding_add(finding, 0, "receipt.json: gap_of_gain %.12g, it is %.12g", told, gap);
}

static void check_levels(const json_t *receipt, const struct problem *problem,
                         struct finding *finding)
{
    const json_t *list = json_object_get(receipt, "levels");
    bool same = (int)json_array_size(list) == problem->levels;
    for (int k = 0; same && k < problem->levels; k++)
        same = json_number_value(json_array_get(list, (size_t)k)) == problem->level[k];
    if (!same) finding_add(finding, 0, "receipt.json: levels are not those of discounts.h5");
}

/* Null where few users are behind it, and then marked so. */
static void check_reasons(const json_t *receipt, const struct verify_totals *t,
                          struct finding *finding)
{
    const json_t *list = json_object_get(receipt, "reasons");
    for (int r = 0; r < VERIFY_REASONS; r++) {
        const json_t *rows = NULL;
        bool secret = false;
        for (size_t i = 0; i < json_array_size(list) && rows == NULL; i++) {
            const json_t *entry = json_array_get(list, i);
            const char *name = json_string_value(json_object_get(entry, "reason"));
            if (name == NULL || strcmp(name, verify_reason_name(r)) != 0) continue;
            rows = json_object_get(entry, "rows");
            secret = json_is_true(json_object_get(entry, "suppressed"));
        }
        if (secret && json_is_null(rows)) continue;
        if (rows == NULL && t->reason_rows[r] == 0) continue;
        if (!json_is_integer(rows) || json_integer_value(rows) != t->reason_rows[r])
            finding_add(finding, 0, "receipt.json: rows of reason %s are %lld, the table has %lld",
                        verify_reason_name(r), (long long)json_integer_value(rows),
                        (long long)t->reason_rows[r]);
    }
}

static void check_date(const json_t *receipt, const char *name, const char *date,
                       struct finding *finding)
{
    const char *told = json_string_value(json_object_get(receipt, name));
    if (*date != 0 && (told == NULL || strcmp(told, date) != 0))
        finding_add(finding, 0, "receipt.json: %s %.32s, the rows have %s", name,
                    told != NULL ? told : "is missing", date);
}

void verify_receipt(const struct verify *verify, const struct verify_totals *t,
                    const struct problem *problem, int64_t bound, struct finding *finding)
{
    const json_t *receipt = verify->receipt, *expected = json_object_get(receipt, "expected");
    int levels = (int)json_array_size(json_object_get(receipt, "levels"));
    if (receipt == NULL) {
        finding_add(finding, 0, "receipt.json is missing or no JSON");
        return;
    }
    check_number(receipt, "objective", t->value, MONEY, finding);
    check_number(receipt, "objective_without_discounts", t->base_value, MONEY, finding);
    check_number(receipt, "upper_bound", bound, MONEY, finding);
    check_number(receipt, "rows", verify->rows, 1, finding);
    check_number(expected, "revenue", t->revenue, MONEY, finding);
    check_number(expected, "profit", t->profit, MONEY, finding);
    check_number(expected, "purchases", t->purchases, 1e6, finding);
    check_gap(receipt, t, bound, finding);
    check_gain(receipt, t, bound, finding);
    check_levels(receipt, problem, finding);
    check_reasons(receipt, t, finding);
    check_date(receipt, "valid_from", t->valid_from, finding);
    check_date(receipt, "valid_to", t->valid_to, finding);
    check_price(json_object_get(receipt, "next_unit_of_budget_brings"), "budget",
                shown_price(problem, 0, t->price[0]), 0, finding);
    levels = levels <= CELL_LEVELS ? levels : CELL_LEVELS;
    check_list(receipt, "level_rows", t->level_rows, levels, 1, finding);
    check_list(receipt, "level_spend", t->level_cost, levels, MONEY, finding);
}
