/* Using up what is left of a budget: in the order of slots, to the last unit. */
#include "tests/allocation_table.h"

enum { SLOTS = 6000, LEVELS = 6 };

/* All increments on one line: the choice follows the order of slots and uses up the budget. */
static void one_slope_is_filled_in_order(void **state)
{
    (void)state;
    static uint8_t choice[SLOTS], spread[SLOTS];
    struct comm self = comm_self();
    static int64_t value[SLOTS * LEVELS], cost[SLOTS * LEVELS];
    struct table table = {
        .slots = SLOTS, .levels = LEVELS, .value = value, .cost = cost, .budget = 30001};
    struct allocation_receipt alone, together;
    for (int64_t i = 0; i < SLOTS * LEVELS; i++) {
        table.cost[i] = i % LEVELS * (1 + i / LEVELS % 7);
        table.value[i] = 3 * table.cost[i];
    }
    memset(spread, 0, sizeof spread);
    assert_all(solve(&self, &table, 4096, choice, &alone) == OK);
    assert_all(solve(&world, &table, 50, spread, &together) == OK);
    merge(spread, table.slots);
    assert_all(memcmp(choice, spread, sizeof choice) == 0 &&
               memcmp(&alone, &together, sizeof alone) == 0);
    assert_all(receipt_is_true(&table, choice, &alone) && alone.slack == 0 && alone.gap == 0.0);
    assert_all(choice[0] == LEVELS - 1 && choice[100] == LEVELS - 1);
}

/* A large step does not fit: the rest buys thousands of small ones, in the order of slots. */
static void rest_buys_many_small_moves(void **state)
{
    (void)state;
    static int64_t value[2 * SLOTS], cost[2 * SLOTS];
    static uint8_t spread[SLOTS];
    struct table table = {
        .slots = SLOTS, .levels = 2, .value = value, .cost = cost, .budget = 54000};
    struct allocation_receipt receipt;
    for (int64_t i = 0; i < SLOTS; i++) {
        cost[2 * i + 1] = i % 4 == 0 ? 5000 : 1;
        value[2 * i + 1] = i % 4 == 0 ? 15000 : 2;
    }
    assert_all(solve(&world, &table, 70, spread, &receipt) == OK);
    merge(spread, table.slots);
    int64_t wrong = 0;
    for (int64_t i = 0; i < SLOTS; i++) {
        bool moves = i % 4 == 0 ? i < 40 : i - i / 4 <= 4000;
        wrong += spread[i] != (moves ? 1 : 0);
    }
    assert_all(wrong == 0 && receipt.filled == 4000 && receipt.slack == 0);
    assert_all(receipt_is_true(&table, spread, &receipt));
    assert_all(receipt.price.value == 15000 && receipt.price.cost == 5000);
}

TEST_MAIN(cmocka_unit_test(one_slope_is_filled_in_order),
          cmocka_unit_test(rest_buys_many_small_moves))
