/* Few slots for each of many limits: a bound and a choice in whole options, cold and warm. */
#include "tests/harness.h"

#include "algorithms/knapsack.h"
#include "partition/random.h"

#include <string.h>

enum { SLOTS = 1500, OPTIONS = 4, STOCKS = 250, LIMITS = 1 + STOCKS };

struct shop {
    struct blocks blocks;
    int64_t value[SLOTS * OPTIONS], cost[SLOTS * OPTIONS], units[SLOTS * OPTIONS];
    int32_t product[SLOTS];
    int64_t budget, stock[STOCKS];
};

struct answer {
    struct knapsack_receipt receipt;
    int64_t price[LIMITS], used[LIMITS];
    int64_t level[SLOTS]; /* of all ranks */
};

static int64_t draw(uint64_t slot, uint64_t *next, int64_t limit)
{
    return (int64_t)random_below(5, RANDOM_WEIGHTS, slot, (*next)++, (uint64_t)limit);
}

/* Offers with falling returns; most of what the best options use is there. changed: every so-many
 * slot is worth something else */
static void open_shop(const struct comm *comm, int64_t changed, struct shop *s)
{
    memset(s, 0, sizeof *s);
    assert_all(blocks_cut(comm, SLOTS, 100, &s->blocks) == OK);
    for (int64_t i = 0; i < s->blocks.rows_local; i++) {
        uint64_t next = 0, slot = (uint64_t)(s->blocks.row_first + i);
        int64_t a = 500 + draw(slot, &next, 4000), b = 1 + draw(slot, &next, 60);
        s->product[i] = (int32_t)draw(slot, &next, STOCKS);
        if (changed > 0 && slot % (uint64_t)changed == 0) a += 300;
        for (int64_t k = 0; k < OPTIONS; k++) {
            int64_t at = i * OPTIONS + k;
            s->value[at] = a * k - a * k * k / 8;
            s->cost[at] = b * 20 * k + draw(slot, &next, 30) * k;
            s->units[at] = 1000 + k * (500 + draw(slot, &next, 2000));
        }
        s->budget += s->cost[i * OPTIONS + 3] / 2;
        s->stock[s->product[i]] += 2 * (s->units[i * OPTIONS + 3] + 1000) / 3;
    }
    comm_sum_int64(comm, &s->budget, 1);
    comm_sum_int64(comm, s->stock, STOCKS);
}

static void solve(const struct comm *comm, const struct shop *s, struct answer *answer)
{
    uint8_t choice[SLOTS] = {0};
    const struct knapsack_cells cells = {
        .blocks = &s->blocks,
        .options = OPTIONS,
        .value = s->value,
        .kinds = 2,
        .kind = {{1, NULL, s->cost, &s->budget}, {STOCKS, s->product, s->units, s->stock}}};
    assert_all(
        knapsack_solve(comm, &cells, answer->price, choice, answer->used, &answer->receipt) == OK);
    memset(answer->level, 0, sizeof answer->level);
    for (int64_t i = 0; i < s->blocks.rows_local; i++)
        answer->level[s->blocks.row_first + i] = choice[i];
    comm_sum_int64(comm, answer->level, SLOTS);
}

static bool holds(const struct shop *s, const struct answer *answer)
{
    bool all = answer->used[0] <= s->budget;
    for (int p = 0; p < STOCKS; p++) all = all && answer->used[1 + p] <= s->stock[p];
    return all;
}

/* The same at any number of ranks, within 3 in 10,000 of the best, and warm in a third. */
static void few_slots_of_many_limits(void **state)
{
    (void)state;
    static struct shop mine, whole;
    static struct answer first, cold, warm, alone;
    struct comm self = comm_self();
    open_shop(&world, 0, &mine);
    solve(&world, &mine, &first);
    blocks_clear(&mine.blocks);
    open_shop(&world, 100, &mine);
    open_shop(&self, 100, &whole);
    solve(&world, &mine, &cold);
    memcpy(warm.price, first.price, sizeof warm.price);
    memcpy(alone.price, first.price, sizeof alone.price);
    solve(&world, &mine, &warm);
    solve(&self, &whole, &alone);
    assert_all(memcmp(warm.level, alone.level, sizeof warm.level) == 0);
    assert_all(warm.receipt.upper_bound == alone.receipt.upper_bound);
    assert_all(memcmp(warm.price, alone.price, sizeof warm.price) == 0);
    assert_all(holds(&mine, &cold) && holds(&mine, &warm));
    assert_all(cold.receipt.gap >= 0.0 && cold.receipt.gap < 3e-4);
    assert_all(warm.receipt.gap >= 0.0 && warm.receipt.gap < 3e-4);
    assert_all(warm.receipt.warm && !cold.receipt.warm);
    assert_all(warm.receipt.upper_bound >= cold.receipt.objective);
    assert_all(cold.receipt.upper_bound >= warm.receipt.objective);
    assert_all(3 * warm.receipt.iterations <= cold.receipt.iterations);
    blocks_clear(&mine.blocks);
    blocks_clear(&whole.blocks);
}

TEST_MAIN(cmocka_unit_test(few_slots_of_many_limits))
