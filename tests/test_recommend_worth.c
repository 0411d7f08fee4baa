/* Candidates by what an offer may earn: places against money. */
#include "tests/harness.h"

#include "jobs/recommend_worth.h"

enum { PRODUCTS = 6, LOOKED = 5, SLOTS = 3 };

static double list_price[PRODUCTS] = {2.0, 4.0, 10.0, 30.0, 9.0, 900.0};
static double unit_cost[PRODUCTS] = {1.0, 2.0, 7.0, 12.0, 9.5, 1.0};

static void open_worth(bool money, struct recommend_worth *worth)
{
    struct products products = {
        .count = PRODUCTS, .list_price = list_price, .unit_cost = unit_cost};
    assert_all(recommend_worth_open(money, &products, LOOKED, worth) == OK);
}

/* Places 1 to 5 are products 1, 0, 2, 3, 4; product 5 would earn most and is too far out. */
static void money_is_weighed_against_places(void **state)
{
    (void)state;
    const float panel[PRODUCTS] = {0.8f, 0.9f, 0.7f, 0.6f, 0.5f, 0.4f};
    struct recommend_worth worth = {0};
    int32_t product[SLOTS];
    float score[SLOTS];
    open_worth(true, &worth);
    recommend_worth_best(&worth, panel, PRODUCTS, SLOTS, product, score);
    /* 18 / 2, 2 / 1, 3 / sqrt(3); product 0 has 1 / sqrt(2) */
    assert_all(product[0] == 3 && product[1] == 1 && product[2] == 2);
    assert_close((double)score[0], 9.0, 1e-5);
    assert_close((double)score[2], sqrt(3.0), 1e-5);
    recommend_worth_clear(&worth);
}

static void scores_alone(void **state)
{
    (void)state;
    const float panel[PRODUCTS] = {0.8f, 0.9f, -INFINITY, -INFINITY, -INFINITY, -INFINITY};
    struct recommend_worth worth = {0};
    int32_t product[SLOTS];
    float score[SLOTS];
    for (int money = 0; money < 2; money++) { /* fewer products than slots, too */
        open_worth(money == 1, &worth);
        recommend_worth_best(&worth, panel, PRODUCTS, SLOTS, product, score);
        assert_all(product[0] == 1 && product[1] == 0 && product[2] == -1 && score[2] == 0.0f);
        recommend_worth_clear(&worth);
    }
}

TEST_MAIN(cmocka_unit_test(money_is_weighed_against_places), cmocka_unit_test(scores_alone))
