/* Strata, which of them are open, and the draws. */
#include "jobs/explore.h"

#include "jobs/user_limits.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HISTOGRAM_MOST = 1 << 20, BINS_MOST = 4096, BINS_LEAST = 16 };

/* A row of the block at hand, by what its dearest level costs more than the solved one. */
struct member {
    int64_t worst, row;
};

struct drawing {
    const struct comm *comm;
    const struct problem *problem;
    const struct explore_rows *rows;
    struct explore *explore;
    struct choices *choices;
    int cost;         /* measure */
    uint32_t *levels; /* [slots_local] bits of those that a row may have */
    int64_t limits;   /* of the problem, and one more: the cost of exploration */
    int64_t bins;
    int64_t *left;      /* [limits] that the solution has left */
    int64_t *histogram; /* [limits][bins] worst of the strata of a bin */
    int64_t *closed;    /* [limits] the first bin whose strata may use no more of the limit */
    int64_t *worst;     /* [limits] of the stratum at hand, 0 where it does not use a limit */
    int64_t *used;      /* [limits_used] places in worst that are not 0 */
    int64_t limits_used;
};

typedef void on_stratum(struct drawing *d, uint64_t stratum, const struct member *member,
                        int64_t members);

/* ---- levels ---- */

/* What the levels use more of a measure than the solved one, at most; 0 if none does. */
static int64_t worst_of(const struct drawing *d, int measure, int64_t row, uint32_t levels)
{
    const int64_t *use = d->problem->measure[measure].use + row * d->problem->levels;
    int64_t solved = use[d->choices->solved[row]], worst = 0;
    for (int k = 0; k < d->problem->levels; k++)
        if ((levels >> k & 1) != 0 && use[k] - solved > worst) worst = use[k] - solved;
    return worst;
}

static uint32_t no_more_than_solved(const struct drawing *d, int measure, int64_t row)
{
    const int64_t *use = d->problem->measure[measure].use + row * d->problem->levels;
    uint32_t levels = 0;
    for (int k = 0; k < d->problem->levels; k++)
        if (use[k] <= use[d->choices->solved[row]]) levels |= (uint32_t)1 << k;
    return levels;
}

static bool counts_against(const struct problem_kind *kind, int64_t row)
{
    return kind->group == NULL || kind->group[row] >= 0;
}

static uint32_t levels_of(const struct drawing *d, int64_t row)
{
    return d->problem->allowed[row] | (uint32_t)1 << d->choices->solved[row];
}

static void find_levels(struct drawing *d)
{
    const struct problem *p = d->problem;
    for (int64_t i = 0; i < p->blocks.rows_local; i++)
        if (d->rows->product[i] >= 0) d->levels[i] = levels_of(d, i);
}

/* The user's own limits hold whatever is drawn of all its rows: in an order of chance rows may draw
 * all of their levels as long as the worst of them fit together, the others levels that use no more
 * than the solved ones. */
struct turn {
    uint64_t draw;
    int64_t row;
};

