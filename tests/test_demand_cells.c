/* Sales by product, week and segment: by hand, and the same cells whoever made and owns them. */
#include "tests/tiny_shop.h"

#include "jobs/demand_prices.h"

enum { WEEK = DEMAND_WEEK_SECONDS };

static const struct tiny_product products[] = {
    {"apple", "fruit", 2.0, 1.0}, {"bread", "bakery", 3.0, 1.0}, {"pear", "fruit", 2.0, 1.0}};

/* The first event of all is at second 1000; weeks are counted from the day it falls on. */
static const struct tiny_event events[] = {{0, 1000, 2, EVENT_VIEW, 1000, 0, 0},
                                           {0, 2000, 1, EVENT_PURCHASE, 1000, 300, 310},
                                           {0, WEEK - 1, 1, EVENT_PURCHASE, 2000, 500, 620},
                                           {1, 1500, 1, EVENT_PURCHASE, 500, 150, 155},
                                           {1, WEEK, 1, EVENT_PURCHASE, 1000, 310, 310},
                                           {1, WEEK, 1, EVENT_RETURN, 1000, 310, 310},
                                           {2, 3 * WEEK, 0, EVENT_PURCHASE, 1000, 200, 200},
                                           {3, 3 * WEEK, 0, EVENT_PURCHASE, 3000, 450, 600},
                                           {4, 3 * WEEK, 0, EVENT_PURCHASE, 1000, 200, 200},
                                           {5, 2 * WEEK, 2, EVENT_CART, 1000, 190, 200}};

/* Of the purchases one of users 2 and 3, and two of bread, were on a promotion. */
static const uint8_t promotion[sizeof events / sizeof *events] = {1, 1, 0, 1, 0, 1, 0, 1, 0, 1};

static const struct tiny_shop shop = {.users = 6,
                                      .products = 3,
                                      .events = sizeof events / sizeof *events,
                                      .product = products,
                                      .event = events,
                                      .promotion = promotion};

/* Users 0, 1, 4 and 5 are in segment 0, users 2 and 3 in segment 1. */
static int32_t segment_of(int user)
{
    return user == 2 || user == 3;
}

static int32_t *segments(const struct dataset *d)
{
    int32_t *segment = NULL;
    TINY_NEW(segment, d->users.blocks.rows_local * DEMAND_FOLDS);
    for (int64_t u = 0; u < d->users.blocks.rows_local; u++)
        for (int f = 0; f < DEMAND_FOLDS; f++)
            segment[u * DEMAND_FOLDS + f] = segment_of(tiny_user(d, u));
    return segment;
}

/* All cells in the order of their owners. */
static void gather(const struct demand_cells *cells, struct demand_cell **all, int64_t *count)
{
    void *got = NULL;
    if (comm_gather_all(&world, cells->cell, cells->cells * (int64_t)sizeof **all, &got, count) !=
        OK)
        abort();
    *count /= (int64_t)sizeof **all;
    *all = got;
}

static void as_by_hand(void **state)
{
    (void)state;
    static const struct demand_cell expected[] = {{0, 0, 3, 1, 2000000, 0},
                                                  {0, 1, 3, 2, 3500000, 1},
                                                  {1, 0, 0, 3, 8500000, 2},
                                                  {1, 0, 1, 1, 3100000, 0}};
    struct dataset *d = tiny_open(&world, &shop);
    int32_t *segment = segments(d);
    struct demand_cells cells;
    struct demand_cell *all = NULL;
    int64_t count = 0;
    assert_all(demand_cells_make(&world, d, segment, NULL, &cells) == OK);
    assert_all(cells.products.rows_total == 3);
    gather(&cells, &all, &count);
    assert_all(count == 4 && memcmp(all, expected, sizeof expected) == 0);
    /* three products are one block: one rank owns all */
    assert_all(cells.cells == (cells.products.rows_local > 0 ? 4 : 0));
    demand_cells_clear(&cells);
    assert_all(cells.cell == NULL);
    free(all);
    free(segment);
    dataset_free(&d);
}

enum { MANY_PRODUCTS = 300, MANY_USERS = 40, MANY_EVENTS = 5000 };

static struct tiny_shop large_shop(struct tiny_product *product, char (*text)[8],
                                   struct tiny_event *event)
{
    for (int p = 0; p < MANY_PRODUCTS; p++) {
        snprintf(text[p], sizeof text[p], "p%04d", p);
        product[p] = (struct tiny_product){text[p], "all", 1.0, 0.5};
    }
    for (int e = 0; e < MANY_EVENTS; e++)
        event[e] =
            (struct tiny_event){e * 7 % MANY_USERS,    (int64_t)e * 700,
                                e * e % MANY_PRODUCTS, e % 5 == 0 ? EVENT_VIEW : EVENT_PURCHASE,
                                1000 + e % 3,          100 + e % 11,
                                120 + e % 13};
    struct tiny_shop shop_of_many = {
        .users = MANY_USERS, .products = MANY_PRODUCTS, .events = MANY_EVENTS};
    shop_of_many.product = product;
    shop_of_many.event = event;
    return shop_of_many;
}

