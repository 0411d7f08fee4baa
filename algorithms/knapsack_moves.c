/* Best single moves, selected over the ranks and taken by all in one order. */
#include "algorithms/knapsack_moves.h"

#include "algorithms/knapsack_point.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Weight of a unit beyond a limit that has no price: this part of a slot's value for its use. */
#define WEIGHT_LEAST 1e-3

struct move {
    uint64_t key;
    int64_t slot; /* global */
    int64_t gain;
    int64_t limit[KNAPSACK_KINDS]; /* number of the limit, -1: none */
    int64_t change[KNAPSACK_KINDS];
    int64_t target;
};

static void set_weights(struct knapsack_moves *m)
{
    int64_t at = 0;
    for (int d = 0; d < m->cells->kinds; d++)
        for (int64_t g = 0; g < m->cells->kind[d].groups; g++, at++) {
            m->limit[at] = m->cells->kind[d].limit[g];
            m->weight[at] = fmax((double)m->price[at] * 0x1p-30,
                                 WEIGHT_LEAST * m->scale->value / m->scale->use[d]);
        }
}

enum status knapsack_moves_new(const struct knapsack_cells *cells,
                               const struct knapsack_scale *scale, const int64_t *price,
                               struct knapsack_moves *m)
{
    enum status status = OK;
    int64_t rows = cells->blocks->rows_local;
    *m = (struct knapsack_moves){.cells = cells, .scale = scale, .price = price};
    m->limits = knapsack_limits(cells);
    TRY(memory_new(&m->limit, m->limits, sizeof *m->limit));
    TRY(memory_new(&m->weight, m->limits, sizeof *m->weight));
    TRY(memory_new(&m->key, rows, sizeof *m->key));
    TRY(memory_new(&m->target, rows, sizeof *m->target));
    TRY(radix_init(&m->radix));
    set_weights(m);
done:
    if (status != OK) knapsack_moves_clear(m);
    return status;
}

void knapsack_moves_clear(struct knapsack_moves *m)
{
    free(m->limit);
    free(m->weight);
    free(m->key);
    free(m->target);
    radix_clear(&m->radix);
    *m = (struct knapsack_moves){0};
}

bool knapsack_holds(const struct knapsack_moves *m, const int64_t *used)
{
    for (int64_t r = 0; r < m->limits; r++)
        if (used[r] > m->limit[r]) return false;
    return true;
}

/* ---- one move ---- */

static void describe(const struct knapsack_moves *m, int64_t slot, int from, int to,
                     struct move *move)
{
    const struct knapsack_cells *cells = m->cells;
    int64_t first = 0, row = slot * cells->options;
    move->slot = cells->blocks->row_first + slot;
    move->gain = cells->value[row + to] - cells->value[row + from];
    move->target = to;
    for (int d = 0; d < cells->kinds; d++) {
        const struct knapsack_kind *kind = &cells->kind[d];
        int64_t group = kind->group != NULL ? kind->group[slot] : 0;
        move->limit[d] = group >= 0 ? first + group : -1;
        move->change[d] = group >= 0 ? kind->use[row + to] - kind->use[row + from] : 0;
        first += kind->groups;
    }
}

/* By how much it lessens what is beyond the limits, weighed; below zero: it adds to it. */
static double relief(const struct knapsack_moves *m, const struct move *move, const int64_t *used)
{
    double sum = 0.0;
    for (int d = 0; d < m->cells->kinds; d++) {
        int64_t r = move->limit[d];
        if (r < 0 || move->change[d] == 0 || m->limit[r] == KNAPSACK_FREE) continue;
        double over = fmax((double)(used[r] - m->limit[r]), 0.0);
        double then = fmax((double)(used[r] + move->change[d] - m->limit[r]), 0.0);
        sum += m->weight[r] * (over - then);
    }
    return sum;
}

static bool fits(const struct knapsack_moves *m, const struct move *move, const int64_t *used)
{
    for (int d = 0; d < m->cells->kinds; d++) {
        int64_t r = move->limit[d];
        if (r >= 0 && move->change[d] > 0 && used[r] + move->change[d] > m->limit[r]) return false;
    }
    return true;
}

