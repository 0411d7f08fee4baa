/* Conflicts of limits in problems too large to search: proven, named, none could be left out. */
#include "algorithms/knapsack_conflict.h"
#include "tests/harness.h"

#include <stdlib.h>

enum { MANY = 6000, MANY_OPTIONS = 3, MANY_SLOTS = 5 };

/* Each step costs 10 and brings 30 more of what at least `asked` is wanted of; a user may have
 * `cap` of its 5 slots with a step. */
struct many {
    int64_t value[MANY * MANY_OPTIONS], cost[MANY * MANY_OPTIONS], bought[MANY * MANY_OPTIONS];
    int64_t given[MANY * MANY_OPTIONS];
    int32_t group[MANY];
    int64_t user_start[MANY / MANY_SLOTS + 1], cap[MANY / MANY_SLOTS];
    int64_t budget, asked, generous[7];
    int64_t unit; /* of what is wanted, in millionths of it */
};

static void open_many(struct many *m, struct blocks *blocks, struct knapsack_cells *cells)
{
    assert_all(blocks_cut(&world, MANY, 100 * MANY_SLOTS, blocks) == OK);
    for (int64_t i = 0; i < blocks->rows_local; i++) {
        m->group[i] = (int32_t)((blocks->row_first + i) % 7);
        for (int64_t k = 0; k < MANY_OPTIONS; k++) {
            int64_t at = i * MANY_OPTIONS + k;
            m->value[at] = 7 * k - (i % 3) * k * k;
            m->cost[at] = 10 * k;
            m->bought[at] = m->unit * (-100 - 30 * k);
            m->given[at] = k > 0;
        }
    }
    for (int g = 0; g < 7; g++) m->generous[g] = 11 * MANY;
    *cells = (struct knapsack_cells){.blocks = blocks,
                                     .options = MANY_OPTIONS,
                                     .value = m->value,
                                     .kinds = 3,
                                     .kind = {{7, m->group, m->cost, m->generous},
                                              {1, NULL, m->cost, &m->budget},
                                              {1, NULL, m->bought, &m->asked}},
                                     .caps = 1,
                                     .users_local = blocks->rows_local / MANY_SLOTS,
                                     .user_start = m->user_start,
                                     .cap = {{m->given, m->cap}}};
    for (int64_t u = 0; u <= cells->users_local; u++) m->user_start[u] = u * MANY_SLOTS;
}

/* The conflict of `asked` for everybody with a budget and a cap. */
static void conflict_of(int64_t budget, int64_t asked, int64_t cap, int64_t unit,
                        struct knapsack_conflict *conflict)
{
    static struct many m;
    struct blocks blocks = {0};
    struct knapsack_cells cells;
    struct knapsack_receipt receipt;
    static uint8_t choice[MANY];
    int64_t price[9] = {0}, used[9];
    m.budget = budget;
    m.asked = -asked * unit;
    m.unit = unit;
    for (int u = 0; u < MANY / MANY_SLOTS; u++) m.cap[u] = cap;
    open_many(&m, &blocks, &cells);
    enum status status = knapsack_solve(&world, &cells, price, choice, used, &receipt);
    assert_all(status == ERR_NUMERIC && receipt.impossible && receipt.proven);
    assert_all(knapsack_conflict_find(&world, &cells, price, used, conflict) == OK);
    blocks_clear(&blocks);
}

/* Reached, and proven but for the rounding of prices. */
static bool is_least(const struct knapsack_member *member, int64_t least)
{
    int64_t rounding = 2 + llabs(least) / 1000000;
    return member->reached == least && member->least <= least && member->least >= least - rounding;
}

/* Half of the steps that 120 for each slot would take can be paid; then two of five slots a user,
 * two steps each, bring 124. */
static void large_conflicts_are_proven_and_named(void **state)
{
    (void)state;
    struct knapsack_conflict conflict;
    /* also where one is counted in units 10^7 times as fine as the other's */
    for (int64_t unit = 1; unit <= 10000000; unit *= 10000000) {
        conflict_of(MANY / 3 * 10, 120 * MANY, MANY_SLOTS, unit, &conflict);
        assert_all(conflict.proven && conflict.irreducible && conflict.user == -1);
        assert_all(conflict.members == 2);
        assert_all(conflict.member[0].limit == 7 && conflict.member[1].limit == 8);
        assert_all(is_least(&conflict.member[0], MANY / 3 * 20));
        assert_all(is_least(&conflict.member[1], -110 * MANY * unit));
        knapsack_conflict_clear(&conflict);
    }
    conflict_of(100 * MANY, 125 * MANY, 2, 1, &conflict);
    assert_all(conflict.proven && conflict.irreducible && conflict.members == 2);
    assert_all(conflict.member[0].limit == 8 && conflict.member[1].limit == 9);
    assert_all(is_least(&conflict.member[0], -124 * MANY));
    knapsack_conflict_clear(&conflict);
}

TEST_MAIN(cmocka_unit_test(large_conflicts_are_proven_and_named))
