/* Small problems against all their choices. */
#include "tests/harness.h"

#include "algorithms/knapsack_conflict.h"
#include "algorithms/knapsack_point.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_MOST = 12, OPTIONS_MOST = 4, LIMITS_MOST = 6 };

/* Small problems on one rank, and on several, where every reduction takes its time. */
enum { CASES_ALONE = 1000, CASES_TOGETHER = 60, CASES_ALL = 10000 };

/* REMISE_EVERY_CASE=1: all of them. */
static int64_t cases_here(void)
{
    const char *every = getenv("REMISE_EVERY_CASE");
    if (every != NULL && strcmp(every, "1") == 0) return CASES_ALL;
    return world.ranks == 1 ? CASES_ALONE : CASES_TOGETHER;
}

/* A whole small problem, on every rank. */
struct small {
    int slots, options, kinds;
    int64_t groups[3];
    int32_t group[3][SLOTS_MOST];
    int64_t value[SLOTS_MOST * OPTIONS_MOST];
    int64_t use[3][SLOTS_MOST * OPTIONS_MOST];
    int64_t limit[3][2];
    uint32_t allowed[SLOTS_MOST];
    int caps, users;
    int64_t user_start[SLOTS_MOST + 1];
    int64_t cap_use[2][SLOTS_MOST * OPTIONS_MOST], cap_limit[2][SLOTS_MOST];
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

/* Users of one to five slots, and at most two caps: how many, or sums, or what may be negative. */
static void draw_caps(uint64_t entity, uint64_t *next, struct small *s)
{
    for (int i = 0; i < s->slots; s->user_start[++s->users] = i)
        i += 1 + (int)draw(entity, next, s->slots - i < 5 ? s->slots - i : 5);
    s->caps = (int)draw(entity, next, 3);
    for (int c = 0; c < s->caps; c++) {
        int64_t style = draw(entity, next, 3);
        for (int at = 0; at < s->slots * s->options; at++) {
            bool none = at % s->options == 0;
            int64_t use = style == 0 ? 1 : draw(entity, next, 12);
            s->cap_use[c][at] = style == 2 ? use - 4 : none ? 0 : use;
        }
        for (int u = 0; u < s->users; u++)
            s->cap_limit[c][u] = draw(entity, next, 20) == 0
                                     ? KNAPSACK_FREE
                                     : draw(entity, next, 6) * (1 + style) - (style == 2 ? 2 : 0);
    }
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
    if (entity % 2 == 1) draw_caps(entity, &next, s);
}

static bool keeps_caps(const struct small *s, const uint8_t *choice)
{
    for (int c = 0; c < s->caps; c++)
        for (int u = 0; u < s->users; u++) {
            int64_t used = 0;
            for (int64_t i = s->user_start[u]; i < s->user_start[u + 1]; i++)
                used += s->cap_use[c][i * s->options + choice[i]];
            if (used > s->cap_limit[c][u]) return false;
        }
    return true;
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
    return keeps_caps(s, choice);
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

/* A rank's part of it. */
struct part {
    struct blocks blocks;
    struct knapsack_cells cells;
    int64_t user_start[SLOTS_MOST + 1];
};

/* Rows 2 r, 2 r + 1 on rank r and so on; users are not cut. */
static void cut_users(const struct small *s, struct part *p)
{
    int64_t first = s->users * world.rank / world.ranks;
    int64_t next = s->users * (world.rank + 1) / world.ranks;
    p->blocks = (struct blocks){.rows_total = s->slots,
                                .rows_local = s->user_start[next] - s->user_start[first],
                                .row_first = s->user_start[first]};
    for (int64_t u = first; u <= next; u++)
        p->user_start[u - first] = s->user_start[u] - s->user_start[first];
    p->cells.users_local = next - first;
    p->cells.user_start = p->user_start;
    p->cells.caps = s->caps;
    for (int c = 0; c < s->caps; c++)
        p->cells.cap[c] = (struct knapsack_cap){s->cap_use[c] + p->blocks.row_first * s->options,
                                                s->cap_limit[c] + first};
}

static void open_small(const struct small *s, struct part *p)
{
    *p = (struct part){0};
    if (s->caps > 0)
        cut_users(s, p);
    else
        assert_all(blocks_cut(&world, s->slots, 2, &p->blocks) == OK);
    int64_t first = p->blocks.row_first;
    p->cells.blocks = &p->blocks;
    p->cells.options = s->options;
    p->cells.value = s->value + first * s->options;
    p->cells.allowed = s->allowed + first;
    p->cells.kinds = s->kinds;
    for (int d = 0; d < s->kinds; d++)
        p->cells.kind[d] = (struct knapsack_kind){s->groups[d], s->group[d] + first,
                                                  s->use[d] + first * s->options, s->limit[d]};
}

/* ---- conflicts ---- */

/* Limits and caps of a conflict. */
struct some {
    bool limit[3][2], cap[2];
    int64_t user_first; /* caps count for the user of this slot only, -1: for all */
};

static void take_member(const struct small *s, int64_t limit, bool in, struct some *some)
{
    for (int d = 0; d < s->kinds; limit -= s->groups[d++])
        if (limit < s->groups[d]) {
            some->limit[d][limit] = in;
            return;
        }
    some->cap[limit] = in;
}

static bool keeps_caps_of(const struct small *s, const struct some *some, const uint8_t *choice)
{
    for (int c = 0; c < s->caps; c++)
        for (int u = 0; some->cap[c] && u < s->users; u++) {
            int64_t used = 0;
            if (some->user_first >= 0 && s->user_start[u] != some->user_first) continue;
            for (int64_t i = s->user_start[u]; i < s->user_start[u + 1]; i++)
                used += s->cap_use[c][i * s->options + choice[i]];
            if (used > s->cap_limit[c][u]) return false;
        }
    return true;
}

static int64_t use_of(const struct small *s, int d, int64_t g, const uint8_t *choice)
{
    int64_t used = 0;
    for (int i = 0; i < s->slots; i++)
        if (s->group[d][i] == g) used += s->use[d][i * s->options + choice[i]];
    return used;
}

static bool keeps_some(const struct small *s, const struct some *some, const uint8_t *choice)
{
    for (int d = 0; d < s->kinds; d++)
        for (int64_t g = 0; g < s->groups[d]; g++)
            if (some->limit[d][g] && use_of(s, d, g, choice) > s->limit[d][g]) return false;
    return keeps_caps_of(s, some, choice);
}

/* Whether a choice keeps some limits, and the least it uses of limit g of kind d; d < 0: none. */
static bool least_use(const struct small *s, const struct some *some, int d, int64_t g,
                      int64_t *least)
{
    uint8_t choice[SLOTS_MOST] = {0};
    bool any = false;
    *least = INT64_MAX;
    for (;;) {
        bool may = true;
        for (int i = 0; i < s->slots; i++) may = may && (s->allowed[i] >> choice[i] & 1) != 0;
        if (may && keeps_some(s, some, choice)) {
            int64_t use = d >= 0 ? use_of(s, d, g, choice) : 0;
            any = true;
            *least = use < *least ? use : *least;
            if (d < 0) return true;
        }
        int at = 0;
        while (at < s->slots && ++choice[at] == s->options) choice[at++] = 0;
        if (at == s->slots) return any;
    }
}

/* Nothing keeps the members; something keeps all but any one of them; the least is right. */
static bool is_conflict(const struct small *s, const struct knapsack_conflict *conflict)
{
    struct some some = {.user_first = conflict->user};
    int64_t least;
    if (!conflict->proven || !conflict->irreducible || conflict->members < 1) return false;
    for (int64_t m = 0; m < conflict->members; m++)
        take_member(s, conflict->member[m].limit, true, &some);
    if (least_use(s, &some, -1, 0, &least)) return false;
    for (int64_t m = 0; m < conflict->members; m++) {
        const struct knapsack_member *member = &conflict->member[m];
        int d = 0;
        int64_t g = member->limit;
        for (; d < s->kinds && g >= s->groups[d]; d++) g -= s->groups[d];
        take_member(s, member->limit, false, &some);
        if (!least_use(s, &some, d < s->kinds ? d : -1, g, &least)) return false;
        if (d < s->kinds && (member->least != least || member->reached != least)) return false;
        take_member(s, member->limit, true, &some);
    }
    return true;
}

static bool finds_conflict(const struct small *s, const struct part *part, const int64_t *price,
                           const int64_t *used)
{
    struct knapsack_conflict conflict = {0};
    enum status status = knapsack_conflict_find(&world, &part->cells, price, used, &conflict);
    bool good = status == OK && is_conflict(s, &conflict);
    knapsack_conflict_clear(&conflict);
    return good;
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
    int64_t cases = cases_here();
    for (uint64_t entity = 0; entity < (uint64_t)cases; entity++) {
        struct small s;
        struct part part;
        struct knapsack_receipt receipt;
        int64_t price[LIMITS_MOST] = {0}, used[LIMITS_MOST];
        uint8_t mine[SLOTS_MOST], all[SLOTS_MOST];
        draw_small(entity, &s);
        int64_t best = best_of_all(&s);
        open_small(&s, &part);
        enum status status = knapsack_solve(&world, &part.cells, price, mine, used, &receipt);
        if (best == INT64_MIN) {
            impossible++;
            wrong += status != ERR_NUMERIC || !receipt.impossible || !receipt.proven ||
                     !finds_conflict(&s, &part, price, used);
        } else {
            possible++;
            bool good = status == OK;
            if (good) gather_choice(&part.blocks, mine, all);
            good = good && keeps(&s, all) && worth(&s, all) == receipt.objective &&
                   receipt.objective == best && receipt.upper_bound >= best;
            wrong += !good;
        }
        blocks_clear(&part.blocks);
    }
    assert_all(wrong == 0);
    assert_all(possible > cases / 4 && impossible > cases / 8);
}

/* What users choose under their caps is the best there is, at any prices, and so is the bound. */
static void users_choose_the_best_their_caps_allow(void **state)
{
    (void)state;
    int64_t wrong = 0, capped = 0;
    for (uint64_t entity = 1; entity < (uint64_t)cases_here(); entity += 2) {
        struct small s;
        struct part part;
        struct knapsack_point point;
        int64_t none = 0;
        uint8_t mine[SLOTS_MOST];
        draw_small(entity, &s);
        s.kinds = 0;
        int64_t best = best_of_all(&s);
        open_small(&s, &part);
        enum status status = knapsack_at_prices(&world, &part.cells, &none, mine, &none, &point);
        bool good = best == INT64_MIN
                        ? status == ERR_NUMERIC
                        : status == OK && point.bound == best && point.objective == best;
        wrong += !good;
        capped += s.caps > 0 && best > INT64_MIN;
        blocks_clear(&part.blocks);
    }
    assert_all(wrong == 0);
    assert_all(capped > cases_here() / 8);
}

TEST_MAIN(cmocka_unit_test(users_choose_the_best_their_caps_allow),
          cmocka_unit_test(small_problems_against_all_choices))