static double use_at_prices(const struct knapsack_moves *m, const struct move *move)
{
    double sum = 0.0;
    for (int d = 0; d < m->cells->kinds; d++)
        if (move->limit[d] >= 0)
            sum += (double)m->price[move->limit[d]] * 0x1p-30 * (double)move->change[d];
    return sum;
}

/* Positive doubles are ordered like their bits. */
static uint64_t key_of(double merit)
{
    uint64_t key;
    merit = fmin(merit, 1e300);
    if (!(merit > 0.0)) return 0;
    memcpy(&key, &merit, sizeof key);
    return key;
}

static uint64_t repair_key(const struct knapsack_moves *m, const struct move *move,
                           const int64_t *used)
{
    double less = relief(m, move, used);
    if (!(less > 0.0)) return 0;
    double loss = fmax(use_at_prices(m, move) - (double)move->gain, 0.0);
    return key_of(less / (loss + 1e-6 * m->scale->value));
}

static uint64_t refill_key(const struct knapsack_moves *m, const struct move *move,
                           const int64_t *used)
{
    if (move->gain <= 0 || !fits(m, move, used)) return 0;
    double cost = fmax(use_at_prices(m, move), 0.0);
    return key_of((double)move->gain / (cost + 1e-6 * m->scale->value));
}

typedef uint64_t key_function(const struct knapsack_moves *m, const struct move *move,
                              const int64_t *used);

/* ---- a round ---- */

/* What a user's choice uses of its caps. */
struct caps_used {
    int64_t user, used[KNAPSACK_CAPS];
};

static void use_caps(const struct knapsack_cells *cells, int64_t user, const uint8_t *choice,
                     struct caps_used *caps)
{
    *caps = (struct caps_used){.user = user};
    for (int64_t i = cells->user_start[user]; i < cells->user_start[user + 1]; i++)
        for (int c = 0; c < cells->caps; c++)
            caps->used[c] += cells->cap[c].use[i * cells->options + choice[i]];
}

static bool fits_caps(const struct knapsack_cells *cells, const struct caps_used *caps,
                      int64_t slot, int from, int to)
{
    int64_t row = slot * cells->options;
    for (int c = 0; c < cells->caps; c++) {
        const struct knapsack_cap *cap = &cells->cap[c];
        int64_t change = cap->use[row + to] - cap->use[row + from];
        if (change > 0 && caps->used[c] + change > cap->limit[caps->user]) return false;
    }
    return true;
}

/* caps NULL: there are none */
static void best_move(struct knapsack_moves *m, key_function *key, int64_t slot, int from,
                      const int64_t *used, const struct caps_used *caps)
{
    uint32_t allowed = m->cells->allowed != NULL ? m->cells->allowed[slot] : UINT32_MAX;
    m->key[slot] = 0;
    for (int k = 0; k < m->cells->options; k++) {
        struct move move;
        if (k == from || (allowed >> k & 1) == 0) continue;
        if (caps != NULL && !fits_caps(m->cells, caps, slot, from, k)) continue;
        describe(m, slot, from, k, &move);
        uint64_t here = key(m, &move, used);
        if (here <= m->key[slot]) continue;
        m->key[slot] = here;
        m->target[slot] = (uint8_t)k;
    }
}

/* The best move of a user; two in one round might break its caps together. */
static void best_of_user(struct knapsack_moves *m, key_function *key, int64_t user,
                         const uint8_t *choice, const int64_t *used)
{
    struct caps_used caps;
    int64_t best = m->cells->user_start[user];
    use_caps(m->cells, user, choice, &caps);
    for (int64_t i = best; i < m->cells->user_start[user + 1]; i++) {
        best_move(m, key, i, choice[i], used, &caps);
        if (i == best || m->key[i] <= m->key[best]) {
            m->key[i] = i == best ? m->key[i] : 0;
            continue;
        }
        m->key[best] = 0;
        best = i;
    }
}

