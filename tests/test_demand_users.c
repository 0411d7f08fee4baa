/* Users behind the elasticities: each once in a category and in a segment, whoever owns them. */
#include "tests/tiny_shop.h"

#include "jobs/demand_cells.h"
#include "jobs/demand_users.h"

static const struct tiny_product products[] = {{"apple", "fruit", 2.0, 1.0},
                                               {"bread", "bakery", 3.0, 1.0},
                                               {"pear", "fruit", 2.0, 1.0},
                                               {"soap", "care", 2.0, 1.0}};

/* User 0 buys two fruits, user 1 an apple twice and bread, user 2 looks at soap, user 3 returns. */
static const struct tiny_event events[] = {
    {0, 10, 0, EVENT_PURCHASE, 1000, 200, 200}, {0, 20, 2, EVENT_PURCHASE, 1000, 200, 200},
    {1, 10, 0, EVENT_PURCHASE, 1000, 200, 200}, {1, 20, 1, EVENT_PURCHASE, 1000, 300, 300},
    {1, 30, 0, EVENT_PURCHASE, 1000, 200, 200}, {2, 10, 3, EVENT_VIEW, 1000, 0, 0},
    {3, 10, 3, EVENT_RETURN, 1000, 200, 200}};

/* User 1 bought twice on a promotion; what users 2 and 3 did there is no purchase. */
static const uint8_t promotion[sizeof events / sizeof *events] = {0, 0, 0, 1, 1, 1, 1};

static const struct tiny_shop shop = {.users = 5,
                                      .products = 4,
                                      .events = sizeof events / sizeof *events,
                                      .product = products,
                                      .event = events,
                                      .promotion = promotion};

static int64_t users_of(const struct dataset *d, const struct demand *demand, const char *category)
{
    for (int64_t c = 0; c < demand->category.units; c++)
        if (strcmp(dictionary_text(&d->products.category, c), category) == 0)
            return demand->category.users[c];
    return -1;
}

/* Users 0 and 2 are in segment 0, the others in segment 1, and segment 2 is empty. */
static void by_hand(void **state)
{
    (void)state;
    struct dataset *d = tiny_open(&world, &shop);
    struct demand demand = {0};
    int32_t *segment = NULL;
    TINY_NEW(segment, d->users.blocks.rows_local * DEMAND_FOLDS);
    for (int64_t i = 0; i < d->users.blocks.rows_local * DEMAND_FOLDS; i++)
        segment[i] =
            tiny_user(d, i / DEMAND_FOLDS) == 0 || tiny_user(d, i / DEMAND_FOLDS) == 2 ? 0 : 1;
    assert_all(elasticities_init(&demand.category, d->products.category.count) == OK);
    assert_all(elasticities_init(&demand.segment, 3) == OK);
    assert_all(elasticities_init(&demand.product, 4) == OK);
    assert_all(elasticities_init(&demand.brand, 1) == OK);
    assert_all(elasticities_init(&demand.promotion, 1) == OK);
    assert_all(elasticities_init(&demand.cross, demand.category.units) == OK);
    for (int again = 0; again < 2; again++) { /* what stood there does not matter */
        assert_all(demand_users_count(&world, d, segment, &demand) == OK);
        assert_all(users_of(d, &demand, "fruit") == 2 && users_of(d, &demand, "bakery") == 1);
        assert_all(users_of(d, &demand, "care") == 0);
        assert_all(demand.segment.users[0] == 1 && demand.segment.users[1] == 1);
        assert_all(demand.segment.users[2] == 0);
        assert_all(demand.product.users[0] == 2 && demand.product.users[1] == 1);
        assert_all(demand.product.users[2] == 1 && demand.product.users[3] == 0);
        assert_all(demand.brand.users[0] == 2 && demand.promotion.users[0] == 1);
        assert_all(memcmp(demand.cross.users, demand.category.users,
                          (size_t)demand.cross.units * sizeof *demand.cross.users) == 0);
    }
    comm_inject_fault(0, world.ranks - 1);
    assert_all(demand_users_count(&world, d, segment, &demand) != OK);
    comm_inject_fault(-1, 0);
    demand_clear(&demand);
    free(segment);
    dataset_free(&d);
}

TEST_MAIN(cmocka_unit_test(by_hand))
