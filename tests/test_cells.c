/* What discount levels are worth and cost: money to the last unit, the margin floor to the cent. */
#include "tests/folders.h"

#include "jobs/cells.h"
#include "jobs/labels.h"
#include "jobs/offerable.h"
#include "jobs/rounding.h"

#include <fenv.h>

/* Products of given list prices and costs; nothing else is looked at. */
static double prices[] = {10.0, 9.99, 0.10, 10.0, 0.0, 20999999.99};
static double costs[] = {6.0, 2.0, 0.01, 9.0, 0.0, 1.0};
static int32_t categories[6];
static struct products products = {
    .count = 6, .list_price = prices, .unit_cost = costs, .category_code = categories};

enum { SLOTS = 7 };
static int32_t offered[SLOTS] = {0, 1, 2, 3, 4, 5, -1};
static float a[SLOTS] = {0.0f, -1.0f, 2.0f, 0.5f, 0.0f, -3.0f, 0.0f};
static float b[SLOTS] = {2.0f, 4.0f, 0.0f, 8.0f, 1.0f, 1000.0f, 0.0f};
static const struct candidates candidates = {.slots = SLOTS, .product = offered};
static const struct curves curves = {.slots = SLOTS, .a = a, .b = b};

/* Neighbours' elasticities and what a purchase more adds, where a test has them. */
static const struct demand *demand;
static const double *lifetime;
static const struct reference *reference;
static const struct running *running;
static const struct labels *labels;

/* The cells of one slot by given settings. */
static struct slot_cells cells_of(int64_t slot, const char *settings)
{
    static const char *const base =
        "events:\n  file: e.csv\n  columns: {user_id: u, product_id: p, "
        "time: t, unit_price: c}\nallocate:\n  ";
    struct slot_cells cells = {0};
    struct cell_maker maker;
    struct config *config = NULL;
    char text[1024];
    int bytes = snprintf(text, sizeof text, "%s%s\n", base, settings);
    char *path = scratch_share("cells.yaml", text, (size_t)bytes);
    enum status status = config_read(&world, path, NULL, &config);
    if (status == OK) status = cell_maker_open(config, &products, &candidates, &curves, &maker);
    if (status == OK) maker.demand = demand;
    if (status == OK) maker.lifetime = lifetime;
    if (status == OK) maker.reference = reference;
    if (status == OK) maker.running = running;
    if (status == OK) maker.labels = labels;
    if (status == OK) cells_of_slot(&maker, slot, &cells);
    if (status != OK) cells.product = -(int64_t)status - 1;
    config_free(&config);
    free(path);
    return cells;
}

static int64_t llround_of(double chance, double cents)
{
    return llround(100.0 * chance * cents);
}

/* 10.00 at a cost of 6.00, bought with chance 1 / (1 + exp(-2 d)). */
static void money_as_by_hand(void **state)
{
    (void)state;
    struct slot_cells c = cells_of(0, "levels: [0, 0.1, 0.25]");
    assert_all(c.product == 0 && c.allowed == 7);
    assert_all(c.price_cents[0] == 1000 && c.price_cents[1] == 900 && c.price_cents[2] == 750);
    assert_all(c.chance[0] == 0.5);
    assert_all(c.revenue[0] == 50000 && c.profit[0] == 20000 && c.cost[0] == 0);
    double chance = 1.0 / (1.0 + exp(-0.5));
    assert_close(c.chance[2], chance, 1e-15);
    assert_all(c.revenue[2] == llround_of(chance, 750.0));
    assert_all(c.profit[2] == llround_of(chance, 150.0));
    assert_all(c.cost[2] == llround_of(chance, 250.0));
    /* surplus 10.00 / 2 x log(1 + e^(2 d)) */
    assert_all(c.surplus[0] == llround(50000.0 * log(2.0)));
    assert_all(c.surplus[2] == llround(50000.0 * log1p(exp(0.5))));
    for (int k = 0; k < 3; k++) assert_all(c.value[k] == c.profit[k]);
}

static void the_objective_is_a_weighted_sum(void **state)
{
    (void)state;
    struct slot_cells c =
        cells_of(1, "levels: [0, 0.15]\n  objective: {profit: 2, revenue: 0.5, surplus: 0.25}");
    for (int k = 0; k < 2; k++)
        assert_all(c.value[k] == llround(2.0 * (double)c.profit[k] + 0.5 * (double)c.revenue[k] +
                                         0.25 * (double)c.surplus[k]));
    c = cells_of(1, "levels: [0, 0.15]\n  objective: {profit: 0, revenue: 1}");
    assert_all(c.value[1] == c.revenue[1] && c.value[1] != c.profit[1]);
}

