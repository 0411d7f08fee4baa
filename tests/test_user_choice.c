/* Users under limits of their own: the best choice, what a level costs and what a limit costs,
 * against all choices gone through; and the search of `remise verify`, which is another one. */
#include "jobs/diff_cause.h"
#include "jobs/user_choice.h"

#include "jobs/user_limits.h"
#include "jobs/verify_best.h"
#include "partition/random.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 5, LEVELS = 4, CAPS = 3, CHOICES = 1024, USERS = 3, TRIALS = 60 };

struct shop {
    int64_t value[USERS * ROWS * LEVELS], use[CAPS + 1][USERS * ROWS * LEVELS];
    int64_t limit[CAPS][USERS], start[USERS + 1], budget, price;
    uint32_t allowed[USERS * ROWS];
    char name[8];
    struct problem problem;
};

static int64_t draw(uint64_t trial, uint32_t number, int64_t most)
{
    return (int64_t)random_below(11, RANDOM_TEST, trial, number, (uint64_t)most + 1);
}

/* Discounts given, their sum and what they cost, as in a table; now and then uses below 0. */
static void make(uint64_t trial, struct shop *s)
{
    bool odd = trial % 5 == 0;
    memset(s, 0, sizeof *s);
    for (uint32_t i = 0; i < USERS * ROWS * LEVELS; i++) {
        int k = (int)i % LEVELS;
        s->value[i] = draw(trial, i, 100000) + (odd ? -50000 : 20000 * k);
        s->use[0][i] = k * draw(trial, 1000 + i, 20000);
        s->use[1][i] = k > 0;
        s->use[2][i] = 5 * k - (odd ? 7 : 0);
        s->use[3][i] = s->use[0][i] / 3 - (odd ? 2000 : 0);
    }
    for (uint32_t r = 0; r < USERS * ROWS; r++)
        s->allowed[r] = (uint32_t)(1 | draw(trial, 2000 + r, 15));
    for (uint32_t u = 0; u < USERS; u++) {
        s->start[u + 1] = ROWS * (u + 1);
        s->limit[0][u] = draw(trial, 3000 + u, 4);
        s->limit[1][u] = u == 2 ? KNAPSACK_FREE : draw(trial, 3010 + u, 40);
        s->limit[2][u] = draw(trial, 3020 + u, 20000);
    }
    s->price = trial % 3 == 0 ? 0 : draw(trial, 4000, (int64_t)1 << 31);
    struct problem *p = &s->problem;
    *p = (struct problem){.levels = LEVELS, .value = s->value, .allowed = s->allowed};
    p->blocks = (struct blocks){.rows_total = USERS * ROWS, .rows_local = USERS * ROWS};
    p->measures = CAPS + 1;
    for (int m = 0; m <= CAPS; m++) p->measure[m] = (struct problem_measure){.use = s->use[m]};
    p->kinds = 1;
    p->kind[0] = (struct problem_kind){.measure = 0, .groups = 1, .limit = &s->budget};
    p->caps = CAPS;
    for (int c = 0; c < CAPS; c++)
        p->cap[c] = (struct problem_cap){s->name, s->name, c + 1, s->limit[c]};
    p->users_local = USERS;
    p->user_start = s->start;
}

static wide_int worth_of(const struct shop *s, int64_t row, int level)
{
    int64_t at = row * LEVELS + level;
    return ((wide_int)s->value[at] << KNAPSACK_PRICE_BITS) - (wide_int)s->price * s->use[0][at];
}

/* All choices of a user. held: row and level, row -1: none; without: a cap that does not count;
 * false: none is left */
static bool go_through(const struct shop *s, int64_t user, int64_t held_row, int held_level,
                       int without, wide_int *best)
{
    bool any = false;
    for (int choice = 0; choice < CHOICES; choice++) {
        wide_int worth = 0;
        int64_t used[CAPS] = {0};
        bool good = true;
        for (int64_t r = 0; r < ROWS && good; r++) {
            int64_t row = s->start[user] + r;
            int level = choice >> (2 * r) & 3;
            good = (s->allowed[row] >> level & 1) != 0 && (row != held_row || level == held_level);
            worth += worth_of(s, row, level);
            for (int c = 0; c < CAPS; c++) used[c] += s->use[c + 1][row * LEVELS + level];
        }
        for (int c = 0; c < CAPS; c++)
            good = good && (c == without || s->limit[c][user] == KNAPSACK_FREE ||
                            used[c] <= s->limit[c][user]);
        if (!good || (any && worth <= *best)) continue;
        any = true;
        *best = worth;
    }
    return any;
}

