/* Small problems against all their choices; larger ones against their own certificate. */
#include "tests/harness.h"

#include "algorithms/knapsack.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_MOST = 12, OPTIONS_MOST = 4, LIMITS_MOST = 6 };

/* Small problems on one rank, and on several, where every reduction takes its time. */
enum { CASES_ALONE = 1000, CASES_TOGETHER = 60 };

/* A whole small problem, on every rank. */
struct small {
    int slots, options, kinds;
    int64_t groups[3];
    int32_t group[3][SLOTS_MOST];
    int64_t value[SLOTS_MOST * OPTIONS_MOST];
    int64_t use[3][SLOTS_MOST * OPTIONS_MOST];
    int64_t limit[3][2];
    uint32_t allowed[SLOTS_MOST];
};

static int64_t draw(uint64_t entity, uint64_t *next, int64_t limit)
{
    return (int64_t)random_below(77, RANDOM_WEIGHTS, entity, (*next)++, (uint64_t)limit);
}

static void draw_kind(uint64_t entity, uint64_t *next, int d, struct small *s)
{
    int64_t style = draw(entity, next, 4), reach = 0;
    s->groups[d] = 1 + draw(entity, next, 2);
    for (int i = 0; i < s->slots; i++) {
        s->group[d][i] = (int32_t)(draw(entity, next, s->groups[d] + 1) - (style == 0));
        if (s->group[d][i] >= s->groups[d]) s->group[d][i] = 0;
        for (int k = 0; k < s->options; k++) {
            int64_t use = draw(entity, next, style == 1 ? 3 : 40);
            if (style == 2) use -= 20;
            if (k == 0 && style != 3) use = 0;
            s->use[d][i * s->options + k] = use;
            reach += use > 0 ? use : 0;
        }
    }
    for (int64_t g = 0; g < s->groups[d]; g++)
        s->limit[d][g] = draw(entity, next, reach + 2) / (s->options + 1) - (style == 2 ? 5 : 0);
}

static void draw_small(uint64_t entity, struct small *s)
{
    uint64_t next = 0;
    memset(s, 0, sizeof *s);
    s->slots = 1 + (int)draw(entity, &next, entity % 10 == 0 ? SLOTS_MOST : 7);
    s->options = 1 + (int)draw(entity, &next, OPTIONS_MOST);
    s->kinds = (int)draw(entity, &next, 4);
    int64_t most = draw(entity, &next, 2) == 0 ? 4 : 100;
    for (int i = 0; i < s->slots; i++) {
        s->allowed[i] = (uint32_t)draw(entity, &next, 15) + 1;
        if ((s->allowed[i] & ((1u << s->options) - 1)) == 0) s->allowed[i] |= 1;
        for (int k = 0; k < s->options; k++)
            s->value[i * s->options + k] = draw(entity, &next, most) - most / 3;
    }
    for (int d = 0; d < s->kinds; d++) draw_kind(entity, &next, d, s);
}

static bool keeps(const struct small *s, const uint8_t *choice)
{
    int64_t used[3][2] = {{0}};
    for (int d = 0; d < s->kinds; d++)
        for (int i = 0; i < s->slots; i++)
            if (s->group[d][i] >= 0)
                used[d][s->group[d][i]] += s->use[d][i * s->options + choice[i]];
    for (int d = 0; d < s->kinds; d++)
        for (int64_t g = 0; g < s->groups[d]; g++)
            if (used[d][g] > s->limit[d][g]) return false;
    return true;
}

static int64_t worth(const struct small *s, const uint8_t *choice)
{
    int64_t sum = 0;
    for (int i = 0; i < s->slots; i++) sum += s->value[i * s->options + choice[i]];
    return sum;
}

/* The best of all choices, INT64_MIN if none keeps the limits. */
static int64_t best_of_all(const struct small *s)
{
    uint8_t choice[SLOTS_MOST] = {0};
    int64_t best = INT64_MIN;
    for (;;) {
        bool may = true;
        for (int i = 0; i < s->slots; i++) may = may && (s->allowed[i] >> choice[i] & 1) != 0;
        if (may && worth(s, choice) > best && keeps(s, choice)) best = worth(s, choice);
        int at = 0;
        while (at < s->slots && ++choice[at] == s->options) choice[at++] = 0;
        if (at == s->slots) return best;
    }
}

/* This rank's slots of it. */
static void open_small(const struct small *s, struct blocks *blocks, struct knapsack_cells *cells)
{
    assert_all(blocks_cut(&world, s->slots, 2, blocks) == OK);
    int64_t first = blocks->row_first;
    *cells = (struct knapsack_cells){.blocks = blocks,
                                     .options = s->options,
                                     .value = s->value + first * s->options,
                                     .allowed = s->allowed + first,
                                     .kinds = s->kinds};
    for (int d = 0; d < s->kinds; d++)
        cells->kind[d] = (struct knapsack_kind){s->groups[d], s->group[d] + first,
                                                s->use[d] + first * s->options, s->limit[d]};
}

static void gather_choice(const struct blocks *blocks, const uint8_t *mine, uint8_t *all)
{
    int64_t wide[SLOTS_MOST] = {0};
    for (int64_t i = 0; i < blocks->rows_local; i++) wide[blocks->row_first + i] = mine[i];
    comm_sum_int64(&world, wide, SLOTS_MOST);
    for (int i = 0; i < SLOTS_MOST; i++) all[i] = (uint8_t)wide[i];
}

static void small_problems_against_all_choices(void **state)
{
    (void)state;
    int64_t possible = 0, impossible = 0, wrong = 0;
    int64_t cases = world.ranks == 1 ? CASES_ALONE : CASES_TOGETHER;
    for (uint64_t entity = 0; entity < (uint64_t)cases; entity++) {
        struct small s;
        struct blocks blocks = {0};
        struct knapsack_cells cells;
        struct knapsack_receipt receipt;
        int64_t price[LIMITS_MOST] = {0}, used[LIMITS_MOST];
        uint8_t mine[SLOTS_MOST], all[SLOTS_MOST];
        draw_small(entity, &s);
        int64_t best = best_of_all(&s);
        open_small(&s, &blocks, &cells);
        enum status status = knapsack_solve(&world, &cells, price, mine, used, &receipt);
        if (best == INT64_MIN) {
            impossible++;
            wrong += status != ERR_NUMERIC;
        } else {
            possible++;
            bool good = status == OK;
            if (good) gather_choice(&blocks, mine, all);
            good = good && keeps(&s, all) && worth(&s, all) == receipt.objective &&
                   receipt.objective == best && receipt.upper_bound >= best;
            wrong += !good;
        }
        blocks_clear(&blocks);
    }
    assert_all(wrong == 0);
    assert_all(possible > cases / 4 && impossible > cases / 8);
}

TEST_MAIN(cmocka_unit_test(small_problems_against_all_choices))
