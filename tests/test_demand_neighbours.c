/* Products that the same users buy: by hand, and the same neighbours whoever counts them. */
#include "tests/tiny_shop.h"
#include "tests/uniform.h"

#include "jobs/demand_neighbours.h"

#include <math.h>

static const struct tiny_product products[] = {{"apple", "fruit", 2.0, 1.0},
                                               {"bread", "bakery", 3.0, 1.0},
                                               {"melon", "fruit", 2.0, 1.0},
                                               {"pear", "fruit", 2.0, 1.0}};

enum { APPLE, BREAD, MELON, PEAR, PRODUCTS, USERS = 12 };

/* Users 0 to 4 buy apples and melons, 5 to 9 apples and pears, the rest melons; all of the first
 * ten bread; nobody but user 11 ten times the same, and views do not count. */
static int64_t fill(struct tiny_event *event, int melons_alone)
{
    int64_t at = 0;
    for (int u = 0; u < 10 + melons_alone; u++) {
        const int32_t fruit = u < 5 || u >= 10 ? MELON : PEAR;
        event[at++] = (struct tiny_event){u, 100, fruit, EVENT_PURCHASE, 1000, 200, 200};
        if (u < 10) {
            event[at++] = (struct tiny_event){u, 200, APPLE, EVENT_PURCHASE, 1000, 200, 200};
            event[at++] = (struct tiny_event){u, 300, BREAD, EVENT_PURCHASE, 1000, 200, 200};
            event[at++] = (struct tiny_event){u, 400, APPLE, EVENT_PURCHASE, 1000, 200, 200};
        }
        event[at++] = (struct tiny_event){u, 500, u % PRODUCTS, EVENT_VIEW, 1000, 0, 0};
    }
    return at;
}

static struct dataset *open_shop(struct tiny_event *event, int melons_alone)
{
    struct tiny_shop shop = {.users = USERS, .products = PRODUCTS, .product = products};
    shop.events = fill(event, melons_alone);
    shop.event = event;
    return tiny_open(&world, &shop);
}

static void as_by_hand(void **state)
{
    (void)state;
    struct tiny_event event[5 * USERS];
    struct demand_neighbours n;
    struct dataset *d = open_shop(event, 2);
    const double melon = 5.0 / sqrt(70.0), pear = 5.0 / sqrt(50.0);
    assert_all(demand_neighbours_find(&world, d, 3, 1, &n) == OK);
    assert_all(n.products == PRODUCTS && n.most == 3);
    const int32_t expected[PRODUCTS * 3] = {PEAR,  MELON, -1, -1,    -1, -1,
                                            APPLE, -1,    -1, APPLE, -1, -1};
    assert_all(memcmp(n.product, expected, sizeof expected) == 0);
    assert_close(n.weight[0], pear / (melon + pear), 1e-15);
    assert_close(n.weight[1], melon / (melon + pear), 1e-15);
    assert_all(n.weight[2] == 0.0 && n.weight[3] == 0.0 && n.weight[6] == 1.0);
    demand_neighbours_clear(&n);
    assert_all(n.product == NULL);
    dataset_free(&d);
}

/* As many bought melons as pears: the lower product is first, and alone where one is asked for. */
static void ties(void **state)
{
    (void)state;
    struct tiny_event event[5 * USERS];
    struct demand_neighbours n;
    struct dataset *d = open_shop(event, 0);
    assert_all(demand_neighbours_find(&world, d, 2, 1, &n) == OK);
    assert_all(n.product[0] == MELON && n.product[1] == PEAR);
    assert_close(n.weight[0], 0.5, 1e-15);
    demand_neighbours_clear(&n);
    assert_all(demand_neighbours_find(&world, d, 1, 1, &n) == OK);
    assert_all(n.product[0] == MELON && n.weight[0] == 1.0);
    demand_neighbours_clear(&n);
    dataset_free(&d);
}

enum { MANY_PRODUCTS = 200, MANY_USERS = 150, MANY_EVENTS = 9000 };

/* Baskets of more products than count; two categories. */
static void same_on_any_ranks(void **state)
{
    (void)state;
    static struct tiny_product product[MANY_PRODUCTS];
    static char text[MANY_PRODUCTS][8];
    static struct tiny_event event[MANY_EVENTS];
    struct comm self = comm_self();
    for (int p = 0; p < MANY_PRODUCTS; p++) {
        snprintf(text[p], sizeof text[p], "p%04d", p);
        product[p] = (struct tiny_product){text[p], p % 2 ? "odd" : "even", 1.0, 0.5};
    }
    for (int e = 0; e < MANY_EVENTS; e++) {
        double u = uniform(e, 0);
        event[e] = (struct tiny_event){e * 7 % MANY_USERS,
                                       e,
                                       (int32_t)(MANY_PRODUCTS * u * u * u),
                                       EVENT_PURCHASE,
                                       1000,
                                       100,
                                       100};
    }
    struct tiny_shop shop = {.users = MANY_USERS, .products = MANY_PRODUCTS, .events = MANY_EVENTS};
    shop.product = product;
    shop.event = event;
    struct dataset *mine = tiny_open(&world, &shop), *whole = tiny_open(&self, &shop);
    struct demand_neighbours all, alone;
    int64_t cells = MANY_PRODUCTS * 4, found = 0;
    assert_all(demand_neighbours_find(&world, mine, 4, 9, &all) == OK);
    assert_all(demand_neighbours_find(&self, whole, 4, 9, &alone) == OK);
    assert_all(memcmp(all.product, alone.product, (size_t)cells * sizeof *all.product) == 0);
    assert_all(memcmp(all.weight, alone.weight, (size_t)cells * sizeof *all.weight) == 0);
    bool near = true;
    for (int64_t i = 0; i < cells; i++) {
        found += all.product[i] >= 0;
        near = near && (all.product[i] < 0 || (all.product[i] - i / 4) % 2 == 0);
    }
    assert_all(near && found > MANY_PRODUCTS / 2);
    demand_neighbours_clear(&all);
    demand_neighbours_clear(&alone);
    dataset_free(&mine);
    dataset_free(&whole);
}

static void survives_faults(void **state)
{
    (void)state;
    struct tiny_event event[5 * USERS];
    struct demand_neighbours n;
    struct dataset *d = open_shop(event, 2);
    comm_inject_fault(-1, 0);
    assert_all(demand_neighbours_find(&world, d, 3, 1, &n) == OK);
    demand_neighbours_clear(&n);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++)
        for (int r = 0; r < world.ranks; r++) {
            comm_inject_fault(k, r);
            assert_all(demand_neighbours_find(&world, d, 3, 1, &n) == ERR_BUG);
            assert_all(n.product == NULL);
        }
    comm_inject_fault(-1, 0);
    dataset_free(&d);
}

TEST_MAIN(cmocka_unit_test(as_by_hand), cmocka_unit_test(ties), cmocka_unit_test(same_on_any_ranks),
          cmocka_unit_test(survives_faults))