static bool check_levels(const struct shop *s, int64_t user, wide_int best)
{
    bool right = true;
    for (int64_t row = s->start[user]; row < s->start[user + 1]; row++)
        for (int k = 0; k < LEVELS; k++) {
            wide_int held = 0, loss = -1;
            bool found = false, there = go_through(s, user, row, k, -1, &held);
            if ((s->allowed[row] >> k & 1) == 0) continue;
            right =
                right && user_choice_loss(&s->problem, &s->price, row, k, 0, &loss, &found) == OK;
            right = right && found == there && (!there || loss == best - held);
        }
    return right;
}

static bool check_limits(const struct shop *s, int64_t user, wide_int best)
{
    bool right = true;
    for (int c = 0; c < CAPS; c++) {
        wide_int without = 0, cost = -1;
        go_through(s, user, -1, 0, c, &without);
        right = right && user_choice_cost(&s->problem, &s->price, user, c, &cost) == OK &&
                cost == without - best;
    }
    return right;
}

static bool check_verify(const struct shop *s, int64_t user, wide_int best)
{
    struct verify_best search;
    verify_wide most = 0, known = 0;
    const uint8_t none[ROWS] = {0};
    bool right = verify_best_new(&s->problem, ROWS, &search) == OK;
    for (int64_t cell = 0; right && cell < ROWS * LEVELS; cell++)
        search.worth[cell] = worth_of(s, s->start[user] + cell / LEVELS, (int)(cell % LEVELS));
    if (right) verify_best_find(&search, &s->problem, user, none, &most, &known);
    verify_best_clear(&search);
    return right && most == best && known == best;
}

static void against_all_choices(void **state)
{
    (void)state;
    static struct shop shop;
    int64_t bound = 0;
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        make(trial, &shop);
        for (int64_t user = 0; user < USERS; user++) {
            wide_int best = 0, free_best = 0;
            if (!go_through(&shop, user, -1, 0, -1, &best)) continue;
            bool right = check_levels(&shop, user, best) && check_limits(&shop, user, best) &&
                         check_verify(&shop, user, best);
            assert_all(right);
            go_through(&shop, user, -1, 0, 0, &free_best);
            bound += free_best > best;
        }
    }
    assert_all(bound > 20);
}

/* ---- why a row changed ---- */

/* Is a level of a row part of a best choice of its user, to half of a smallest unit? */
static bool is_part(const struct shop *s, int64_t row, int level, int without)
{
    wide_int best = 0, held = 0;
    int64_t user = row / ROWS;
    go_through(s, user, -1, 0, without, &best);
    return go_through(s, user, row, level, without, &held) && reduced_cost_units(best - held) <= 0;
}

/* The best choice of a user, row by row the first level that is part of one. */
static bool choose(const struct shop *s, int64_t user, uint8_t *level)
{
    struct shop *held = malloc(sizeof *held);
    wide_int worth = 0;
    *held = *s;
    bool there = go_through(held, user, -1, 0, -1, &worth);
    for (int64_t r = user * ROWS; there && r < (user + 1) * ROWS; r++) {
        level[r] = 0;
        while (!is_part(held, r, level[r], -1)) level[r]++;
        held->allowed[r] = UINT32_C(1) << level[r];
    }
    free(held);
    return there;
}

/* By all choices: the cause of a change, where the last limit of users is there in one table. */
static enum diff_cause cause_of(const struct shop *a, const struct shop *b, int64_t row, int from,
                                int to, int last)
{
    struct shop old = *a, new = *b;
    old.price = b->price;
    new.price = a->price;
    if ((b->allowed[row] >> from & 1) == 0) return DIFF_FORBIDDEN;
    if ((a->allowed[row] >> to & 1) == 0) return DIFF_ALLOWED;
    if (last == 1 && !is_part(b, row, to, CAPS - 1)) return DIFF_CAME;
    if (last == 0 && !is_part(a, row, from, CAPS - 1)) return DIFF_WENT;
    bool prices = is_part(&old, row, to, -1), cells = is_part(&new, row, to, -1);
    return prices && cells ? DIFF_EITHER : prices ? DIFF_PRICES : cells ? DIFF_CELLS : DIFF_BOTH;
}

/* A table of the shop, in which only one of the two has the last limit of users. */
static void table_of(const struct shop *s, const struct shop *other, uint8_t *level, bool last,
                     bool alone, struct published_rows *rows, struct diff_prices *prices)
{
    static char reason[USERS * ROWS][5] = {"gain"};
    *rows = (struct published_rows){.rows = USERS * ROWS,
                                    .level = level,
                                    .reason = reason[0],
                                    .reason_bytes = sizeof reason[0],
                                    .problem = s->problem};
    rows->problem.caps = last ? CAPS : CAPS - 1;
    for (int k = 0; k < LEVELS; k++) rows->problem.level[k] = 0.1 * k;
    *prices = (struct diff_prices){.own = (int64_t *)&s->price,
                                   .other = (int64_t *)&other->price,
                                   .kept = (int64_t *)&s->price,
                                   .alone = last && alone ? UINT32_C(1) << (CAPS - 1) : 0};
}