static int by_draw(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;
    if (x->draw != y->draw) return x->draw < y->draw ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static void keep_cap(struct drawing *d, int cap, int64_t user, const struct turn *turn,
                     int64_t turns)
{
    const struct problem_cap *c = &d->problem->cap[cap];
    int64_t left = c->limit[user] - user_limits_used(d->problem, d->choices->solved, cap, user);
    for (int64_t t = 0; t < turns; t++) {
        int64_t row = turn[t].row, worst = worst_of(d, c->measure, row, d->levels[row]);
        if (worst <= left)
            left -= worst;
        else
            d->levels[row] &= no_more_than_solved(d, c->measure, row);
    }
}

static void keep_user(struct drawing *d, int64_t user, struct turn *turn)
{
    const struct problem *p = d->problem;
    int64_t turns = 0;
    for (int64_t r = p->user_start[user]; r < p->user_start[user + 1]; r++) {
        uint64_t product = (uint64_t)d->rows->product[r];
        if (d->levels[r] == 0) continue;
        uint64_t draw = random_below(d->explore->seed, RANDOM_EXPLORE_ROW,
                                     d->rows->key[r / d->rows->slots].low, product, UINT64_MAX);
        turn[turns++] = (struct turn){draw, r};
    }
    qsort(turn, (size_t)turns, sizeof *turn, by_draw);
    for (int c = 0; c < p->caps; c++) keep_cap(d, c, user, turn, turns);
}

static enum status keep_users(struct drawing *d)
{
    struct turn *turn = NULL;
    if (d->problem->caps == 0) return OK;
    enum status status = memory_new(&turn, d->rows->slots, sizeof *turn);
    for (int64_t u = 0; status == OK && u < d->problem->users_local; u++) keep_user(d, u, turn);
    free(turn);
    return status;
}

/* ---- strata ---- */

static int by_worst(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->worst != y->worst) return x->worst < y->worst ? 1 : -1;
    return (x->row > y->row) - (x->row < y->row);
}

/* As many rows as can be drawn with the share each, one of them at most. */
static int64_t stratum_rows(double share)
{
    int64_t rows = (int64_t)floor(1.0 / share + 1e-9);
    return rows > 1 ? rows : 1;
}

static void visit_block(struct drawing *d, int64_t block, struct member *member, on_stratum *visit)
{
    const struct blocks *blocks = &d->problem->blocks;
    int64_t members = 0, most = stratum_rows(d->explore->share);
    uint64_t stratum = (uint64_t)(blocks->block_first + block) << 32;
    for (int64_t i = blocks->start[block]; i < blocks->start[block + 1]; i++)
        if ((d->levels[i] & (d->levels[i] - 1)) != 0)
            member[members++] = (struct member){worst_of(d, d->cost, i, d->levels[i]), i};
    qsort(member, (size_t)members, sizeof *member, by_worst);
    for (int64_t m = 0; m < members; m += most)
        visit(d, stratum++, member + m, members - m < most ? members - m : most);
}

static enum status visit_all(struct drawing *d, on_stratum *visit)
{
    const struct blocks *blocks = &d->problem->blocks;
    struct member *member = NULL;
    int64_t most = 0;
    for (int64_t b = 0; b < blocks->blocks_local; b++)
        if (blocks->start[b + 1] - blocks->start[b] > most)
            most = blocks->start[b + 1] - blocks->start[b];
    enum status status = memory_new(&member, most, sizeof *member);
    for (int64_t b = 0; status == OK && b < blocks->blocks_local; b++)
        visit_block(d, b, member, visit);
    free(member);
    return status;
}

static void note_worst(struct drawing *d, int64_t limit, int64_t worst)
{
    if (worst <= d->worst[limit]) return;
    if (d->worst[limit] == 0) d->used[d->limits_used++] = limit;
    d->worst[limit] = worst;
}

/* The most that drawing one of the members can use up of each limit. */
static void find_worst(struct drawing *d, const struct member *member, int64_t members)
{
    const struct problem *p = d->problem;
    while (d->limits_used > 0) d->worst[d->used[--d->limits_used]] = 0;
    for (int64_t m = 0; m < members; m++) {
        int64_t row = member[m].row, first = 0;
        note_worst(d, d->limits - 1, member[m].worst);
        for (int k = 0; k < p->kinds; first += p->kind[k++].groups) {
            const struct problem_kind *kind = &p->kind[k];
            if (!counts_against(kind, row)) continue;
            int64_t group = kind->group != NULL ? kind->group[row] : 0;
            note_worst(d, first + group, worst_of(d, kind->measure, row, d->levels[row]));
        }
    }
}

/* The place of a stratum in the order of opening. */
static int64_t bin_of(const struct drawing *d, uint64_t stratum)
{
    return (int64_t)random_below(d->explore->seed, RANDOM_EXPLORE, stratum, 0, (uint64_t)d->bins);
}

