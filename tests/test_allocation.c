/* Allocation against enumeration, a linear programming solver, and itself at other ranks. */
#include "tests/allocation_table.h"

#include "algorithms/hull.h"
#include "partition/random.h"

#include <coin/Clp_C_Interface.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 12, LEVELS = 4, CASES = 10000, PROGRAMS = 300 };
enum { LARGE_SLOTS = 6000, LARGE_LEVELS = 6 };

static int64_t draw(int64_t entity, int64_t number, int64_t low, int64_t high)
{
    uint64_t width = (uint64_t)(high - low + 1);
    return low + (int64_t)random_below(11, RANDOM_TEST, (uint64_t)entity, (uint64_t)number, width);
}

/* ---- small tables ---- */

static void tiny_table(struct table *table, int64_t number)
{
    static int64_t value[SLOTS * LEVELS], cost[SLOTS * LEVELS];
    static uint32_t allowed[SLOTS];
    int64_t scales[] = {4, 50, 1000, (int64_t)1 << 40}, scale = scales[number % 4], total = 0;
    *table =
        (struct table){.value = value, .cost = cost, .allowed = number % 3 != 0 ? allowed : NULL};
    table->levels = (int)draw(number, 0, 1, LEVELS);
    table->slots = draw(number, 1, 0, table->levels == 4 ? 6 : table->levels == 3 ? 7 : SLOTS);
    for (int64_t i = 0; i < table->slots; i++) {
        allowed[i] = (uint32_t)draw(number, 100 + i, 0, 15) | 1;
        for (int k = 0; k < table->levels; k++) {
            int64_t at = i * table->levels + k;
            cost[at] = k == 0 ? 0 : draw(number, 200 + at, 0, scale);
            value[at] = draw(number, 300 + at, -scale / 2, scale);
            if (number % 5 == 0) value[at] = 2 * cost[at]; /* one slope for all */
            total += cost[at];
        }
    }
    table->budget = draw(number, 2, 0, total / 2 + 1);
    if (number % 50 == 0) table->budget = INT64_MAX;
}

/* Best total value by enumeration of every choice. */
static int64_t enumerate(const struct table *table, int64_t slot, int64_t left)
{
    int64_t best = INT64_MIN;
    if (slot == table->slots) return 0;
    for (int k = 0; k < table->levels; k++) {
        int64_t at = slot * table->levels + k;
        bool allowed = table->allowed == NULL || (table->allowed[slot] >> k & 1) != 0;
        if (!allowed || table->cost[at] > left) continue;
        int64_t total = table->value[at] + enumerate(table, slot + 1, left - table->cost[at]);
        if (total > best) best = total;
    }
    return best;
}

static int64_t largest_increment(const struct table *table)
{
    int64_t most = 0;
    for (int64_t i = 0; i < table->slots; i++) {
        const int64_t *value = table->value + i * table->levels;
        uint32_t allowed = table->allowed != NULL ? table->allowed[i] : UINT32_MAX;
        struct hull hull;
        hull_make(value, table->cost + i * table->levels, allowed, table->levels, &hull);
        for (int j = 1; j < hull.count; j++) {
            int64_t gain = value[hull.level[j]] - value[hull.level[j - 1]];
            if (gain > most) most = gain;
        }
    }
    return most;
}

static bool is_between(const struct table *table, const uint8_t *choice,
                       const struct allocation_receipt *receipt)
{
    int64_t best = enumerate(table, 0, table->budget), step = largest_increment(table);
    return receipt_is_true(table, choice, receipt) && receipt->objective <= best &&
           best <= receipt->upper_bound && receipt->objective >= best - step &&
           (step == 0 || receipt->upper_bound < receipt->objective + step + 1);
}

