/* Values and costs of discount levels. */
#include "jobs/cells.h"

#include "jobs/labels.h"
#include "jobs/offerable.h"
#include "jobs/rounding.h"

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
    maker->keep_reference = config_is(config, "allocate.reference_rule", "keep") &&
                            config_integer(config, "allocate.reference_days") > 0;
    maker->stacking = config_is(config, "allocate.stacking", "add")    ? STACKING_ADD
                      : config_is(config, "allocate.stacking", "best") ? STACKING_BEST
                                                                       : STACKING_MULTIPLY;
    maker->combined_most = config_number(config, "allocate.combined_most");
    maker->weight_profit = config_number(config, "allocate.objective.profit");
    maker->weight_revenue = config_number(config, "allocate.objective.revenue");
    maker->weight_surplus = config_number(config, "allocate.objective.surplus");
    maker->weight_purchases = config_number(config, "allocate.objective.purchases");
    maker->weight_lifetime = config_number(config, "allocate.objective.lifetime");
    if (maker->weight_profit + maker->weight_revenue + maker->weight_surplus +
            maker->weight_purchases + maker->weight_lifetime <=
        0.0)
        return FAIL(ERR_CONFIG, "allocate.objective: all weights are 0; set profit, revenue, "
                                "surplus, purchases or lifetime");
    return OK;
}

enum status cell_maker_cross(const struct comm *comm, const struct run *run, struct demand *demand,
                             struct cell_maker *maker)
{
    if (config_integer(run->config, "demand.cross") == 0) return OK;
    enum status status = demand_read(comm, run_path(run, "demand.h5"), demand);
    if (status == OK && demand->cross.units > 0) maker->demand = demand;
    return status;
}

static int64_t to_units(double cents)
{
    return rounded(CELL_UNITS_PER_CENT * cents);
}

/* ---- curves ---- */

/* The curve of a slot. */
struct curve {
    double a, b;
    struct dose_shape shape;
};

static struct curve curve_of(const struct cell_maker *maker, int64_t row)
{
    return (struct curve){(double)maker->curves->a[row], (double)maker->curves->b[row],
                          curves_shape(maker->curves, row / maker->candidates->slots)};
}

static double chance_at(const struct curve *curve, double discount)
{
    return curves_chance(curve->a, curve->b, dose_apply(&curve->shape, discount));
}

/* ---- beside promotions ---- */

/* So far off may a sum of fractions be, as they are in binary. */
#define FORGIVEN 1e-9

double cells_combine(enum stacking stacking, double promotion, double level)
{
    if (!(promotion > 0.0)) return level;
    if (stacking == STACKING_BEST) return fmax(promotion, level);
    if (stacking == STACKING_ADD) return fmin(promotion + level, 1.0);
    return 1.0 - (1.0 - promotion) * (1.0 - level);
}

static double promotion_of(const struct cell_maker *maker, int64_t row, int64_t product)
{
    int64_t user = row / maker->candidates->slots;
    return running_discount(maker->running, running_find(maker->running, user, product));
}

static double deepest_of(const struct cell_maker *maker, int64_t row, int64_t product)
{
    int64_t user = row / maker->candidates->slots;
    return running_discount(maker->running, running_deepest(maker->running, user, product));
}

/* What a level takes off the price of level 0, as a part of it. */
static double own_part(double promotion, double combined)
{
    return promotion > 0.0 ? (combined - promotion) / (1.0 - promotion) : combined;
}

/* ---- what is taken from the user's other candidates ---- */

/* One that has the product among its neighbours. */
struct neighbour {
    double weight, chance, price_cents, profit_cents; /* without a discount of ours */
};

enum { NEIGHBOURS = 64 };

/* Weight of a product among the neighbours of another; 0: it is none. */
static double weight_of(const struct demand_neighbours *n, int64_t product, int64_t other)
{
    for (int64_t k = 0; k < n->most; k++)
        if (n->product[other * n->most + k] == product) return n->weight[other * n->most + k];
    return 0.0;
}