/* Ascending and distinct, at their owners, nothing lost; the cells of one rank alone. */
static void same_cells_on_any_ranks(void **state)
{
    (void)state;
    static struct tiny_product product[MANY_PRODUCTS];
    static char text[MANY_PRODUCTS][8];
    static struct tiny_event event[MANY_EVENTS];
    struct comm self = comm_self();
    struct tiny_shop large = large_shop(product, text, event);
    struct dataset *mine = tiny_open(&world, &large), *whole = tiny_open(&self, &large);
    int32_t *segment = segments(mine), *segment_alone = segments(whole);
    struct demand_cells cells, alone;
    struct demand_cell *all = NULL;
    int64_t count = 0, paid = 0, sold = 0;
    assert_all(demand_cells_make(&world, mine, segment, NULL, &cells) == OK);
    assert_all(demand_cells_make(&self, whole, segment_alone, NULL, &alone) == OK);
    gather(&cells, &all, &count);
    assert_all(count == alone.cells);
    assert_all(memcmp(all, alone.cell, (size_t)count * sizeof *all) == 0);
    bool owned = true;
    for (int64_t i = 0; i < cells.cells; i++)
        owned = owned && cells.cell[i].product >= cells.products.row_first &&
                cells.cell[i].product < cells.products.row_first + cells.products.rows_local;
    for (int64_t i = 0; i < count; i++) paid += all[i].sales;
    for (int e = 0; e < MANY_EVENTS; e++) sold += event[e].kind == EVENT_PURCHASE;
    assert_all(owned && paid == sold && count < MANY_EVENTS * 4 / 5);
    demand_cells_clear(&cells);
    demand_cells_clear(&alone);
    free(all);
    free(segment);
    free(segment_alone);
    dataset_free(&mine);
    dataset_free(&whole);
}

static void nothing_sold(void **state)
{
    (void)state;
    struct tiny_shop quiet = shop;
    quiet.events = 1;
    struct dataset *d = tiny_open(&world, &quiet);
    int32_t *segment = segments(d);
    struct demand_cells cells;
    assert_all(demand_cells_make(&world, d, segment, NULL, &cells) == OK && cells.cells == 0);
    demand_cells_clear(&cells);
    free(segment);
    dataset_free(&d);
}

/* The first purchase from a redeemed offer on is at a price of the user's own, others are not. */
static void personal_prices(void **state)
{
    (void)state;
    static const struct tiny_event bought[] = {
        {0, 1000, 0, EVENT_PURCHASE, 1000, 200, 200}, {0, 2000, 0, EVENT_VIEW, 1000, 150, 200},
        {0, 3000, 0, EVENT_PURCHASE, 1000, 150, 200}, {0, 4000, 0, EVENT_PURCHASE, 1000, 200, 200},
        {1, 3000, 0, EVENT_PURCHASE, 1000, 200, 200}, {2, 3000, 1, EVENT_PURCHASE, 1000, 300, 300}};
    static const struct tiny_offer given[] = {
        {.user = 0, .time = 2000, .product = 0, .discount = 0.25f, .flags = 1 | OFFER_REDEEMED},
        {.user = 1, .time = 2000, .product = 0, .discount = 0.25f, .flags = 1},
        {.user = 2, .time = 2000, .product = 0, .discount = 0.25f, .flags = 1 | OFFER_REDEEMED}};
    struct tiny_shop with = shop;
    with.event = bought;
    with.events = sizeof bought / sizeof *bought;
    with.offer = given;
    with.offers = sizeof given / sizeof *given;
    struct dataset *d = tiny_open(&world, &with);
    bool *personal = NULL;
    int64_t count = 0, row = tiny_row(d, 0);
    assert_all(demand_personal_mark(d, &personal, &count) == OK);
    comm_sum_int64(&world, &count, 1);
    assert_all(count == 1);
    assert_all(row < 0 || personal[d->events.start[row] + 2]);
    free(personal);
    dataset_free(&d);
}

/* What was paid a unit in a week with a sale; none in others. */
static void prices_of_weeks(void **state)
{
    (void)state;
    struct dataset *d = tiny_open(&world, &shop);
    int32_t *segment = segments(d);
    struct demand_cells cells;
    struct demand_prices prices;
    assert_all(demand_weeks(d) == 4);
    assert_all(demand_cells_make(&world, d, segment, NULL, &cells) == OK);
    assert_all(demand_prices_make(&world, &cells, 4, &prices) == OK);
    assert_all(prices.products == 3 && prices.weeks == 4);
    assert_close(prices.x[3], log(5.5 / 3.0), 1e-15); /* apple, week 3 */
    assert_close(prices.x[4], log(8.5 / 3.0), 1e-15); /* bread, weeks 0 and 1 */
    assert_close(prices.x[5], log(3.1), 1e-15);
    for (int t = 0; t < 12; t++)
        if (t < 3 || t > 5) assert_all(isnan(prices.x[t]));
    const double share[] = {1.0 / 3.0, 2.0 / 3.0, 0.0};
    bool here = cells.products.rows_local > 0;
    for (int t = 0; t < 3; t++)
        assert_close(here ? prices.promoted[3 + t] : share[t], share[t], 0.0);
    demand_prices_clear(&prices);
    demand_cells_clear(&cells);
    free(segment);
    dataset_free(&d);
}

static void survives_faults(void **state)
{
    (void)state;
    struct dataset *d = tiny_open(&world, &shop);
    int32_t *segment = segments(d);
    struct demand_cells cells;
    comm_inject_fault(-1, 0);
    assert_all(demand_cells_make(&world, d, segment, NULL, &cells) == OK);
    demand_cells_clear(&cells);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            assert_all(demand_cells_make(&world, d, segment, NULL, &cells) == ERR_BUG);
            assert_all(cells.cell == NULL);
        }
    comm_inject_fault(-1, 0);
    free(segment);
    dataset_free(&d);
}

TEST_MAIN(cmocka_unit_test(as_by_hand), cmocka_unit_test(same_cells_on_any_ranks),
          cmocka_unit_test(nothing_sold), cmocka_unit_test(personal_prices),
          cmocka_unit_test(prices_of_weeks), cmocka_unit_test(survives_faults))
