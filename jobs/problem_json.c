/* Limits in a receipt. */
#include "jobs/problem_json.h"

#include <math.h>
#include <stdlib.h>

#define VALUE_UNIT 1e-4

/* Units are powers of ten below 1, of which only the inverse is a number of the machine's. */
static double in_units(double x, double unit)
{
    return unit < 1.0 ? x / rint(1.0 / unit) : x * unit;
}

double problem_shown(const struct problem *problem, const struct problem_kind *kind, int64_t units)
{
    double sign = kind->at_least ? -1.0 : 1.0;
    return units == 0 ? 0.0 : sign * in_units((double)units, problem->measure[kind->measure].unit);
}

double problem_shown_price(const struct problem *problem, const struct problem_kind *kind,
                           int64_t price)
{
    double unit = problem->measure[kind->measure].unit;
    double per_unit = 0x1p-30 * (double)price * (VALUE_UNIT / unit);
    return price == 0 ? 0.0 : kind->at_least ? -per_unit : per_unit;
}

static json_t *limit_json(const struct problem *problem, const struct choices *choices,
                          const bool *hidden, const struct problem_kind *kind, int64_t group,
                          int64_t at)
{
    int64_t limit = kind->limit[group], used = choices->used[at];
    double slack = in_units((double)(limit - used), problem->measure[kind->measure].unit);
    json_t *out = json_pack("{s:s, s:s}", "name", kind->name, "rule", kind->rule);
    if (kind->group != NULL)
        json_object_set_new(out, "group", json_string(dictionary_text(&kind->names, group)));
    json_object_set_new(out, "limit", json_real(problem_shown(problem, kind, limit)));
    if (kind->at_least) json_object_set_new(out, "at_least", json_true());
    bool secret = hidden != NULL && hidden[at];
    json_object_set_new(out, "used",
                        secret ? json_null() : json_real(problem_shown(problem, kind, used)));
    json_object_set_new(out, "slack", secret ? json_null() : json_real(slack));
    if (secret) json_object_set_new(out, "suppressed", json_true());
    json_object_set_new(out, "dual_price",
                        json_real(problem_shown_price(problem, kind, choices->price[at])));
    json_object_set_new(out, "unit", json_string(problem->measure[kind->measure].unit_name));
    return out;
}

/* The group of the next lower price, or of the same price and a higher number; -1: none. */
static int64_t next_dearest(const int64_t *price, int64_t groups, int64_t after)
{
    int64_t best = -1;
    for (int64_t g = 0; g < groups; g++) {
        bool behind =
            after < 0 || price[g] < price[after] || (price[g] == price[after] && g > after);
        if (price[g] > 0 && behind && (best < 0 || price[g] > price[best])) best = g;
    }
    return best;
}

static void list_dearest(const struct problem *problem, const struct choices *choices,
                         const bool *hidden, const struct problem_kind *kind, int64_t first,
                         json_t *list)
{
    const int64_t *price = choices->price + first;
    int64_t binding = 0, listed = 0;
    for (int64_t g = 0; g < kind->groups; g++) binding += price[g] > 0;
    for (int64_t g = -1; listed < PROBLEM_LISTED; listed++) {
        if ((g = next_dearest(price, kind->groups, g)) < 0) break;
        json_array_append_new(list, limit_json(problem, choices, hidden, kind, g, first + g));
    }
    json_array_append_new(list,
                          json_pack("{s:s, s:s, s:I, s:I, s:I, s:s}", "name", kind->name, "rule",
                                    kind->rule, "groups", (json_int_t)kind->groups, "binding",
                                    (json_int_t)binding, "listed", (json_int_t)listed, "unit",
                                    problem->measure[kind->measure].unit_name));
}

void problem_limits_json(const struct problem *problem, const struct choices *choices,
                         const bool *hidden, json_t *list)
{
    int64_t first = 0;
    for (int d = 0; d < problem->kinds; first += problem->kind[d++].groups) {
        const struct problem_kind *kind = &problem->kind[d];
        if (kind->groups > PROBLEM_LISTED) {
            list_dearest(problem, choices, hidden, kind, first, list);
            continue;
        }
        for (int64_t g = 0; g < kind->groups; g++)
            json_array_append_new(list, limit_json(problem, choices, hidden, kind, g, first + g));
    }
}
