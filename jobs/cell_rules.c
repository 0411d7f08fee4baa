/* Rules that forbid levels, named and counted. */
#include "jobs/cell_rules.h"

struct rule {
    const char *name, *unit;
};

static const struct rule rules[CELL_RULES] = {
    [CELL_MARGIN_FLOOR] = {"margin_floor", "fraction of the discounted price"},
    [CELL_PRICE_FLOOR] = {"price_floor", "currency, of each product"},
    [CELL_REFERENCE] = {"reference_price", "currency, of each product"}};

const char *cell_rule_name(enum cell_rule rule)
{
    return rules[rule].name;
}

void cell_rules_count(const struct slot_cells *cells, int64_t forbidden[CELL_RULES])
{
    for (int r = 0; r < CELL_RULES; r++) forbidden[r] += __builtin_popcount(cells->forbidden[r]);
}

static bool in_force(const struct cell_maker *maker, enum cell_rule rule)
{
    if (rule == CELL_REFERENCE) return maker->keep_reference;
    return rule == CELL_MARGIN_FLOOR || maker->products->price_floor != NULL;
}

/* null: products have their own. */
static json_t *limit_of(const struct cell_maker *maker, enum cell_rule rule)
{
    return rule == CELL_MARGIN_FLOOR ? json_real(maker->floor) : json_null();
}

void cell_rules_json(const struct cell_maker *maker, const int64_t forbidden[CELL_RULES],
                     json_t *list)
{
    for (int r = 0; r < CELL_RULES; r++)
        if (in_force(maker, (enum cell_rule)r))
            json_array_append_new(list,
                                  json_pack("{s:s, s:o, s:I, s:s}", "name", rules[r].name, "limit",
                                            limit_of(maker, (enum cell_rule)r), "forbidden_cells",
                                            (json_int_t)forbidden[r], "unit", rules[r].unit));
}
