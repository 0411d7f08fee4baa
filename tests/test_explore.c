/* Exploration: stated propensities are those of the draws, over many seeds; no draw ever breaks a
 * limit; the same bytes at any number of ranks. */
#include "tests/harness.h"

#include "jobs/explore.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <stdlib.h>
#include <string.h>

enum { USERS = 30, SLOTS = 4, ROWS = USERS * SLOTS, LEVELS = 4, STOCKS = 3, SEEDS = 3000 };

/* A problem on the ranks of a communicator, solved at random levels: cost in one budget, and units
 * of three products. */
struct world_of {
    const struct comm *comm;
    struct blocks users;
    struct problem problem;
    struct choices choices; /* as solved, and after draw */
    uint8_t *solved;
    int32_t *product;
    struct user_key *key;
    struct explore explore;
};

static int64_t chance(int64_t row, int what, uint64_t limit)
{
    return (int64_t)random_below(7, RANDOM_TEST, (uint64_t)row, (uint64_t)what, limit);
}

/* Level 0 costs nothing and sells least, later ones more; nothing is offered in a few slots. */
static void fill_row(struct world_of *w, int64_t i)
{
    struct problem *p = &w->problem;
    int64_t row = p->blocks.row_first + i;
    w->product[i] = chance(row, 0, 10) == 0 ? -1 : (int32_t)(row % SLOTS);
    w->key[i / SLOTS] = (struct user_key){(uint64_t)(row / SLOTS), (uint64_t)(row / SLOTS) * 77};
    p->kind[1].group[i] = w->product[i] >= 0 ? w->product[i] - 1 : -1; /* product 0: no stock */
    for (int k = 0; k < LEVELS; k++) {
        int64_t at = i * LEVELS + k;
        bool some = w->product[i] >= 0;
        p->value[at] = some ? chance(row, 10 + k, 100) : 0;
        p->measure[0].use[at] = some && k > 0 ? 100 * k + chance(row, 20 + k, 100) : 0;
        p->measure[1].use[at] = some ? 1000 + 100 * k + chance(row, 30 + k, 100) : 0;
    }
    p->allowed[i] = w->product[i] >= 0 ? 1 | (uint32_t)chance(row, 1, 1 << LEVELS) : 1;
    uint8_t solved = (uint8_t)chance(row, 2, LEVELS);
    w->solved[i] = (p->allowed[i] >> solved & 1) != 0 ? solved : 0;
}

/* What the levels use of each limit, over all ranks of the problem. */
static void count_used(const struct world_of *w, const uint8_t *level, int64_t *used)
{
    const struct problem *p = &w->problem;
    memset(used, 0, (1 + STOCKS) * sizeof *used);
    for (int64_t i = 0; i < p->blocks.rows_local; i++) {
        int64_t at = i * LEVELS + level[i];
        used[0] += p->measure[0].use[at];
        if (p->kind[1].group[i] >= 0) used[1 + p->kind[1].group[i]] += p->measure[1].use[at];
    }
    comm_sum_int64(w->comm, used, 1 + STOCKS);
}

static enum status make_room(struct world_of *w)
{
    enum status status = OK;
    struct problem *p = &w->problem;
    int64_t rows = p->blocks.rows_local;
    TRY(memory_new(&p->value, rows * LEVELS, sizeof *p->value));
    TRY(memory_new(&p->allowed, rows, sizeof *p->allowed));
    for (int m = 0; m < 2; m++) {
        TRY(memory_new(&p->measure[m].use, rows * LEVELS, sizeof *p->measure[m].use));
        TRY(memory_new(&p->kind[m].limit, STOCKS, sizeof *p->kind[m].limit));
        p->measure[m].name = strdup(m == 0 ? "cost" : "units");
        p->kind[m].rule = strdup(m == 0 ? "budget" : "stock");
    }
    TRY(memory_new(&p->kind[1].group, rows, sizeof *p->kind[1].group));
    TRY(memory_new(&w->product, rows, sizeof *w->product));
    TRY(memory_new(&w->key, w->users.rows_local, sizeof *w->key));
    TRY(memory_new(&w->solved, rows, 1));
    TRY(memory_new(&w->choices.level, rows, 1));
    TRY(memory_new(&w->choices.used, 1 + STOCKS, sizeof *w->choices.used));
done:
    return status;
}

