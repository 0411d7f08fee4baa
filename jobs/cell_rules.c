/* Rules that forbid levels, named and counted. */
#include "jobs/cell_rules.h"

#include <math.h>

struct rule {
    const char *name, *unit;
};

static const struct rule rules[CELL_RULES] = {
    [CELL_MARGIN_FLOOR] = {"margin_floor", "fraction of the discounted price"},
    [CELL_PRICE_FLOOR] = {"price_floor", "currency, of each product"},
    [CELL_REFERENCE] = {"reference_price", "currency, of each product"},
    [CELL_STACKING] = {"stacking", "the discount of the promotion that runs"},
    [CELL_COMBINED] = {"combined_most", "fraction, promotion and discount together"}};

const char *cell_rule_name(enum cell_rule rule)
{
    return rules[rule].name;
}

void cell_rules_count(const struct slot_cells *cells, int64_t forbidden[CELL_RULES])
{
    for (int r = 0; r < CELL_RULES; r++) forbidden[r] += __builtin_popcount(cells->forbidden[r]);
}

bool cell_rule_in_force(const struct cell_maker *maker, enum cell_rule rule)
{
    bool promoted = maker->running != NULL && maker->running->listed > 0;
    if (rule == CELL_REFERENCE) return maker->keep_reference;
    if (rule == CELL_STACKING) return promoted && maker->stacking == STACKING_BEST;
    if (rule == CELL_COMBINED) return promoted && !isnan(maker->combined_most);
    return rule == CELL_MARGIN_FLOOR || maker->products->price_floor != NULL;
}

/* null: products have their own. */
static json_t *limit_of(const struct cell_maker *maker, enum cell_rule rule)
{
    if (rule == CELL_COMBINED) return json_real(maker->combined_most);
    return rule == CELL_MARGIN_FLOOR ? json_real(maker->floor) : json_null();
}

void cell_rules_json(const struct cell_maker *maker, const int64_t forbidden[CELL_RULES],
                     json_t *list)
{
    for (int r = 0; r < CELL_RULES; r++)
        if (cell_rule_in_force(maker, (enum cell_rule)r))
            json_array_append_new(list,
                                  json_pack("{s:s, s:o, s:I, s:s}", "name", rules[r].name, "limit",
                                            limit_of(maker, (enum cell_rule)r), "forbidden_cells",
                                            (json_int_t)forbidden[r], "unit", rules[r].unit));
}