/* Those of the slot's user, the best candidates first; their number. */
static int find_neighbours(const struct cell_maker *maker, int64_t row, struct neighbour *list)
{
    int64_t slots = maker->candidates->slots, first = row / slots * slots;
    const int32_t *product = maker->candidates->product;
    int count = 0;
    if (maker->demand == NULL) return 0;
    for (int64_t i = first; i < first + slots && count < NEIGHBOURS; i++) {
        if (i == row || product[i] < 0) continue;
        double weight = weight_of(&maker->demand->neighbours, product[row], product[i]);
        if (!(weight > 0.0)) continue;
        double running = promotion_of(maker, i, product[i]);
        const struct curve curve = curve_of(maker, i);
        double price = (double)offerable_price_cents(maker->products, product[i], running);
        list[count++] = (struct neighbour){
            .weight = weight,
            .chance = chance_at(&curve, running),
            .price_cents = price,
            .profit_cents = price - 100.0 * maker->products->unit_cost[product[i]]};
    }
    return count;
}

/* Purchases, revenue and profit (cents) that a discount takes, no more purchases than it adds. */
static void find_taken(const struct cell_maker *maker, const struct neighbour *list, int count,
                       int64_t product, double added, double discount, double taken[3])
{
    taken[0] = taken[1] = taken[2] = 0.0;
    if (count == 0) return;
    int32_t category = maker->products->category_code[product];
    for (int i = 0; i < count; i++) {
        double units =
            list[i].chance * demand_taken(maker->demand, category, list[i].weight, discount);
        taken[0] += units;
        taken[1] += units * list[i].price_cents;
        taken[2] += units * list[i].profit_cents;
    }
    double most = added > 0.0 ? added : 0.0;
    double share = taken[0] > most ? most / taken[0] : 1.0;
    for (int i = 0; i < 3; i++) taken[i] *= share;
}

/* ---- levels ---- */

/* Minus the squared distance, in 1/10,000 of a squared percentage point. */
static int64_t nearness(double level, double target)
{
    double far = 100.0 * (level - target);
    return -rounded(1e4 * far * far);
}

static int64_t value_of(const struct cell_maker *maker, const struct slot_cells *cells, int k)
{
    double purchases = cells->chance[k] - cells->taken[k];
    return rounded(maker->weight_profit * (double)cells->profit[k] +
                   maker->weight_revenue * (double)cells->revenue[k] +
                   maker->weight_surplus * (double)cells->surplus[k] +
                   maker->weight_purchases * (double)to_units(100.0 * purchases) +
                   maker->weight_lifetime * (double)cells->lifetime[k]);
}

/* A discount that does not lead below what the product cost everybody lately is none. */
static bool keeps_reference(const struct cell_maker *maker, int64_t product, int64_t price)
{
    if (!maker->keep_reference || maker->reference == NULL) return true;
    return price < maker->reference->cents[product];
}

static bool stacks(const struct cell_maker *maker, double promotion, double level)
{
    return !(promotion > 0.0) || maker->stacking != STACKING_BEST || level > promotion + FORGIVEN;
}

static bool keeps_combined(const struct cell_maker *maker, double promotion, double combined)
{
    return !(promotion > 0.0) || !(combined > maker->combined_most + FORGIVEN);
}

/* With the largest promotion that runs while the table holds, which may begin after it. With
 * `best` a level below that is the promotion alone, which is the shop's own affair. */
static double combined_at_most(const struct cell_maker *maker, double deepest, int k)
{
    bool alone = maker->stacking == STACKING_BEST && !(maker->level[k] > deepest + FORGIVEN);
    return cells_combine(maker->stacking, alone ? 0.0 : deepest, maker->level[k]);
}