/* Prices are rounded to whole cents, half away from zero, before anything follows from them. */
static void prices_are_whole_cents(void **state)
{
    (void)state;
    struct slot_cells c = cells_of(1, "levels: [0, 0.05, 0.15, 0.5]");
    assert_all(c.price_cents[0] == 999 && c.price_cents[1] == 949); /* 949.05 */
    assert_all(c.price_cents[2] == 849 && c.price_cents[3] == 500); /* 849.15, 499.5 */
    assert_all(c.cost[3] == llround_of(c.chance[3], 499.0));
    c = cells_of(2, "levels: [0, 0.25, 0.95]\n  margin_floor: 0");
    assert_all(c.price_cents[1] == 8 && c.price_cents[2] == 1); /* 7.5, 0.5 */
    assert_all(c.profit[2] == 0 && c.allowed == 7);             /* at cost */
    assert_all(c.surplus[0] == 0 && c.surplus[2] == 0); /* b = 0: discounts change nothing */
}

/* price - cost >= floor x price on the printed price; exactly at the floor is allowed. */
static void the_margin_floor(void **state)
{
    (void)state;
    assert_all(cells_of(0, "levels: [0, 0.2, 0.21]\n  margin_floor: 0.25").allowed == 3);
    assert_all(cells_of(0, "levels: [0, 0.2, 0.201]\n  margin_floor: 0.25").allowed == 3);
    assert_all(cells_of(0, "levels: [0, 0.4, 0.401]\n  margin_floor: 0").allowed == 3);
    assert_all(cells_of(0, "levels: [0, 0.1]\n  margin_floor: 1").allowed == 1);
    /* below the floor even without a discount: the first level is kept, to be told, and no other */
    assert_all(cells_of(3, "levels: [0, 0.05]\n  margin_floor: 0.2").allowed == 1);
    assert_all(!offerable_at(&products, 3, 0.0, 0.2) && offerable_at(&products, 3, 0.0, 0.1));
    assert_all(!offerable_at(&products, 4, 0.0, 0.0)); /* no price is known */
}

/* Product 0 at 10.00 with floors of its own: each forbids by itself. */
static void floors_of_products(void **state)
{
    (void)state;
    static double price_floor[6] = {8.5, 0.0, 0.0, 0.0, 0.0, 0.0};
    static double margin_floor[6] = {0.3, NAN, NAN, NAN, NAN, NAN};
    const char *settings = "levels: [0, 0.1, 0.15, 0.16, 0.4]\n  margin_floor: 0.1";
    products.price_floor = price_floor;
    struct slot_cells c = cells_of(0, settings);
    assert_all(c.allowed == 7 && c.forbidden[CELL_PRICE_FLOOR] == 24); /* 8.50 is allowed */
    assert_all(c.forbidden[CELL_MARGIN_FLOOR] == 16);                  /* 6.00 at a cost of 6.00 */
    products.margin_floor = margin_floor;
    c = cells_of(0, settings); /* 6.00 / 0.7 = 8.571 */
    assert_all(c.allowed == 3 && c.forbidden[CELL_MARGIN_FLOOR] == 28);
    assert_all(offerable_margin_floor(&products, 0, 0.1) == 0.3);
    assert_all(offerable_margin_floor(&products, 1, 0.1) == 0.1);
    assert_all(cells_of(1, settings).forbidden[CELL_PRICE_FLOOR] == 0);
    price_floor[0] = 10.01; /* not to be sold at its list price: no candidate, and no discount */
    assert_all(!offerable_at(&products, 0, 0.0, 0.0) && cells_of(0, settings).allowed == 1);
    price_floor[0] = 8.5;
    products.price_floor = products.margin_floor = NULL;
}