/* Every case is enumerated on one rank; the ranks share them out. */
static void enumeration_never_disagrees(void **state)
{
    (void)state;
    struct comm self = comm_self();
    int64_t violations = 0;
    mallopt(M_MMAP_THRESHOLD,
            1 << 24); /* page faults of the work space would take most of the time */
    mallopt(M_TRIM_THRESHOLD, 1 << 26);
    for (int64_t i = world.rank; i < CASES; i += world.ranks) {
        struct table table;
        struct allocation_receipt receipt;
        uint8_t choice[SLOTS] = {0};
        tiny_table(&table, i);
        violations += solve(&self, &table, 1, choice, &receipt) != OK ||
                      !is_between(&table, choice, &receipt);
    }
    assert_all(violations == 0);
}

/* The same choices and receipts when few slots are spread over the ranks, some without any. */
static void small_tables_are_the_same_on_all_ranks(void **state)
{
    (void)state;
    static uint8_t choice[LARGE_SLOTS], spread[LARGE_SLOTS];
    struct comm self = comm_self();
    int64_t violations = 0;
    for (int64_t i = 0; i < CASES / 40; i++) {
        struct table table;
        struct allocation_receipt alone, together;
        tiny_table(&table, i);
        memset(spread, 0, SLOTS);
        violations += solve(&self, &table, 1, choice, &alone) != OK;
        violations += solve(&world, &table, 1 + i % 3, spread, &together) != OK;
        merge(spread, table.slots);
        violations += memcmp(choice, spread, (size_t)table.slots) != 0;
        violations += memcmp(&alone, &together, sizeof alone) != 0;
    }
    assert_all(violations == 0);
}

static void known_choice(void **state)
{
    (void)state;
    /* slopes 4 3 | 5 1 | 2.5 and a loss; costs 10 10 | 10 10 | 20 */
    int64_t value[9] = {0, 40, 70, 5, 55, 65, 0, 50, -9},
            cost[9] = {0, 10, 20, 0, 10, 20, 0, 20, 30};
    struct table table = {.slots = 3, .levels = 3, .value = value, .cost = cost, .budget = 35};
    struct allocation_receipt receipt;
    static uint8_t choice[LARGE_SLOTS];
    assert_all(solve(&world, &table, 1, choice, &receipt) == OK);
    merge(choice, 3);
    /* 30 buys the first three increments; the fourth (50 for 20) does not fit, nor does the fifth
     * (10 for 10) */
    assert_all(choice[0] == 2 && choice[1] == 1 && choice[2] == 0);
    assert_all(receipt.objective == 125 && receipt.spent == 30 && receipt.base_value == 5);
    assert_all(receipt.price.value == 50 && receipt.price.cost == 20 && receipt.upper_bound == 138);
    assert_close(receipt.gap, 13.0 / 125, 1e-15);
    assert_close(receipt.gap_gain, 13.0 / 133, 1e-15);
    assert_all(receipt.dual_price == 2.5 && receipt.marginal == 25000.0 && receipt.filled == 0);
    memset(choice, 0, 3);
    table.budget = 40; /* what is left over buys the cheaper increment of slot 1 */
    assert_all(solve(&world, &table, 1, choice, &receipt) == OK);
    merge(choice, 3);
    assert_all(choice[1] == 2 && receipt.objective == 135 && receipt.filled == 1 &&
               receipt.upper_bound == 150);
    table.budget = 0;
    assert_all(solve(&world, &table, 1, choice, &receipt) == OK);
    assert_all(receipt.objective == 5 && receipt.spent == 0 && receipt.dual_price == 5.0);
    table.budget = INT64_MAX;
    assert_all(solve(&world, &table, 1, choice, &receipt) == OK);
    assert_all(receipt.objective == 185 && receipt.upper_bound == 185 && receipt.gap == 0.0);
    assert_all(receipt.price.value == 0 && receipt.spent == 60);
}

/* ---- the linear programme ---- */

