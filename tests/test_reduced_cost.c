/* Reduced costs: by hand, against the Lagrangian of random problems, and their digits. */
#include "jobs/reduced_cost.h"

#include "partition/random.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 64, OPTIONS = 5, GROUPS = 3, TRIALS = 10000 };

/* One slot: 20 % against 10 %, a budget at 1.36 per unit and a vendor fund. */
static void by_hand(void **state)
{
    (void)state;
    const int64_t value[2] = {10000, 28400}, budget[2] = {3000, 9600}, fund[2] = {0, 6300},
                  price[2] = {(int64_t)(1.36 * (1 << 30)), 1 << 30}, limits[2] = {0, 0};
    const int32_t group[1] = {0};
    const struct knapsack_cells cells = {
        .options = 2,
        .value = value,
        .kinds = 2,
        .kind = {{1, NULL, budget, limits}, {1, group, fund, limits}}};
    struct reduced_cost cost;
    reduced_cost_between(&cells, price, 0, 1, 0, &cost);
    assert_all(cost.value == 18400 && cost.terms == 2);
    assert_all(cost.term[0].use == 6600 && reduced_cost_units(cost.term[0].amount) == 8976);
    assert_all(cost.term[1].use == 6300 && reduced_cost_units(cost.term[1].amount) == 6300);
    assert_all(reduced_cost_units(cost.total) == 18400 - 8976 - 6300);
    assert_all(reduced_cost_best(&cells, price, 0, -1) == 1);
    assert_all(reduced_cost_best(&cells, price, 0, 1) == 0);
    reduced_cost_between(&cells, price, 0, 0, 1, &cost);
    assert_all(reduced_cost_units(cost.total) == -(18400 - 8976 - 6300));
}

static int64_t draw(uint64_t entity, uint32_t number, int64_t most)
{
    return (int64_t)random_below(7, RANDOM_TEST, entity, number, (uint64_t)(2 * most)) - most;
}

struct world_of_cells {
    int64_t value[SLOTS * OPTIONS], use[2][SLOTS * OPTIONS], limit[2][GROUPS], price[1 + GROUPS];
    int32_t group[SLOTS];
    uint32_t allowed[SLOTS];
    struct knapsack_cells cells;
};

static void make(struct world_of_cells *w)
{
    for (int64_t i = 0; i < SLOTS * OPTIONS; i++) {
        w->value[i] = draw((uint64_t)i, 0, (int64_t)1 << 50);
        for (uint32_t m = 0; m < 2; m++) w->use[m][i] = draw((uint64_t)i, 1 + m, (int64_t)1 << 45);
    }
    for (int64_t s = 0; s < SLOTS; s++) {
        w->group[s] = (int32_t)(s % (GROUPS + 1)) - 1;
        w->allowed[s] = (uint32_t)(1 + s % 31);
    }
    for (uint32_t l = 0; l < 1 + GROUPS; l++)
        w->price[l] = l == 2 ? 0 : llabs(draw(l, 5, (int64_t)1 << 40));
    w->cells = (struct knapsack_cells){
        .options = OPTIONS,
        .value = w->value,
        .allowed = w->allowed,
        .kinds = 2,
        .kind = {{1, NULL, w->use[0], w->limit[0]}, {GROUPS, w->group, w->use[1], w->limit[1]}}};
}

/* The Lagrangian without its constant, added up anew: limit by limit, not slot by slot. */
static wide_int lagrangian(const struct world_of_cells *w, const uint8_t *choice)
{
    wide_int value = 0, used[1 + GROUPS] = {0}, total;
    for (int64_t s = 0; s < SLOTS; s++) {
        value += w->value[s * OPTIONS + choice[s]];
        used[0] += w->use[0][s * OPTIONS + choice[s]];
        if (w->group[s] >= 0) used[1 + w->group[s]] += w->use[1][s * OPTIONS + choice[s]];
    }
    total = value * (1 << 30);
    for (int l = 0; l < 1 + GROUPS; l++) total -= used[l] * w->price[l];
    return total;
}

static void is_change_of_lagrangian(void **state)
{
    (void)state;
    static struct world_of_cells w;
    uint8_t choice[SLOTS] = {0};
    int64_t wrong = 0;
    make(&w);
    wide_int here = lagrangian(&w, choice);
    for (uint64_t t = 0; t < TRIALS; t++) {
        int64_t slot = llabs(draw(t, 6, SLOTS - 1));
        int to = (int)llabs(draw(t, 7, OPTIONS - 1)), from = choice[slot];
        struct reduced_cost cost;
        reduced_cost_between(&w.cells, w.price, slot, to, from, &cost);
        choice[slot] = (uint8_t)to;
        wide_int there = lagrangian(&w, choice);
        wrong += there - here != cost.total;
        here = there;
    }
    assert_all(wrong == 0);
}

static void best_is_allowed_and_best(void **state)
{
    (void)state;
    static struct world_of_cells w;
    struct reduced_cost cost;
    make(&w);
    for (int64_t s = 0; s < SLOTS; s++) {
        int best = reduced_cost_best(&w.cells, w.price, s, -1),
            next = reduced_cost_best(&w.cells, w.price, s, best);
        assert_all((w.allowed[s] >> best & 1) != 0);
        assert_all((next < 0) == (__builtin_popcount(w.allowed[s] & 31) == 1));
        for (int k = 0; k < OPTIONS; k++) {
            if ((w.allowed[s] >> k & 1) == 0) continue;
            reduced_cost_between(&w.cells, w.price, s, best, k, &cost);
            assert_all(cost.total >= 0);
        }
    }
}

static bool reads(wide_int number, const char *expected)
{
    char text[REDUCED_COST_TEXT_BYTES];
    reduced_cost_text(number, text);
    return strcmp(text, expected) == 0;
}

static void digits(void **state)
{
    (void)state;
    assert_all(reads(0, "0") && reads(-7, "-7") && reads(1234567890123, "1234567890123"));
    assert_all(reads((wide_int)1 << 100, "1267650600228229401496703205376"));
    assert_all(reads(-((wide_int)1 << 126) - ((wide_int)1 << 126),
                     "-170141183460469231731687303715884105728"));
    assert_all(reduced_cost_units((wide_int)3 << 29) == 2); /* 1.5 */
    assert_all(reduced_cost_units(-((wide_int)3 << 29)) == -2);
    assert_all(reduced_cost_units(((wide_int)3 << 29) - 1) == 1);
}

TEST_MAIN(cmocka_unit_test(by_hand), cmocka_unit_test(is_change_of_lagrangian),
          cmocka_unit_test(best_is_allowed_and_best), cmocka_unit_test(digits))
