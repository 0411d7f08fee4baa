/* Values and costs of discount levels. */
#include "jobs/cells.h"

#include "jobs/offerable.h"

#include <math.h>

enum status cell_maker_open(const struct config *config, const struct products *products,
                            const struct candidates *candidates, const struct curves *curves,
                            struct cell_maker *maker)
{
    const double *level = NULL;
    int64_t levels = config_numbers(config, "allocate.levels", &level);
    *maker = (struct cell_maker){.products = products, .candidates = candidates, .curves = curves};
    if (levels < 1 || levels > CELL_LEVELS || level[0] != 0.0)
        return FAIL(ERR_CONFIG, "allocate.levels: give 1 to %d discounts, of which the first is 0",
                    CELL_LEVELS);
    maker->levels = (int)levels;
    maker->level = level;
    maker->floor = config_number(config, "allocate.margin_floor");
    maker->weight_profit = config_number(config, "allocate.objective.profit");
    maker->weight_revenue = config_number(config, "allocate.objective.revenue");
    maker->weight_surplus = config_number(config, "allocate.objective.surplus");
    if (maker->weight_profit + maker->weight_revenue + maker->weight_surplus <= 0.0)
        return FAIL(ERR_CONFIG,
                    "allocate.objective: all weights are 0; set profit, revenue or surplus");
    return OK;
}

/* log(1 + exp(x)) without overflow */
static double softplus(double x)
{
    return x > 0.0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* Expected surplus of a logit buyer in money: (p / b) log(1 + e^(a + b d)); utility per unit of
 * price is b / p. */
static double surplus_of(double a, double b, double discount, double list)
{
    return b > 1e-6 ? list / b * softplus(a + b * discount) : 0.0;
}

static int64_t to_units(double cents)
{
    return llround(CELL_UNITS_PER_CENT * cents);
}

static void fill_level(const struct cell_maker *maker, double a, double b, int k,
                       struct slot_cells *cells)
{
    double chance = curves_chance(a, b, maker->level[k]);
    int64_t list = offerable_list_cents(maker->products, cells->product);
    int64_t price = offerable_price_cents(maker->products, cells->product, maker->level[k]);
    double cost = 100.0 * maker->products->unit_cost[cells->product];
    cells->chance[k] = chance;
    cells->price_cents[k] = price;
    cells->revenue[k] = to_units(chance * (double)price);
    cells->profit[k] = to_units(chance * ((double)price - cost));
    cells->surplus[k] = to_units(surplus_of(a, b, maker->level[k], (double)list));
    cells->cost[k] = to_units(chance * (double)(list - price));
    cells->value[k] = llround(maker->weight_profit * (double)cells->profit[k] +
                              maker->weight_revenue * (double)cells->revenue[k] +
                              maker->weight_surplus * (double)cells->surplus[k]);
    if (k == 0 || offerable_at(maker->products, cells->product, maker->level[k], maker->floor))
        cells->allowed |= (uint32_t)1 << k;
}

void cells_of_slot(const struct cell_maker *maker, int64_t row, struct slot_cells *cells)
{
    *cells = (struct slot_cells){.product = maker->candidates->product[row], .allowed = 1};
    if (cells->product < 0) return;
    double a = (double)maker->curves->a[row], b = (double)maker->curves->b[row];
    for (int k = 0; k < maker->levels; k++) fill_level(maker, a, b, k, cells);
}