static void apply_rules(const struct cell_maker *maker, double promotion, double deepest, int k,
                        struct slot_cells *cells)
{
    const struct products *products = maker->products;
    int64_t product = cells->product;
    double combined = combined_at_most(maker, deepest, k);
    int64_t price = cells->price_cents[k],
            least = offerable_price_cents(products, product, combined);
    const bool kept[CELL_RULES] = {
        [CELL_MARGIN_FLOOR] = offerable_keeps_margin(products, product, least, maker->floor),
        [CELL_PRICE_FLOOR] = offerable_keeps_price(products, product, least),
        [CELL_REFERENCE] = keeps_reference(maker, product, price),
        [CELL_STACKING] = stacks(maker, promotion, maker->level[k]),
        [CELL_COMBINED] = keeps_combined(maker, deepest, combined)};
    for (int r = 0; r < CELL_RULES; r++)
        if (k > 0 && !kept[r]) cells->forbidden[r] |= (uint32_t)1 << k;
}

/* What follows from the chance at level k. */
static void fill_level(const struct cell_maker *maker, const struct curve *curve, int k,
                       const double taken[3], struct slot_cells *cells)
{
    double discount = cells->combined[k], chance = cells->chance[k];
    int64_t list = offerable_list_cents(maker->products, cells->product);
    int64_t price = offerable_price_cents(maker->products, cells->product, discount);
    int64_t before = offerable_price_cents(maker->products, cells->product, cells->combined[0]);
    double cost = 100.0 * maker->products->unit_cost[cells->product];
    cells->price_cents[k] = price;
    cells->revenue[k] = to_units(chance * (double)price - taken[1]);
    cells->profit[k] = to_units(chance * ((double)price - cost) - taken[2]);
    cells->taken[k] = taken[0];
    cells->taken_revenue[k] = to_units(taken[1]);
    cells->taken_profit[k] = to_units(taken[2]);
    cells->surplus[k] =
        to_units((double)list * curves_surplus(&curve->shape, curve->a, curve->b, discount));
    cells->cost[k] = to_units(chance * (double)(before - price));
}

/* What a purchase of the slot's user adds, in cents. */
static double lifetime_cents(const struct cell_maker *maker, int64_t row)
{
    if (maker->lifetime == NULL) return 0.0;
    return 100.0 * maker->lifetime[row / maker->candidates->slots];
}

static uint32_t allowed_levels(const struct slot_cells *cells, int levels)
{
    uint32_t allowed = levels < CELL_LEVELS ? ((uint32_t)1 << levels) - 1 : UINT32_MAX;
    for (int r = 0; r < CELL_RULES; r++) allowed &= ~cells->forbidden[r];
    return allowed | 1;
}

/* The promotion that runs, and what every level comes to with it; its discount. */
static double stack(const struct cell_maker *maker, int64_t row, struct slot_cells *cells)
{
    cells->promotion = running_find(maker->running, row / maker->candidates->slots, cells->product);
    double promotion = running_discount(maker->running, cells->promotion);
    for (int k = 0; k < maker->levels; k++)
        cells->combined[k] = cells_combine(maker->stacking, promotion, maker->level[k]);
    return promotion;
}

void cells_of_slot(const struct cell_maker *maker, int64_t row, struct slot_cells *cells)
{
    *cells = (struct slot_cells){
        .product = maker->candidates->product[row], .promotion = -1, .allowed = 1};
    if (cells->product < 0) return;
    const struct curve curve = curve_of(maker, row);
    double more_cents = lifetime_cents(maker, row), promotion = stack(maker, row, cells);
    double deepest = deepest_of(maker, row, cells->product);
    struct neighbour list[NEIGHBOURS];
    int count = find_neighbours(maker, row, list);
    double before = chance_at(&curve, promotion);
    for (int k = 0; k < maker->levels; k++) {
        double taken[3], part = own_part(promotion, cells->combined[k]);
        cells->chance[k] = chance_at(&curve, cells->combined[k]);
        find_taken(maker, list, count, cells->product, cells->chance[k] - before, part, taken);
        fill_level(maker, &curve, k, taken, cells);
        cells->lifetime[k] = to_units((cells->chance[k] - taken[0]) * more_cents);
        cells->value[k] = value_of(maker, cells, k);
        apply_rules(maker, promotion, deepest, k, cells);
        if (maker->labels != NULL)
            cells->value[k] =
                nearness(cells->combined[k],
                         (double)maker->labels->discount[row / maker->candidates->slots]);
    }
    cells->allowed = allowed_levels(cells, maker->levels);
}