/* A discount leads below what everybody paid of late, by a cent at least; level 0 stays. */
static void the_reference_price(void **state)
{
    (void)state;
    static int64_t cents[6] = {900, 999, 10, 1000, 0, 2000};
    static const struct reference known = {.cents = cents};
    reference = &known;
    const char *settings = "levels: [0, 0.05, 0.1, 0.101, 0.2]\n  margin_floor: 0";
    struct slot_cells c = cells_of(0, settings);
    assert_all(c.forbidden[CELL_REFERENCE] == 6 && c.allowed == 25); /* 9.50, 9.00; not 8.99 */
    assert_all(cells_of(1, settings).forbidden[CELL_REFERENCE] == 0);
    assert_all(cells_of(2, settings).forbidden[CELL_REFERENCE] == 2); /* 0.10 is printed */
    c = cells_of(0, "levels: [0, 0.05, 0.1]\n  margin_floor: 0\n  reference_rule: report");
    assert_all(c.allowed == 7 && c.forbidden[CELL_REFERENCE] == 0);
    c = cells_of(0, "levels: [0, 0.05, 0.1]\n  margin_floor: 0\n  reference_days: 0");
    assert_all(c.allowed == 7);
    reference = NULL;
}

/* 20 % off product 0; 25 % off its category, for market 1 alone; 10 % off product 1, for segment 3;
 * 30 % off that for all, a little later. */
static const struct promotion promoted[] = {{.product = 0,
                                             .category = -1,
                                             .market = -1,
                                             .segment = -1,
                                             .audience = -1,
                                             .end = 9,
                                             .discount = 0.2},
                                            {.product = -1,
                                             .category = 0,
                                             .market = 1,
                                             .segment = -1,
                                             .audience = -1,
                                             .end = 9,
                                             .discount = 0.25},
                                            {.product = 1,
                                             .category = -1,
                                             .market = -1,
                                             .segment = 3,
                                             .audience = -1,
                                             .end = 9,
                                             .discount = 0.1},
                                            {.product = 1,
                                             .category = -1,
                                             .market = -1,
                                             .segment = -1,
                                             .audience = -1,
                                             .start = 3,
                                             .end = 9,
                                             .discount = 0.3}};
static int32_t rows_running[] = {0, 3, 2, 1};
static int64_t first_running[] = {0, 1, 3, 3, 3, 3, 3, 4};
static int32_t market = -1, segment = 2;
static const struct running runs = {.promotion = promoted,
                                    .products = &products,
                                    .count = 3,
                                    .end = 9,
                                    .listed = 4,
                                    .row = rows_running,
                                    .start = first_running,
                                    .market = &market,
                                    .segment = &segment};

static void what_runs_for_a_user(void **state)
{
    (void)state;
    assert_all(running_find(&runs, 0, 0) == 0 && running_find(&runs, 0, 1) == -1);
    segment = 3;
    assert_all(running_find(&runs, 0, 1) == 2 && running_find(&runs, 0, 2) == -1);
    market = 1; /* every product is of category 0 */
    assert_all(running_find(&runs, 0, 0) == 1 && running_find(&runs, 0, 1) == 1);
    assert_all(running_find(NULL, 0, 0) == -1 && running_discount(&runs, -1) == 0.0);
    assert_all(running_deepest(NULL, 0, 0) == -1 && running_deepest(&runs, 0, 0) == 1);
    market = -1, segment = 2;
    assert_all(running_deepest(&runs, 0, 1) == 3 && running_deepest(&runs, 0, 2) == -1);
}

static void prices_that_last(void **state)
{
    (void)state;
    struct running longer = runs;
    assert_all(running_lasts(&runs, 0, 0) && running_lasts(&runs, 0, 2));
    assert_all(!running_lasts(&runs, 0, 1) && running_lasts(NULL, 0, 1)); /* 30 % to come */
    longer.end = 10;
    assert_all(!running_lasts(&longer, 0, 0) && running_lasts(&longer, 0, 2));
}

/* The label is what the user is to have in all: 20 % run already, 28 % are nearest to 25 %. */
static void labels_count_the_promotion(void **state)
{
    (void)state;
    static float discount[] = {0.25f};
    static const struct labels foretold = {.discount = discount};
    const char *settings = "levels: [0, 0.1, 0.25]\n  margin_floor: 0";
    labels = &foretold;
    struct slot_cells c = cells_of(0, settings);
    assert_all(c.value[0] == -6250000 && c.value[1] == -2250000 && c.value[2] == 0);
    running = &runs;
    c = cells_of(0, settings);
    assert_all(c.value[0] == -250000 && c.value[1] == -90000 && c.value[2] == -2250000);
    running = NULL;
    labels = NULL;
}