static void best_moves(struct knapsack_moves *m, key_function *key, const uint8_t *choice,
                       const int64_t *used)
{
    if (m->cells->caps > 0)
        for (int64_t u = 0; u < m->cells->users_local; u++) best_of_user(m, key, u, choice, used);
    else
        for (int64_t i = 0; i < m->cells->blocks->rows_local; i++)
            best_move(m, key, i, choice[i], used, NULL);
}

static void select_best(const struct comm *comm, struct knapsack_moves *m)
{
    radix_begin(&m->radix);
    do {
        for (int64_t i = 0; i < m->cells->blocks->rows_local; i++)
            if (m->key[i] != 0) radix_add(&m->radix, m->key[i], 1);
    } while (radix_step(comm, &m->radix, KNAPSACK_MOVES));
}

/* At most so many of this rank's moves are collected. */
static int64_t count_best(const struct knapsack_moves *m)
{
    uint64_t least = m->radix.fits ? 1 : m->radix.threshold;
    int64_t count = 0;
    for (int64_t i = 0; i < m->cells->blocks->rows_local; i++)
        count += m->key[i] != 0 && m->key[i] >= least;
    return count < KNAPSACK_MOVES ? count : KNAPSACK_MOVES;
}

/* Those above the threshold, and as many at it as fit, in the order of slots. */
static int64_t collect(const struct comm *comm, const struct knapsack_moves *m,
                       const uint8_t *choice, struct move *list)
{
    const struct radix *radix = &m->radix;
    int64_t at_before = radix->fits ? 0 : comm_prefix_int64(comm, radix->mine_at), count = 0;
    int64_t room = KNAPSACK_MOVES - radix->above;
    for (int64_t i = 0; i < m->cells->blocks->rows_local; i++) {
        if (m->key[i] == 0) continue;
        if (!radix->fits) {
            if (m->key[i] < radix->threshold) continue;
            if (m->key[i] == radix->threshold && at_before++ >= room) continue;
        }
        describe(m, i, choice[i], m->target[i], &list[count]);
        list[count++].key = m->key[i];
    }
    return count;
}

static int by_key(const void *left, const void *right)
{
    const struct move *a = left, *b = right;
    if (a->key != b->key) return a->key > b->key ? -1 : 1;
    return (a->slot > b->slot) - (a->slot < b->slot);
}

static void take(const struct knapsack_moves *m, const struct move *move, uint8_t *choice,
                 int64_t *used)
{
    int64_t row = move->slot - m->cells->blocks->row_first;
    if (row >= 0 && row < m->cells->blocks->rows_local) choice[row] = (uint8_t)move->target;
    for (int d = 0; d < m->cells->kinds; d++)
        if (move->limit[d] >= 0) used[move->limit[d]] += move->change[d];
}

static enum status one_round(const struct comm *comm, struct knapsack_moves *m, key_function *key,
                             uint8_t *choice, int64_t *used, int64_t *taken)
{
    enum status status = OK;
    struct move *mine = NULL;
    void *all = NULL;
    int64_t bytes = 0;
    *taken = 0;
    best_moves(m, key, choice, used);
    select_best(comm, m);
    TRY_ALL(comm, memory_new(&mine, count_best(m), sizeof *mine));
    int64_t count = collect(comm, m, choice, mine);
    TRY(comm_gather_all(comm, mine, count * (int64_t)sizeof *mine, &all, &bytes));
    struct move *moves = all;
    count = bytes / (int64_t)sizeof *moves;
    if (count > 0) qsort(moves, (size_t)count, sizeof *moves, by_key);
    for (int64_t i = 0; i < count; i++) {
        if (key(m, &moves[i], used) == 0) continue;
        take(m, &moves[i], choice, used);
        ++*taken;
    }
done:
    free(mine);
    free(all);
    return status;
}

enum status knapsack_repair(const struct comm *comm, struct knapsack_moves *m, uint8_t *choice,
                            int64_t *used, int64_t *taken)
{
    return one_round(comm, m, repair_key, choice, used, taken);
}

enum status knapsack_refill(const struct comm *comm, struct knapsack_moves *m, uint8_t *choice,
                            int64_t *used, int64_t *taken)
{
    return one_round(comm, m, refill_key, choice, used, taken);
}