static double relaxation(const struct table *table)
{
    Clp_Simplex *model = Clp_newModel();
    Clp_setLogLevel(model, 0);
    Clp_setOptimizationDirection(model, -1.0);
    Clp_resize(model, (int)table->slots + 1, 0);
    for (int i = 0; i < (int)table->slots; i++)
        Clp_rowLower(model)[i] = Clp_rowUpper(model)[i] = 1.0;
    Clp_rowLower(model)[table->slots] = 0.0;
    Clp_rowUpper(model)[table->slots] = (double)table->budget;
    for (int64_t i = 0; i < table->slots; i++)
        for (int k = 0; k < table->levels; k++) {
            int64_t at = i * table->levels + k;
            if (table->allowed != NULL && (table->allowed[i] >> k & 1) == 0) continue;
            CoinBigIndex start[2] = {0, 2};
            int row[2] = {(int)i, (int)table->slots};
            double element[2] = {1.0, (double)table->cost[at]}, low = 0, high = 1;
            double gain = (double)table->value[at];
            Clp_addColumns(model, 1, &low, &high, &gain, start, row, element);
        }
    Clp_primal(model, 0);
    double best = Clp_status(model) == 0 ? Clp_objectiveValue(model) : NAN;
    Clp_deleteModel(model);
    return best;
}

/* The bound is the optimum of the linear relaxation, rounded up to a whole unit. */
static void bound_equals_the_relaxation(void **state)
{
    (void)state;
    struct comm self = comm_self();
    int64_t violations = 0, suitable = 0;
    for (int64_t i = 0; suitable < PROGRAMS; i++) {
        struct table table;
        struct allocation_receipt receipt;
        uint8_t choice[SLOTS] = {0};
        tiny_table(&table, i);
        if (i % 4 == 3 || table.slots == 0 || table.budget == INT64_MAX)
            continue; /* beyond the solver's tolerance */
        if (suitable++ % world.ranks != world.rank) continue;
        violations += solve(&self, &table, 1, choice, &receipt) != OK;
        double best = relaxation(&table), bound = (double)receipt.upper_bound;
        bool equal = bound >= best - 1e-6 && bound < best + 1.0 + 1e-6; /* false for NaN */
        violations += !equal;
    }
    assert_all(violations == 0);
}

/* ---- a table like a shop's ---- */

/* P(buy) = sigmoid(a + b d): profit P (m - d p), cost P d p, in 1/10,000 of the currency unit. */
static void fill_shop(struct table *table)
{
    static int64_t value[LARGE_SLOTS * LARGE_LEVELS], cost[LARGE_SLOTS * LARGE_LEVELS];
    static uint32_t allowed[LARGE_SLOTS];
    *table = (struct table){.slots = LARGE_SLOTS,
                            .levels = LARGE_LEVELS,
                            .value = value,
                            .cost = cost,
                            .allowed = allowed};
    for (int64_t i = 0; i < LARGE_SLOTS; i++) {
        double price = 1.0 + 40.0 * random_uniform(1, RANDOM_TEST, (uint64_t)i, 0);
        double margin = price * (0.2 + 0.5 * random_uniform(1, RANDOM_TEST, (uint64_t)i, 1));
        double a = -3.0 + 2.0 * random_uniform(1, RANDOM_TEST, (uint64_t)i, 2);
        double b = 12.0 * random_uniform(1, RANDOM_TEST, (uint64_t)i, 3);
        allowed[i] = 1;
        for (int k = 0; k < LARGE_LEVELS; k++) {
            double discount = 0.05 * k, buys = 1.0 / (1.0 + exp(-(a + b * discount)));
            value[i * LARGE_LEVELS + k] = (int64_t)(10000.0 * buys * (margin - discount * price));
            cost[i * LARGE_LEVELS + k] = (int64_t)(10000.0 * buys * discount * price);
            if (discount * price < 0.9 * margin) allowed[i] |= (uint32_t)1 << k;
        }
        cost[i * LARGE_LEVELS] = 0;
    }
}

