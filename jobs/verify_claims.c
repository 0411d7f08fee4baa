/* What discounts.h5 and the receipt claim of the whole table, against what its rows come to. */
#include "jobs/verify.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MONEY 1e4

/* ---- numbers of the receipt ---- */

static bool is_near(double a, double b, double step)
{
    return fabs(a - b) <= step / 2 + 1e-12 * fabs(b);
}

/* A number of the receipt that must be there: `value` steps of 1/units. */
static void check_number(const json_t *object, const char *name, int64_t value, double units,
                         struct finding *finding)
{
    const json_t *told = json_object_get(object, name);
    if (json_is_null(told)) return; /* hidden, as few users are behind it */
    if (!json_is_number(told))
        finding_add(finding, 0, "receipt.json has no %s", name);
    else if (!is_near(json_number_value(told), (double)value / units, 1 / units))
        finding_add(finding, 0, "receipt.json: %s %.15g, the rows come to %.15g", name,
                    json_number_value(told), (double)value / units);
}

static void check_list(const json_t *receipt, const char *name, const int64_t *value, int levels,
                       double units, struct finding *finding)
{
    const json_t *list = json_object_get(receipt, name);
    if ((int)json_array_size(list) != levels) {
        finding_add(finding, 0, "receipt.json: %s has no entry for each of %d levels", name,
                    levels);
        return;
    }
    for (int k = 0; k < levels; k++) {
        const json_t *told = json_array_get(list, (size_t)k);
        if (!json_is_null(told) &&
            !is_near(json_number_value(told), (double)value[k] / units, 1 / units))
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

static void check_receipt(const struct verify *verify, const struct verify_totals *t, int64_t bound,
                          struct finding *finding)
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
    levels = levels <= CELL_LEVELS ? levels : CELL_LEVELS;
    check_list(receipt, "level_rows", t->level_rows, levels, 1, finding);
    check_list(receipt, "level_spend", t->level_cost, levels, MONEY, finding);
}

/* ---- limits ---- */

/* A limit as the receipt shows it. */
struct shown {
    const struct problem *problem;
    int kind;
    int64_t group, at; /* group of the kind; among all limits */
};

static double in_units(const struct shown *s, int64_t value)
{
    const struct problem_kind *kind = &s->problem->kind[s->kind];
    double unit = s->problem->measure[kind->measure].unit;
    return (kind->at_least ? -1.0 : 1.0) * (double)value * unit;
}

static bool is_of(const json_t *entry, const struct shown *s)
{
    const struct problem_kind *kind = &s->problem->kind[s->kind];
    const char *name = json_string_value(json_object_get(entry, "name"));
    const char *group = json_string_value(json_object_get(entry, "group"));
    if (name == NULL || strcmp(name, kind->name) != 0) return false;
    if (!json_is_number(json_object_get(entry, "limit"))) return false; /* a summary */
    if (kind->group == NULL) return group == NULL;
    return group != NULL && s->group < kind->names.count &&
           strcmp(group, dictionary_text(&kind->names, s->group)) == 0;
}

static void check_entry(const json_t *receipt, const struct verify_totals *t, const struct shown *s,
                        struct finding *finding)
{
    const json_t *entry = NULL, *list = json_object_get(receipt, "constraints");
    const struct problem_kind *kind = &s->problem->kind[s->kind];
    double unit = s->problem->measure[kind->measure].unit;
    for (size_t i = 0; i < json_array_size(list) && entry == NULL; i++)
        if (is_of(json_array_get(list, i), s)) entry = json_array_get(list, i);
    if (entry == NULL) return; /* of many groups the dearest are listed */
    double limit = json_number_value(json_object_get(entry, "limit"));
    const json_t *used = json_object_get(entry, "used");
    if (!is_near(limit, in_units(s, t->limit[s->at]), unit))
        finding_add(finding, s->at, "receipt.json: limit of %s %.15g, in discounts.h5 %.15g",
                    kind->name, limit, in_units(s, t->limit[s->at]));
    if (!json_is_null(used) && !is_near(json_number_value(used), in_units(s, t->used[s->at]), unit))
        finding_add(finding, s->at, "receipt.json: used of %s %.15g, the rows come to %.15g",
                    kind->name, json_number_value(used), in_units(s, t->used[s->at]));
}

/* Every limit holds, its use is what the rows use, and the receipt says so. */
static void check_limits(const struct verify *verify, const struct verify_totals *t,
                         const struct problem *problem, const int64_t *told,
                         struct finding *finding)
{
    struct shown s = {.problem = problem};
    for (s.kind = 0; s.kind < problem->kinds; s.kind++) {
        const struct problem_kind *kind = &problem->kind[s.kind];
        for (s.group = 0; s.group < kind->groups; s.group++, s.at++) {
            int64_t used = t->used[s.at];
            if (used > t->limit[s.at])
                finding_add(finding, s.at, "limit %lld, %s: the rows use %lld, above %lld",
                            (long long)s.at, kind->name, (long long)used,
                            (long long)t->limit[s.at]);
            if (used != told[s.at])
                finding_add(
                    finding, s.at,
                    "discounts.h5: limits/used of limit %lld, %s, is %lld, the rows use %lld",
                    (long long)s.at, kind->name, (long long)told[s.at], (long long)used);
            check_entry(verify->receipt, t, &s, finding);
        }
    }
}

static enum status read_problem(const struct comm *comm, const struct verify *verify,
                                const struct verify_totals *t, struct problem *problem,
                                int64_t **told)
{
    enum status status = OK;
    int64_t start[2] = {0, 0}, limits = 0;
    const struct blocks none = {.blocks_total = 1, .blocks_local = 1, .start = start};
    TRY(problem_read(comm, verify->store, &none, problem));
    for (int d = 0; d < problem->kinds; d++) limits += problem->kind[d].groups;
    if (limits != t->limits)
        TRY(comm_agree(comm, FAIL(ERR_DATA, "discounts.h5: limits are not those of its kinds")));
    TRY_ALL(comm, memory_new(told, limits, sizeof **told));
    TRY(store_read(comm, verify->store, "limits/used", STORE_I64, 0, limits, *told));
done:
    return status;
}

/* ---- the bound ---- */

/* With few levels allowed the bound is the best of many sets of levels, each with prices of its
 * own: then prices of one set prove less, but never less than the objective. Under limits of users
 * one above the exact bound still is a bound. */
static void check_bound(const struct verify *verify, const struct verify_totals *t, int64_t bound,
                        struct finding *finding)
{
    bool sets = json_object_get(verify->receipt, "levels_most") != NULL;
    for (int64_t i = 0; i < t->limits; i++)
        if (t->price[i] < 0)
            finding_add(finding, i, "discounts.h5: the price of limit %lld is below 0",
                        (long long)i);
    if (bound < t->value || t->upper_bound < t->value)
        finding_add(finding, -1, "the upper bound %.4f is below the objective %.4f",
                    (double)(bound < t->value ? bound : t->upper_bound) / MONEY,
                    (double)t->value / MONEY);
    bool proven = bound == t->upper_bound || (sets && bound < t->upper_bound) ||
                  (t->user_limits && bound >= t->upper_bound - t->open);
    if (!proven)
        finding_add(finding, 0, "discounts.h5: upper_bound %.4f, its prices give %.4f",
                    (double)bound / MONEY, (double)t->upper_bound / MONEY);
}

static void tell_limits(const struct comm *comm, struct verify *verify,
                        const struct verify_totals *t, const struct finding *finding)
{
    verify_tell(comm, verify, "limits", finding,
                "all %lld hold, in integers; expected_cost is %.4f in all", (long long)t->limits,
                (double)t->cost / MONEY);
}

enum status verify_claims(const struct comm *comm, struct verify *verify,
                          const struct verify_totals *t)
{
    enum status status = OK;
    struct finding limits = {0}, bound = {0}, receipt = {0};
    struct problem problem = {0};
    int64_t *told = NULL, objective = 0, upper = 0;
    TRY(read_problem(comm, verify, t, &problem, &told));
    TRY(store_read(comm, verify->store, "objective", STORE_I64, 0, 1, &objective));
    TRY(store_read(comm, verify->store, "upper_bound", STORE_I64, 0, 1, &upper));
    if (comm->rank == 0) {
        check_limits(verify, t, &problem, told, &limits);
        check_bound(verify, t, upper, &bound);
        check_receipt(verify, t, upper, &receipt);
        if (objective != t->value)
            finding_add(&bound, 1, "discounts.h5: objective %.4f, the rows come to %.4f",
                        (double)objective / MONEY, (double)t->value / MONEY);
    }
    tell_limits(comm, verify, t, &limits);
    verify_tell(comm, verify, "bound", &bound, "objective %.4f, at most %.4f by the prices",
                (double)t->value / MONEY, (double)upper / MONEY);
    verify_tell(comm, verify, "receipt", &receipt, "its figures are what the rows come to");
done:
    problem_clear(&problem);
    free(told);
    return status;
}