/* left: what the solution leaves of the budget, and a tenth of it of each stock */
static void open_world(const struct comm *comm, int64_t left, struct world_of *w)
{
    *w = (struct world_of){.comm = comm};
    struct problem *p = &w->problem;
    enum status status = blocks_cut(comm, USERS, 8, &w->users);
    if (status == OK) status = problem_blocks(&w->users, SLOTS, &p->blocks);
    p->levels = LEVELS;
    p->measures = p->kinds = 2;
    p->kind[0].groups = 1;
    p->kind[1].groups = STOCKS;
    p->kind[1].measure = 1;
    if (status == OK) status = make_room(w);
    if (status != OK) abort();
    for (int64_t i = 0; i < p->blocks.rows_local; i++) fill_row(w, i);
    w->choices.slots = SLOTS;
    w->choices.limits = 1 + STOCKS;
    count_used(w, w->solved, w->choices.used);
    p->kind[0].limit[0] = w->choices.used[0] + left;
    for (int g = 0; g < STOCKS; g++) p->kind[1].limit[g] = w->choices.used[1 + g] + left / 10;
}

static void close_world(struct world_of *w)
{
    w->choices.receipt = NULL;
    choices_clear(&w->choices);
    problem_clear(&w->problem);
    blocks_clear(&w->users);
    free(w->solved);
    free(w->product);
    free(w->key);
}

/* Draw with a seed from the solved levels. */
static enum status draw(struct world_of *w, double share, int64_t cost_most, uint64_t seed)
{
    const struct explore_rows rows = {w->key, SLOTS, w->product};
    free(w->choices.solved);
    free(w->choices.propensity);
    w->choices.solved = NULL;
    w->choices.propensity = NULL;
    memcpy(w->choices.level, w->solved, (size_t)w->problem.blocks.rows_local);
    w->explore = (struct explore){.share = share, .cost_most = cost_most, .seed = seed};
    return explore_draw(w->comm, &rows, &w->problem, &w->choices, &w->explore);
}

/* Over all seeds, by row: how often each level was published, and the sum of 1 / propensity where
 * it was the solved one (which must be the number of seeds) and of its variance, in millionths. */
struct counts {
    int64_t seen[ROWS][LEVELS], weight[ROWS], variance[ROWS];
    int64_t drawn, rows;
    int64_t faults; /* limits broken, or something else than the receipt says */
};

/* Is a limit broken by what was drawn, or does it cost something else than is said? */
static bool at_fault(const struct world_of *w, int64_t cost_most)
{
    int64_t used[1 + STOCKS];
    const struct explored *done = &w->explore.done;
    count_used(w, w->choices.level, used);
    int64_t cost = used[0] - w->choices.used[0];
    bool fault = used[0] > w->problem.kind[0].limit[0] || cost > cost_most;
    for (int g = 0; g < STOCKS; g++) fault = fault || used[1 + g] > w->problem.kind[1].limit[g];
    return fault || cost != done->cost || cost > done->cost_worst;
}

/* The problem is all on this rank; seeds are shared among the ranks. */
static void count_draws(struct world_of *w, double share, int64_t cost_most, struct counts *c)
{
    *c = (struct counts){0};
    for (int seed = 1 + world.rank; seed <= SEEDS; seed += world.ranks) {
        c->faults += draw(w, share, cost_most, (uint64_t)seed) != OK || at_fault(w, cost_most);
        c->drawn += w->explore.done.drawn;
        c->rows += w->explore.done.rows;
        for (int64_t i = 0; i < ROWS; i++) {
            double p = w->choices.propensity[i];
            c->seen[i][w->choices.level[i]]++;
            if (w->choices.level[i] != w->solved[i]) continue;
            c->weight[i] += llround(1e6 / p);
            c->variance[i] += llround(1e6 * (1.0 - p) / p);
        }
    }
    comm_sum_int64(&world, (int64_t *)c, sizeof *c / sizeof(int64_t));
}