static void why_rows_changed(void **state)
{
    (void)state;
    static struct shop shop[2];
    static int64_t met[DIFF_CAUSE_COUNT];
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        uint8_t level[2][USERS * ROWS];
        struct published_rows rows[2];
        struct diff_prices prices[2];
        int last = (int)(trial % 3); /* which table has the last limit, 2: both */
        make(trial, &shop[0]);
        make(trial, &shop[1]);
        shop[1].price = draw(trial, 5000, (int64_t)1 << 31);
        for (uint32_t i = 0; i < USERS * ROWS * LEVELS; i += 3)
            shop[1].value[i] += draw(trial, 6000 + i, 30000);
        for (int t = 0; t < 2; t++) {
            bool has = last == 2 || last == t;
            for (int u = 0; u < USERS && !has; u++) shop[t].limit[CAPS - 1][u] = KNAPSACK_FREE;
            table_of(&shop[t], &shop[1 - t], level[t], has, last != 2, &rows[t], &prices[t]);
        }
        for (int64_t r = 0; r < USERS * ROWS; r++) {
            const struct diff_row before = {&rows[0], &prices[0], r},
                                  now = {&rows[1], &prices[1], r};
            enum diff_cause cause = DIFF_CAUSE_COUNT;
            if (r % ROWS == 0 &&
                !(choose(&shop[0], r / ROWS, level[0]) && choose(&shop[1], r / ROWS, level[1])))
                r += ROWS - 1;
            else if (level[0][r] != level[1][r]) {
                assert_all(diff_cause_find(&before, &now, &cause) == OK);
                assert_all(cause ==
                           cause_of(&shop[0], &shop[1], r, level[0][r], level[1][r], last));
                met[cause]++;
            }
        }
    }
    assert_all(met[DIFF_CAME] > 5 && met[DIFF_WENT] > 5 && met[DIFF_PRICES] > 5);
    assert_all(met[DIFF_CELLS] > 5 && met[DIFF_BOTH] > 5 && met[DIFF_MOVED] == 0);
}

/* One discount for each user: the second row's stands against the first one's. */
static void by_hand(void **state)
{
    (void)state;
    static struct shop shop;
    wide_int loss = 0;
    bool found = false;
    make(1, &shop);
    for (int64_t i = 0; i < USERS * ROWS * LEVELS; i++) shop.value[i] = shop.use[0][i] = 0;
    for (int64_t r = 0; r < USERS * ROWS; r++) shop.allowed[r] = 15;
    for (int64_t u = 0; u < USERS; u++) {
        shop.limit[0][u] = 1;
        shop.limit[1][u] = shop.limit[2][u] = KNAPSACK_FREE;
    }
    shop.value[ROWS * LEVELS + 1] = 500;       /* user 1, row 0 */
    shop.value[(ROWS + 1) * LEVELS + 2] = 800; /* row 1 */
    const uint8_t chosen[USERS * ROWS] = {[ROWS + 1] = 2};
    assert_all(problem_user_of(&shop.problem, ROWS - 1) == 0);
    assert_all(problem_user_of(&shop.problem, ROWS) == 1);
    assert_all(user_limits_hold(&shop.problem, chosen));
    assert_all(user_choice_broken(&shop.problem, chosen, ROWS, 1) == 0);
    assert_all(user_choice_broken(&shop.problem, chosen, ROWS + 1, 3) == -1);
    assert_all(user_choice_broken(&shop.problem, chosen, 0, 1) == -1);
    assert_all(user_choice_loss(&shop.problem, &shop.price, ROWS, 1, 0, &loss, &found) == OK);
    assert_all(found && reduced_cost_units(loss) == 300);
    /* without that limit it takes nothing */
    assert_all(user_choice_loss(&shop.problem, &shop.price, ROWS, 1, 1, &loss, &found) == OK);
    assert_all(found && loss == 0);
    const uint8_t both[USERS * ROWS] = {[ROWS] = 1, [ROWS + 1] = 2};
    assert_all(!user_limits_hold(&shop.problem, both));
}

TEST_MAIN(cmocka_unit_test(by_hand), cmocka_unit_test(against_all_choices),
          cmocka_unit_test(why_rows_changed))