static void count_worst(struct drawing *d, uint64_t stratum, const struct member *member,
                        int64_t members)
{
    int64_t bin = bin_of(d, stratum);
    find_worst(d, member, members);
    for (int64_t u = 0; u < d->limits_used; u++)
        d->histogram[d->used[u] * d->bins + bin] += d->worst[d->used[u]];
}

static void find_closed(struct drawing *d)
{
    for (int64_t l = 0; l < d->limits; l++) {
        int64_t left = d->left[l], bin = 0;
        const int64_t *worst = d->histogram + l * d->bins;
        while (bin < d->bins && worst[bin] <= left) left -= worst[bin++];
        d->closed[l] = bin;
    }
}

/* ---- draws ---- */

/* The draw-th of the levels. */
static int level_at(uint32_t levels, int64_t draw)
{
    while (draw-- > 0) levels &= levels - 1;
    return __builtin_ctz(levels);
}

static void draw_level(struct drawing *d, int64_t row, uint32_t levels)
{
    struct explored *done = &d->explore->done;
    const struct explore_rows *rows = d->rows;
    uint64_t user = rows->key[row / rows->slots].low;
    uint64_t draw =
        random_below(d->explore->seed, RANDOM_EXPLORE_LEVEL, user, (uint64_t)rows->product[row],
                     (uint64_t)__builtin_popcount(levels));
    int solved = d->choices->solved[row], level = level_at(levels, (int64_t)draw);
    int64_t first = row * d->problem->levels;
    const int64_t *cost = d->problem->measure[d->cost].use + first;
    const int64_t *value = d->problem->value + first;
    d->choices->level[row] = (uint8_t)level;
    d->choices->propensity[row] = d->explore->share / __builtin_popcount(levels);
    if (level == solved) d->choices->propensity[row] += 1.0 - d->explore->share;
    done->drawn++;
    done->changed += level != solved;
    done->cost += cost[level] - cost[solved];
    done->value += value[level] - value[solved];
}

/* What the row costs more in the mean over its draws. */
static int64_t mean_of(const struct drawing *d, int64_t row, uint32_t levels)
{
    const int64_t *cost = d->problem->measure[d->cost].use + row * d->problem->levels;
    int64_t sum = 0, solved = cost[d->choices->solved[row]];
    for (int k = 0; k < d->problem->levels; k++)
        if ((levels >> k & 1) != 0) sum += cost[k] - solved;
    return llround(d->explore->share * (double)sum / __builtin_popcount(levels));
}

/* Those of a row in a stratum of this bin: no more than solved of limits that are closed to it. */
static uint32_t levels_in(const struct drawing *d, int64_t row, int64_t bin)
{
    const struct problem *p = d->problem;
    uint32_t levels = d->levels[row];
    int64_t first = 0;
    if (bin >= d->closed[d->limits - 1]) levels &= no_more_than_solved(d, d->cost, row);
    for (int k = 0; k < p->kinds; first += p->kind[k++].groups) {
        const struct problem_kind *kind = &p->kind[k];
        if (!counts_against(kind, row)) continue;
        int64_t limit = first + (kind->group != NULL ? kind->group[row] : 0);
        if (bin >= d->closed[limit]) levels &= no_more_than_solved(d, kind->measure, row);
    }
    return levels;
}

static void draw_stratum(struct drawing *d, uint64_t stratum, const struct member *member,
                         int64_t members)
{
    struct explored *done = &d->explore->done;
    double share = d->explore->share;
    int64_t bin = bin_of(d, stratum);
    find_worst(d, member, members);
    if (bin < d->closed[d->limits - 1]) done->cost_worst += d->worst[d->limits - 1];
    double at = random_uniform(d->explore->seed, RANDOM_EXPLORE, stratum, 1) / share;
    for (int64_t m = 0; m < members; m++) {
        int64_t row = member[m].row;
        uint32_t levels = levels_in(d, row, bin);
        int count = __builtin_popcount(levels);
        if (count < 2) continue;
        d->choices->propensity[row] = 1.0 - share + share / count;
        done->rows++;
        done->rows_free += levels == levels_of(d, row);
        done->cost_mean += mean_of(d, row, levels);
        if ((int64_t)at == m) draw_level(d, row, levels);
    }
}