/* What begins while the table holds is not in its price, and floors hold beside it all the same. */
static void promotions_that_come(void **state)
{
    (void)state;
    const char *settings = "levels: [0, 0.1, 0.2, 0.3]\n  margin_floor: 0.6";
    struct slot_cells plain = cells_of(1, settings);
    running = &runs;
    struct slot_cells c = cells_of(1, settings);
    assert_all(c.promotion == -1 && c.price_cents[3] == 699 && plain.price_cents[3] == 699);
    assert_all(c.cost[3] == plain.cost[3] && plain.allowed == 15);
    assert_all(c.forbidden[CELL_MARGIN_FLOOR] == 8); /* 4.90, of which 2.00 are more than 0.4 */
    c = cells_of(1, "levels: [0, 0.1, 0.2, 0.3]\n  combined_most: 0.37");
    assert_all(c.forbidden[CELL_COMBINED] == 12);
    c = cells_of(1, "levels: [0, 0.2, 0.3, 0.4]\n  stacking: best");
    assert_all(c.forbidden[CELL_STACKING] == 0 && c.allowed == 15);
    running = NULL;
}

/* Reference prices are those before a promotion that runs: the earliest of a product, of its own or
 * its category's; what is over, or has no start, changes nothing. */
static void promotions_began_before(void **state)
{
    (void)state;
    static struct promotion shop[] = {
        {.product = 1, .category = -1, .start = 50, .end = 101},
        {.product = 1, .category = -1, .start = 10, .end = 100}, /* ends with the moment */
        {.product = 2, .category = -1, .start = INT64_MIN, .end = INT64_MAX},
        {.product = 3, .category = -1, .start = 101, .end = INT64_MAX},
        {.product = 0, .category = -1, .start = 20, .end = 101}, /* not for all */
        {.product = 5, .category = -1, .start = 30, .end = 101}, /* takes nothing off */
        {.product = -1, .category = 0, .start = 90, .end = INT64_MAX}};
    struct dataset dataset = {.products = products, .promotions = {.count = 6, .promotion = shop}};
    int64_t since[6];
    for (int i = 0; i < 7; i++) {
        shop[i].market = i == 4 ? 2 : -1;
        shop[i].segment = shop[i].audience = -1;
        shop[i].discount = i == 5 ? 0.0 : 0.1;
    }
    dataset.products.category.count = 1;
    assert_all(running_since(&dataset, 100, since) == OK);
    assert_all(since[0] == 100 && since[1] == 50 && since[2] == 100 && since[3] == 100);
    assert_all(since[5] == 100);
    dataset.promotions.count = 7; /* every product is of category 0 */
    assert_all(running_since(&dataset, 100, since) == OK);
    assert_all(since[0] == 90 && since[1] == 50 && since[2] == 90 && since[5] == 90);
}

static void levels_stack_on_promotions(void **state)
{
    (void)state;
    running = &runs;
    struct slot_cells c = cells_of(0, "levels: [0, 0.1, 0.25]\n  margin_floor: 0");
    assert_all(c.promotion == 0 && c.allowed == 7); /* 28 %, 40 % */
    assert_all(c.price_cents[0] == 800 && c.price_cents[1] == 720 && c.price_cents[2] == 600);
    double without = 1.0 / (1.0 + exp(-0.4)), with = 1.0 / (1.0 + exp(-0.8));
    assert_close(c.chance[0], without, 1e-15);
    assert_close(c.chance[2], with, 1e-15);
    assert_all(c.cost[0] == 0 && c.cost[2] == llround_of(with, 200.0));
    assert_all(c.profit[0] == llround_of(without, 200.0) && c.profit[2] == 0);
    assert_all(c.surplus[2] == llround(50000.0 * log1p(exp(0.8))));
    c = cells_of(0, "levels: [0, 0.1, 0.25]\n  margin_floor: 0\n  stacking: add");
    assert_all(c.price_cents[1] == 700 && c.price_cents[2] == 550);
    assert_all(c.forbidden[CELL_MARGIN_FLOOR] == 4 && c.allowed == 3); /* below cost together */
    c = cells_of(0, "levels: [0, 0.1, 0.2, 0.25]\n  stacking: best");
    assert_all(c.price_cents[1] == 800 && c.price_cents[2] == 800 && c.price_cents[3] == 750);
    assert_all(c.forbidden[CELL_STACKING] == 6 && c.allowed == 9 && c.cost[1] == 0);
    c = cells_of(1, "levels: [0, 0.1]\n  stacking: best"); /* for another segment */
    assert_all(c.promotion == -1 && c.allowed == 3 && c.forbidden[CELL_STACKING] == 0);
    running = NULL;
}