static void shop_is_solved_and_the_same_on_all_ranks(void **state)
{
    (void)state;
    static uint8_t choice[LARGE_SLOTS], spread[LARGE_SLOTS];
    struct comm self = comm_self();
    struct table table;
    struct allocation_receipt alone, together, free_of_limits;
    fill_shop(&table);
    table.budget = INT64_MAX;
    assert_all(solve(&self, &table, 100, choice, &free_of_limits) == OK &&
               free_of_limits.gap == 0.0);
    for (int64_t tenths = 1; tenths < 10; tenths += 4) {
        table.budget = free_of_limits.spent / 10 * tenths;
        memset(spread, 0, sizeof spread);
        assert_all(solve(&self, &table, 100, choice, &alone) == OK);
        assert_all(solve(&world, &table, 64, spread, &together) == OK);
        merge(spread, table.slots);
        assert_all(memcmp(choice, spread, sizeof choice) == 0);
        assert_all(memcmp(&alone, &together, sizeof alone) == 0);
        assert_all(receipt_is_true(&table, choice, &alone));
        assert_all(alone.gap_gain < 1e-5 && alone.slack < 100 && alone.dual_price > 0.0);
    }
}

static void equals_at_a_price_take_the_cheapest(void **state)
{
    (void)state;
    /* at 5/2 worth 0, 10000 and 10000; narrow and wide products */
    const int64_t value[3] = {0, 60000, 35000}, cost[3] = {0, 20000, 10000};
    const int64_t scales[2] = {1, (int64_t)1 << 50};
    struct comm self = comm_self();
    struct blocks blocks = {0};
    struct allocation_point point;
    assert_all(blocks_cut(&self, 1, 1, &blocks) == OK);
    struct allocation_cells cells = {.blocks = &blocks, .levels = 3, .value = value, .cost = cost};
    for (int i = 0; i < 2; i++) {
        struct allocation_price price = {.value = 5 * scales[i], .cost = 2 * scales[i]};
        assert_all(allocation_at_price(&self, &cells, price, &point) == OK);
        assert_all(point.value == 35000 && point.spent == 10000);
        assert_all(allocation_bound(price, point, 10001) == 35003);
    }
    assert_all(allocation_at_price(&self, &cells, (struct allocation_price){-1, 1}, &point) ==
               ERR_ARG);
    assert_all(allocation_at_price(&self, &cells, (struct allocation_price){1, 0}, &point) ==
               ERR_ARG);
    blocks_clear(&blocks);
}

/* Any price bounds any budget, and spending falls as the price rises. */
static void prices_bound_the_objective(void **state)
{
    (void)state;
    static uint8_t choice[LARGE_SLOTS];
    struct table table;
    struct allocation_receipt receipt;
    struct blocks blocks = {0};
    fill_shop(&table);
    assert_all(blocks_cut(&world, table.slots, 64, &blocks) == OK);
    struct allocation_cells cells = {.blocks = &blocks,
                                     .levels = table.levels,
                                     .value = table.value + blocks.row_first * table.levels,
                                     .cost = table.cost + blocks.row_first * table.levels};
    table.allowed = NULL;
    table.budget = 20000000;
    assert_all(solve(&world, &table, 64, choice, &receipt) == OK);
    int64_t spent_before = INT64_MAX, best = INT64_MAX;
    for (int64_t hundredths = 0; hundredths <= 300; hundredths += 10) {
        struct allocation_price price = {.value = hundredths, .cost = 100};
        struct allocation_point point;
        assert_all(allocation_at_price(&world, &cells, price, &point) == OK);
        int64_t bound = allocation_bound(price, point, table.budget);
        assert_all(bound >= receipt.upper_bound && point.spent <= spent_before);
        spent_before = point.spent;
        if (bound < best) best = bound;
    }
    assert_close((double)best / (double)receipt.upper_bound, 1.0, 1e-3);
    assert_all(allocation_bound((struct allocation_price){2, 1}, (struct allocation_point){0, 0},
                                INT64_MAX) == INT64_MAX);
    blocks_clear(&blocks);
}