/* ---- all of it ---- */

static void give_back(struct problem *problem, struct explore *explore)
{
    const int64_t *from = explore->limit;
    for (int k = 0; from != NULL && k < problem->kinds; from += problem->kind[k++].groups)
        memcpy(problem->kind[k].limit, from, (size_t)problem->kind[k].groups * sizeof *from);
    explore_clear(explore);
}

static enum status reserve(struct drawing *d)
{
    enum status status = OK;
    struct choices *choices = d->choices;
    int64_t slots = d->problem->blocks.rows_local;
    TRY(memory_new(&d->levels, slots, sizeof *d->levels));
    TRY(memory_new(&choices->solved, slots, 1));
    TRY(memory_new(&choices->propensity, slots, sizeof *choices->propensity));
    TRY(memory_new(&d->left, d->limits, sizeof *d->left));
    TRY(memory_new(&d->closed, d->limits, sizeof *d->closed));
    TRY(memory_new(&d->worst, d->limits, sizeof *d->worst));
    TRY(memory_new(&d->used, d->limits, sizeof *d->used));
    TRY(memory_new(&d->histogram, d->limits * d->bins, sizeof *d->histogram));
    memcpy(choices->solved, choices->level, (size_t)slots);
    for (int64_t i = 0; i < slots; i++) choices->propensity[i] = 1.0;
done:
    return status;
}

static void find_left(struct drawing *d)
{
    const struct problem *p = d->problem;
    int64_t limit = 0;
    for (int k = 0; k < p->kinds; k++)
        for (int64_t g = 0; g < p->kind[k].groups; g++, limit++)
            d->left[limit] = p->kind[k].limit[g] - d->choices->used[limit];
    d->left[limit] = d->explore->cost_most;
}

static void clear(struct drawing *d)
{
    free(d->levels);
    free(d->left);
    free(d->closed);
    free(d->worst);
    free(d->used);
    free(d->histogram);
}

static int find_measure(const struct problem *problem, const char *name)
{
    int m = 0;
    while (m < problem->measures && strcmp(problem->measure[m].name, name) != 0) m++;
    return m;
}

enum status explore_draw(const struct comm *comm, const struct explore_rows *rows,
                         struct problem *problem, struct choices *choices, struct explore *explore)
{
    enum status status = OK;
    struct drawing d = {.comm = comm,
                        .problem = problem,
                        .rows = rows,
                        .explore = explore,
                        .choices = choices,
                        .cost = find_measure(problem, "cost"),
                        .limits = choices->limits + 1};
    if (explore->share <= 0.0) return OK;
    give_back(problem, explore);
    explore->done = (struct explored){0};
    d.bins = HISTOGRAM_MOST / d.limits;
    d.bins = d.bins > BINS_MOST ? BINS_MOST : d.bins < BINS_LEAST ? BINS_LEAST : d.bins;
    TRY_ALL(comm, reserve(&d));
    find_left(&d);
    find_levels(&d);
    TRY_ALL(comm, keep_users(&d));
    TRY_ALL(comm, visit_all(&d, count_worst));
    comm_sum_int64(comm, d.histogram, d.limits * d.bins);
    find_closed(&d);
    TRY_ALL(comm, visit_all(&d, draw_stratum));
    comm_sum_int64(comm, (int64_t *)&explore->done, sizeof explore->done / sizeof(int64_t));
done:
    clear(&d);
    return status;
}
