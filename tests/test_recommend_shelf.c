/* Products that nobody dealt with and that cannot be offered leave the shelf. */
#include "tests/folders.h"
#include "tests/tiny_shop.h"

#include "jobs/recommend_shelf.h"

enum { PRODUCTS = 5 };

static const struct tiny_product products[PRODUCTS] = {
    {"a", "x", 10.0, 5.0}, {"b", "x", 0.0, 0.0}, {"c", "y", 8.0, 4.0},
    {"d", "y", 7.0, 7.0},  {"e", "x", 6.0, 1.0},
};
static const struct tiny_event events[] = {{0, 100, 0, EVENT_PURCHASE, 1000, 1000, 1000},
                                           {1, 100, 3, EVENT_VIEW, 1000, 0, 0}};
static const struct tiny_shop shop = {
    .users = 2, .products = PRODUCTS, .events = 2, .product = products, .event = events};

static struct config *settings(void)
{
    static const char text[] = "events:\n  file: e.csv\n  columns: {user_id: u, product_id: p, "
                               "time: t, unit_price: c}\nallocate: {margin_floor: 0.1}\n";
    struct config *config = NULL;
    char *path = scratch_share("shelf.yaml", text, sizeof text - 1);
    assert_all(config_read(&world, path, NULL, &config) == OK);
    free(path);
    return config;
}

/* b has no price, d too dear a cost but was looked at, c is out of stock. */
static void what_stays(void **state)
{
    (void)state;
    static const double stock[PRODUCTS] = {3.0, 4.0, 0.0, 6.0, 7.0};
    scratch_open();
    struct config *config = settings();
    struct dataset *dataset = tiny_open(&world, &shop);
    struct recommend_shelf shelf = {0};
    struct products *p = &dataset->products;
    TINY_NEW(p->stock, PRODUCTS);
    memcpy(p->stock, stock, sizeof stock);
    assert_all(recommend_shelf_make(&world, config, dataset, &shelf) == OK);
    assert_all(shelf.count == 3 && p->count == 3 && p->id.count == 3);
    assert_all(shelf.product[0] == 0 && shelf.product[1] == 3 && shelf.product[2] == 4);
    assert_all(p->stock[0] == 3.0 && p->stock[1] == 6.0 && p->stock[2] == 7.0);
    assert_all(p->list_price[1] == 7.0 && p->unit_cost[2] == 1.0);
    assert_all(strcmp(dictionary_text(&p->id, 1), "d") == 0 && p->category_code[1] == 1);
    int64_t looked = tiny_row(dataset, 1);
    assert_all(looked < 0 || dataset->events.product[dataset->events.start[looked]] == 1);
    recommend_shelf_clear(&shelf);
    dataset_free(&dataset);
    config_free(&config);
    scratch_close();
}

TEST_MAIN(cmocka_unit_test(what_stays))