/* ---- refusals ---- */

static enum status solve_changed(int64_t budget, int at, int64_t value, int64_t cost,
                                 uint32_t allowed)
{
    int64_t values[6] = {0, 1, 0, 1, 0, 1}, costs[6] = {0, 1, 0, 1, 0, 1};
    uint32_t levels[3] = {3, 3, allowed};
    struct table table = {.slots = 3,
                          .levels = 2,
                          .value = values,
                          .cost = costs,
                          .allowed = levels,
                          .budget = budget};
    struct allocation_receipt receipt;
    uint8_t choice[3];
    values[at] = value;
    costs[at] = cost;
    return solve(&world, &table, 1, choice, &receipt);
}

static void refuses(void **state)
{
    (void)state;
    assert_all(solve_changed(1, 1, 1, 1, 3) == OK);
    assert_all(solve_changed(-1, 1, 1, 1, 3) == ERR_ARG);
    assert_all(solve_changed(1, 1, 1, -1, 3) == ERR_DATA);
    assert_all(strstr(status_message(), "slot 0, level 1") != NULL);
    assert_all(solve_changed(1, 4, 1, 7, 3) == ERR_DATA);
    assert_all(strstr(status_message(), "slot 2: level 0 costs 7") != NULL);
    assert_all(solve_changed(1, 1, HULL_LIMIT + 1, 1, 3) == ERR_DATA);
    assert_all(solve_changed(1, 1, INT64_MIN, 1, 3) == ERR_DATA);
    assert_all(solve_changed(1, 1, 1, 1, 2) == ERR_DATA);
    assert_all(solve_changed(1, 5, INT64_MIN, -5, 1) == OK); /* forbidden: never looked at */
}

static void refuses_what_overflows(void **state)
{
    (void)state;
    static int64_t value[2 * 600], cost[2 * 600];
    static uint8_t choice[600];
    struct table table = {.slots = 600, .levels = 2, .value = value, .cost = cost, .budget = 5};
    struct allocation_receipt receipt;
    for (int i = 0; i < 600; i++) value[2 * i + 1] = cost[2 * i + 1] = HULL_LIMIT;
    assert_all(solve(&world, &table, 1, choice, &receipt) == ERR_NUMERIC);
    table.slots = 500;
    assert_all(solve(&world, &table, 1, choice, &receipt) == OK && receipt.spent == 0);
    table.budget = INT64_MAX;
    assert_all(solve(&world, &table, 1, choice, &receipt) == OK &&
               receipt.spent == 500 * HULL_LIMIT);
}

/* Whichever agreement fails on whichever rank, all ranks return the failure. */
static void every_agreement_can_fail(void **state)
{
    (void)state;
    struct table table;
    struct allocation_receipt receipt;
    uint8_t choice[SLOTS];
    tiny_table(&table, 4 * 5 + 1);
    comm_inject_fault(-1, 0);
    assert_all(solve(&world, &table, 1, choice, &receipt) == OK);
    int64_t agreements = comm_agreements();
    for (int64_t k = 0; k < agreements; k++)
        for (int rank = 0; rank < world.ranks; rank++) {
            comm_inject_fault(k, rank);
            enum status status = solve(&world, &table, 1, choice, &receipt);
            comm_inject_fault(-1, 0);
            assert_all(status != OK);
        }
}

TEST_MAIN(cmocka_unit_test(known_choice), cmocka_unit_test(enumeration_never_disagrees),
          cmocka_unit_test(small_tables_are_the_same_on_all_ranks),
          cmocka_unit_test(bound_equals_the_relaxation),
          cmocka_unit_test(shop_is_solved_and_the_same_on_all_ranks),
          cmocka_unit_test(prices_bound_the_objective),
          cmocka_unit_test(equals_at_a_price_take_the_cheapest), cmocka_unit_test(refuses),
          cmocka_unit_test(refuses_what_overflows), cmocka_unit_test(every_agreement_can_fail))
