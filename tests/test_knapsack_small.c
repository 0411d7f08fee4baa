/* Small tables whose limits tie pairs of users together, against all choices of each pair. */
#include "tests/harness.h"

#include "algorithms/knapsack.h"
#include "algorithms/knapsack_relax.h"
#include "partition/random.h"

#include <string.h>

/* Two users who want the same things are a pair. */
enum { PAIRS = 40, USERS = 2 * PAIRS, WANTS = 3, SLOTS = USERS * WANTS, OPTIONS = 4 };
enum { STOCKS = PAIRS * WANTS, LIMITS = 1 + STOCKS, CHOICES = 1 << (2 * 2 * WANTS) };

struct shop {
    int64_t value[SLOTS * OPTIONS], cost[SLOTS * OPTIONS], units[SLOTS * OPTIONS];
    int64_t given[SLOTS * OPTIONS];
    int32_t product[SLOTS];
    int64_t budget, stock[STOCKS], most[USERS];
};

struct answer {
    struct knapsack_receipt receipt;
    int64_t price[LIMITS], used[LIMITS];
    int64_t level[SLOTS]; /* of all ranks */
};

static int64_t draw(uint64_t slot, uint64_t *next, int64_t limit)
{
    return (int64_t)random_below(11, RANDOM_WEIGHTS, slot, (*next)++, (uint64_t)limit);
}

/* The same on every rank; of each user's things two may be given, of most only one more sold. */
static void draw_shop(struct shop *s)
{
    memset(s, 0, sizeof *s);
    for (int i = 0; i < SLOTS; i++) {
        uint64_t next = 0;
        int user = i / WANTS;
        int64_t a = 500 + draw((uint64_t)i, &next, 4000);
        s->product[i] = user / 2 * WANTS + i % WANTS;
        for (int k = 0; k < OPTIONS; k++) {
            int at = i * OPTIONS + k;
            s->value[at] = a * k - a * k * k / (5 + draw((uint64_t)i, &next, 4));
            s->cost[at] = 20 * k * (1 + draw((uint64_t)i, &next, 60));
            s->units[at] = 1000 + k * (500 + draw((uint64_t)i, &next, 2000));
            s->given[at] = k > 0;
        }
        s->budget += s->cost[i * OPTIONS + 3] / 4;
        s->stock[s->product[i]] += 1000 + draw((uint64_t)i, &next, 3000);
    }
    for (int u = 0; u < USERS; u++) s->most[u] = 1 + u % 2;
}

/* Users are not cut. budget: it counts */
static void solve(const struct comm *comm, const struct shop *s, bool budget, struct answer *answer)
{
    uint8_t choice[SLOTS] = {0};
    int64_t start[USERS + 1], free_budget = KNAPSACK_FREE;
    int64_t first = USERS * comm->rank / comm->ranks, next = USERS * (comm->rank + 1) / comm->ranks;
    const int64_t row = first * WANTS, cell = row * OPTIONS;
    const struct blocks blocks = {
        .rows_total = SLOTS, .rows_local = (next - first) * WANTS, .row_first = row};
    for (int u = 0; u <= USERS; u++) start[u] = u * WANTS;
    const struct knapsack_cells cells = {
        .blocks = &blocks,
        .options = OPTIONS,
        .value = s->value + cell,
        .kinds = 2,
        .kind = {{1, NULL, s->cost + cell, budget ? &s->budget : &free_budget},
                 {STOCKS, s->product + row, s->units + cell, s->stock}},
        .caps = 1,
        .users_local = next - first,
        .user_start = start,
        .cap = {{s->given + cell, s->most + first}}};
    memset(answer, 0, sizeof *answer);
    assert_all(
        knapsack_solve(comm, &cells, answer->price, choice, answer->used, &answer->receipt) == OK);
    for (int64_t i = 0; i < blocks.rows_local; i++) answer->level[row + i] = choice[i];
    comm_sum_int64(comm, answer->level, SLOTS);
}