/* Nothing is scarce: every row has all its levels, and the frequencies are those stated. */
static void propensities_are_exact(void **state)
{
    (void)state;
    static struct counts c;
    struct comm self;
    struct world_of w;
    double share = 0.3;
    assert_all(comm_split(&world, world.rank, &self) == OK);
    open_world(&self, 1000000, &w);
    count_draws(&w, share, 1000000, &c);
    bool near = true;
    for (int64_t i = 0; i < ROWS; i++) {
        int m = __builtin_popcount(w.problem.allowed[i]);
        for (int k = 0; k < LEVELS; k++) {
            bool may = (w.problem.allowed[i] >> k & 1) != 0;
            double p = may ? share / m : 0.0;
            if (k == w.solved[i]) p += 1.0 - share;
            double off = (double)c.seen[i][k] - SEEDS * p;
            near = near && fabs(off) <= 5.0 * sqrt(SEEDS * p * (1.0 - p)) + 1e-6;
        }
    }
    assert_all(c.faults == 0 && near);
    double expected = share * (double)c.rows;
    assert_all(c.rows > 0 && fabs((double)c.drawn - expected) < 5.0 * sqrt(expected));
    close_world(&w);
    comm_free(&self);
}

/* Little is left of the budget and of stocks: some rows are held to cheaper levels. No draw breaks
 * a limit, and what propensities say of the solved level is still true. */
static void limits_hold_whatever_is_drawn(void **state)
{
    (void)state;
    static struct counts c;
    struct comm self;
    assert_all(comm_split(&world, world.rank, &self) == OK);
    for (int64_t left = 0; left <= 4000; left += 1000) {
        struct world_of w;
        open_world(&self, left, &w);
        count_draws(&w, 0.2, left * 3 / 4, &c);
        bool near = true;
        for (int64_t i = 0; i < ROWS; i++)
            near = near && fabs(1e-6 * (double)c.weight[i] - SEEDS) <=
                               5.0 * sqrt(1e-6 * (double)c.variance[i]) + 0.01;
        assert_all(c.faults == 0 && near);
        assert_all(left > 0 ? w.explore.done.cost_worst > 0 : w.explore.done.cost_worst == 0);
        assert_all(left > 0 || w.explore.done.rows_free < w.explore.done.rows);
        close_world(&w);
    }
    comm_free(&self);
}

static void all_rows_can_be_drawn(void **state)
{
    (void)state;
    struct world_of w;
    open_world(&world, 1000000, &w);
    assert_all(draw(&w, 1.0, INT64_MAX, 5) == OK);
    assert_all(w.explore.done.drawn == w.explore.done.rows);
    bool right = true;
    for (int64_t i = 0; i < w.problem.blocks.rows_local; i++) {
        double p = 1.0 / __builtin_popcount(w.problem.allowed[i]);
        right = right && fabs(w.choices.propensity[i] - p) < 1e-15;
    }
    assert_all(right);
    assert_all(draw(&w, 0.0, INT64_MAX, 5) == OK && w.choices.propensity == NULL);
    close_world(&w);
}

/* Every rank draws the whole table by itself, and finds its rows there. */
static void same_at_any_number_of_ranks(void **state)
{
    (void)state;
    struct comm self;
    struct world_of w, whole;
    assert_all(comm_split(&world, world.rank, &self) == OK);
    open_world(&world, 2000, &w);
    open_world(&self, 2000, &whole);
    for (uint64_t seed = 1; seed < 20; seed++) {
        bool same = draw(&w, 0.15, 1500, seed) == OK && draw(&whole, 0.15, 1500, seed) == OK;
        int64_t rows = w.problem.blocks.rows_local, first = w.problem.blocks.row_first;
        same = same && memcmp(w.choices.level, whole.choices.level + first, (size_t)rows) == 0;
        same = same && memcmp(w.choices.propensity, whole.choices.propensity + first,
                              (size_t)rows * sizeof *w.choices.propensity) == 0;
        same = same && memcmp(&w.explore.done, &whole.explore.done, sizeof w.explore.done) == 0;
        assert_all(same);
    }
    close_world(&w);
    close_world(&whole);
    comm_free(&self);
}

TEST_MAIN(cmocka_unit_test(propensities_are_exact), cmocka_unit_test(limits_hold_whatever_is_drawn),
          cmocka_unit_test(all_rows_can_be_drawn), cmocka_unit_test(same_at_any_number_of_ranks))