/* At the cap is allowed, and a promotion beyond it stays as it is. */
static void promotions_and_levels_together(void **state)
{
    (void)state;
    const char *settings = "levels: [0, 0.1, 0.11]\n  stacking: add\n  combined_most: 0.3";
    running = &runs;
    struct slot_cells c = cells_of(0, settings);
    assert_all(c.forbidden[CELL_COMBINED] == 4 && c.allowed == 3);
    c = cells_of(0, "levels: [0, 0.1]\n  combined_most: 0.1");
    assert_all(c.forbidden[CELL_COMBINED] == 2 && c.allowed == 1 && c.price_cents[0] == 800);
    c = cells_of(2, "levels: [0, 0.5]\n  combined_most: 0.1"); /* nothing runs: no cap */
    assert_all(c.forbidden[CELL_COMBINED] == 0 && c.allowed == 3);
    running = NULL;
}

/* A purchase counts as much money as its weight, and what it adds to the user's value. */
static void purchases_and_lifetime(void **state)
{
    (void)state;
    static const double more[] = {12.5};
    const char *settings = "levels: [0, 0.25]\n  objective: {profit: 0, purchases: 3, lifetime: 2}";
    struct slot_cells c = cells_of(0, settings);
    assert_all(c.lifetime[0] == 0 && c.value[0] == 15000); /* chance 0.5 at 3 each */
    lifetime = more;
    c = cells_of(0, settings);
    assert_all(c.lifetime[0] == 62500 && c.value[0] == 15000 + 2 * 62500);
    assert_all(c.lifetime[1] == llround(125000.0 * c.chance[1]));
    assert_all(c.value[1] == llround(1e4 * c.chance[1]) * 3 + 2 * c.lifetime[1]);
    lifetime = NULL;
}

static void no_candidate(void **state)
{
    (void)state;
    struct slot_cells c = cells_of(6, "levels: [0, 0.1]");
    assert_all(c.product == -1 && c.allowed == 1 && c.value[0] == 0 && c.cost[0] == 0);
}

/* The dearest product and the steepest curve that can be: nothing overflows. */
static void large_numbers(void **state)
{
    (void)state;
    feclearexcept(FE_ALL_EXCEPT);
    struct slot_cells c =
        cells_of(5, "levels: [0, 0.95]\n  objective: {profit: 1000, surplus: 1000}");
    assert_all(c.price_cents[0] == 2099999999 && c.revenue[1] > 0);
    assert_all(c.surplus[1] > c.surplus[0] && c.surplus[1] < INT64_C(210000000000));
    assert_all(c.value[1] > 0 && fetestexcept(FE_INVALID | FE_OVERFLOW) == 0);
}

static void more_discount_never_sells_less(void **state)
{
    (void)state;
    for (int slot = 0; slot < SLOTS - 1; slot++) {
        struct slot_cells c = cells_of(slot, "levels: [0, 0.01, 0.1, 0.3, 0.6, 0.95]");
        bool rising = true;
        for (int k = 1; k < 6; k++)
            rising = rising && c.chance[k] >= c.chance[k - 1] && c.cost[k] >= c.cost[k - 1] &&
                     c.price_cents[k] <= c.price_cents[k - 1] && c.surplus[k] >= c.surplus[k - 1];
        assert_all(rising);
    }
}

static void settings_that_make_no_cells(void **state)
{
    (void)state;
    assert_all(cells_of(0, "levels: [0.05, 0.1]").product == -(int64_t)ERR_CONFIG - 1);
    assert_all(strstr(status_message(), "allocate.levels") != NULL);
    assert_all(cells_of(0, "objective: {profit: 0}").product == -(int64_t)ERR_CONFIG - 1);
    assert_all(strstr(status_message(), "allocate.objective") != NULL);
    char many[512] = "levels: [0";
    for (int k = 1; k <= CELL_LEVELS; k++) {
        char one[16];
        snprintf(one, sizeof one, ", %.2f", 0.01 * k);
        strcat(many, one);
    }
    strcat(many, "]");
    assert_all(cells_of(0, many).product == -(int64_t)ERR_CONFIG - 1);
}

/* Product 0 is a neighbour of products 1 and 3: a discount on it takes from both, not the other
 * way round. */