/* What a pair's levels, two bits each, are worth; -1: they break a stock or a cap. */
static int64_t worth_of_pair(const struct shop *s, int pair, int levels)
{
    int64_t worth = 0;
    int given[2] = {0};
    for (int j = 0; j < WANTS; j++) {
        int64_t sold = 0;
        for (int u = 0; u < 2; u++) {
            int k = levels >> 2 * (u * WANTS + j) & 3;
            int at = ((2 * pair + u) * WANTS + j) * OPTIONS + k;
            worth += s->value[at];
            sold += s->units[at];
            given[u] += k > 0;
        }
        if (sold > s->stock[pair * WANTS + j]) return -1;
    }
    return given[0] <= s->most[2 * pair] && given[1] <= s->most[2 * pair + 1] ? worth : -1;
}

/* Parts that share no limit are each searched to their end, however many they are. */
static void pairs_against_all_choices(void **state)
{
    (void)state;
    static struct shop shop;
    static struct answer answer;
    int64_t all = 0;
    draw_shop(&shop);
    for (int p = 0; p < PAIRS; p++) {
        int64_t best = -1;
        for (int levels = 0; levels < CHOICES; levels++) {
            int64_t worth = worth_of_pair(&shop, p, levels);
            best = worth > best ? worth : best;
        }
        assert_all(best >= 0);
        all += best;
    }
    solve(&world, &shop, false, &answer);
    assert_all(answer.receipt.exact);
    assert_all(answer.receipt.objective == all && answer.receipt.upper_bound == all);
}

/* Every limit holds, within three in a thousand of the bound; the same at any number of ranks. */
static void pairs_under_a_budget(void **state)
{
    (void)state;
    static struct shop shop;
    static struct answer answer, alone;
    struct comm self = comm_self();
    int64_t cost = 0;
    bool holds = true;
    draw_shop(&shop);
    solve(&world, &shop, true, &answer);
    solve(&self, &shop, true, &alone);
    assert_all(memcmp(answer.level, alone.level, sizeof answer.level) == 0);
    assert_all(memcmp(answer.price, alone.price, sizeof answer.price) == 0);
    assert_all(answer.receipt.upper_bound == alone.receipt.upper_bound);
    for (int p = 0; p < PAIRS; p++) {
        int levels = 0;
        for (int i = 0; i < 2 * WANTS; i++) levels |= (int)answer.level[p * 2 * WANTS + i] << 2 * i;
        holds = holds && worth_of_pair(&shop, p, levels) >= 0;
    }
    for (int i = 0; i < SLOTS; i++) cost += shop.cost[i * OPTIONS + answer.level[i]];
    assert_all(holds && cost <= shop.budget);
    assert_all(answer.receipt.gap >= 0.0 && answer.receipt.gap < 3e-3);
}

/* Slots of 0 or 1, of which seven in eight may be 1, at a price at which all slots together are
 * worth more than 64 bits hold. */
static void worths_beyond_64_bits(void **state)
{
    (void)state;
    enum { MANY = 6000 };
    static int64_t value[MANY * 2], use[MANY * 2];
    static int32_t at[MANY];
    static uint32_t allowed[MANY];
    static uint8_t choice[MANY];
    int64_t limit = -(INT64_C(1) << 31) * (MANY / 8), price = INT64_C(1) << 50, bound = MANY;
    for (int s = 0; s < MANY; s++) {
        value[2 * s] = 1;
        use[2 * s + 1] = -(INT64_C(1) << 31);
        allowed[s] = 3;
        choice[s] = 1;
    }
    struct knapsack_table table = {.options = 2,
                                   .kinds = 1,
                                   .slots = MANY,
                                   .limits = 1,
                                   .value = value,
                                   .use = {use},
                                   .at = {at},
                                   .limit = &limit,
                                   .price = &price,
                                   .allowed = allowed,
                                   .choice = choice};
    assert_all(knapsack_relax(&table, &bound) == OK);
    assert_all(bound >= MANY / 8 * 7);
}

TEST_MAIN(cmocka_unit_test(pairs_against_all_choices), cmocka_unit_test(pairs_under_a_budget),
          cmocka_unit_test(worths_beyond_64_bits))