static void what_is_taken_from_neighbours(void **state)
{
    (void)state;
    enum { MOST = 2 };
    static int32_t neighbour[6 * MOST] = {-1, -1, 5, 0, -1, -1, 0, -1, -1, -1, -1, -1};
    static double weight[6 * MOST] = {0, 0, 0.75, 0.25, 0, 0, 1, 0, 0, 0, 0, 0};
    double elasticity = 1.0;
    struct demand with = {.cross = {.units = 1, .shrunk = &elasticity},
                          .neighbours = {6, MOST, neighbour, weight}};
    const char *settings = "levels: [0, 0.1, 0.25]";
    struct slot_cells alone = cells_of(0, settings), other = cells_of(1, settings);
    demand = &with;
    struct slot_cells c = cells_of(0, settings);
    assert_all(c.taken[0] == 0.0 && c.profit[0] == alone.profit[0]);
    /* chance of each times 1 - 0.9^(elasticity x weight) */
    double first = (1.0 - pow(0.9, 0.25)) / (1.0 + exp(1.0)), third = 0.1 / (1.0 + exp(-0.5));
    double added = c.chance[1] - c.chance[0], share = added / (first + third);
    assert_all(share < 1.0); /* no more is taken than is won */
    assert_close(c.taken[1], added, 1e-12);
    assert_all(c.taken_revenue[1] == llround(100.0 * share * (999.0 * first + 1000.0 * third)));
    assert_all(c.taken_profit[1] == llround(100.0 * share * (799.0 * first + 100.0 * third)));
    assert_all(llabs(c.profit[1] - alone.profit[1] + c.taken_profit[1]) <= 1);
    assert_all(c.value[1] == c.profit[1] && c.cost[1] == alone.cost[1]);
    elasticity = 0.1;
    c = cells_of(0, settings);
    first = -expm1(0.025 * log(0.75)) / (1.0 + exp(1.0));
    third = -expm1(0.1 * log(0.75)) / (1.0 + exp(-0.5));
    assert_close(c.taken[2], first + third, 1e-12);
    assert_all(c.taken_revenue[2] == llround(100.0 * (999.0 * first + 1000.0 * third)));
    c = cells_of(1, settings); /* no neighbour of another that is offered */
    assert_all(c.taken[2] == 0.0 && c.profit[2] == other.profit[2]);
    elasticity = -2.0; /* complements are not credited */
    c = cells_of(0, settings);
    assert_all(c.taken[2] == 0.0 && c.profit[2] == alone.profit[2]);
    elasticity = NAN;
    c = cells_of(0, settings);
    assert_all(c.taken[2] == 0.0 && c.profit[2] == alone.profit[2]);
    demand = NULL;
}

static int start(void **state)
{
    (void)state;
    scratch_open();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    scratch_close();
    return 0;
}

/* Halves, their neighbours, whole numbers and what no fraction can stand behind. */
static void rounded_as_llround(void **state)
{
    (void)state;
    static const double whole[] = {0.0, 1.0, 2.0, 1e6 + 1.0, 0x1p51, 0x1p52, 0x1p53, 0x1p62};
    static const double part[] = {0.0, 0.25, 0.5, 0.75};
    int64_t wrong = 0;
    for (size_t w = 0; w < sizeof whole / sizeof *whole; w++)
        for (size_t p = 0; p < sizeof part / sizeof *part; p++) {
            double x = whole[w] + part[p], at[] = {nextafter(x, 0.0), x, nextafter(x, 1e300)};
            for (size_t k = 0; k < 3; k++)
                wrong += rounded(at[k]) != llround(at[k]) || rounded(-at[k]) != llround(-at[k]);
        }
    assert_all(wrong == 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

TEST_MAIN(TEST(money_as_by_hand), TEST(the_objective_is_a_weighted_sum),
          TEST(prices_are_whole_cents), TEST(the_margin_floor), TEST(the_reference_price),
          TEST(floors_of_products), TEST(purchases_and_lifetime), TEST(no_candidate),
          TEST(large_numbers), TEST(more_discount_never_sells_less), TEST(what_runs_for_a_user),
          TEST(prices_that_last), TEST(labels_count_the_promotion), TEST(promotions_that_come),
          TEST(promotions_began_before), TEST(levels_stack_on_promotions),
          TEST(promotions_and_levels_together), TEST(settings_that_make_no_cells),
          TEST(rounded_as_llround), TEST(what_is_taken_from_neighbours))
