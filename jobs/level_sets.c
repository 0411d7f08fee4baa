/* Sets of levels and their bounds. */
#include "jobs/level_sets.h"

#include "algorithms/knapsack_user.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

#define FINE 0x1p8 /* parts of a unit that sums are taken in */

static int64_t number_of_sets(int from, int64_t most)
{
    double count = 1.0;
    for (int64_t i = 0; i < most; i++) count = count * (double)(from - i) / (double)(i + 1);
    return (int64_t)llround(fmin(count, 1e15));
}

/* The next number with as many bits set. */
static uint32_t next_set(uint32_t bits)
{
    uint32_t low = bits & -bits, ripple = bits + low;
    return ripple | (((bits ^ ripple) >> 2) / low);
}

static enum status list_sets(int levels, int64_t most, struct level_sets *sets)
{
    enum status status = OK;
    int64_t count = number_of_sets(levels - 1, most);
    if (count > LEVEL_SETS)
        TRY(FAIL(ERR_CONFIG,
                 "allocate.levels_most: %lld of %d discounts can be chosen in %lld ways, more than "
                 "%d; give fewer allocate.levels",
                 (long long)most, levels - 1, (long long)count, LEVEL_SETS));
    TRY(memory_new(&sets->set, count, sizeof *sets->set));
    uint32_t bits = ((uint32_t)1 << most) - 1;
    for (sets->count = 0; sets->count < count; bits = next_set(bits))
        sets->set[sets->count++].levels = bits << 1 | 1;
done:
    return status;
}

/* What each set gives a slot beyond level 0, rounded up; gain[count]: all levels, down.
 * worth in [options] of the slot */
static void add_slot(uint32_t allowed, int options, double *worth, const struct level_sets *sets,
                     int64_t *gain)
{
    double all = worth[0];
    for (int k = 1; k < options; k++) {
        if ((allowed >> k & 1) == 0) worth[k] = -INFINITY;
        all = fmax(all, worth[k]);
    }
    for (int64_t s = 0; s < sets->count; s++) {
        double best = worth[0];
        for (uint32_t left = sets->set[s].levels & allowed; left != 0; left &= left - 1)
            best = fmax(best, worth[__builtin_ctz(left)]);
        gain[s] += (int64_t)ceil(FINE * (best - worth[0])) + (best > worth[0]);
    }
    gain[sets->count] += (int64_t)floor(FINE * (all - worth[0])) - (all > worth[0]);
}

static void add_slots(const struct knapsack_cells *cells, const int64_t *price,
                      const struct level_sets *sets, int64_t *gain)
{
    double worth[KNAPSACK_OPTIONS];
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) {
        for (int k = 0; k < cells->options; k++) worth[k] = knapsack_worth(cells, price, i, k);
        add_slot(cells->allowed[i], cells->options, worth, sets, gain);
    }
}

/* With prices of its own caps a user's levels stand alone, as far as bounds go: at them what it can
 * have at most is above its best choice by the *excess, which sets of levels share. */
static void add_user(struct knapsack_user *u, const int64_t *price, int64_t user,
                     const struct level_sets *sets, int64_t *gain, int64_t *excess)
{
    int128 choice, most = 0;
    double worth[KNAPSACK_OPTIONS];
    bool bound = knapsack_user_choose(u, price, user, &choice) == USER_BOUND;
    if (!bound) u->caps = 0;
    for (int c = 0; c < u->caps; c++) most += (int128)u->price[c] * u->limit[c];
    for (int64_t s = 0; s < u->slots; s++) {
        uint32_t allowed = u->cells->allowed[u->first + s];
        int128 best = 0;
        for (int k = 0; k < u->options; k++) {
            int128 net = knapsack_user_net(u, s, k);
            worth[k] = (double)net * 0x1p-30;
            if ((allowed >> k & 1) != 0 && (k == 0 || net > best)) best = net;
        }
        most += best;
        add_slot(allowed, u->options, worth, sets, gain);
    }
    if (bound) *excess += (int64_t)((most - u->bound) >> KNAPSACK_PRICE_BITS) + 1;
}

static enum status add_users(const struct comm *comm, const struct knapsack_cells *cells,
                             const int64_t *price, const struct level_sets *sets, int64_t *gain,
                             int64_t *excess)
{
    enum status status = OK;
    struct knapsack_user u = {0};
    TRY_ALL(comm, knapsack_user_new(cells, &u));
    for (int64_t i = 0; i < cells->users_local; i++) add_user(&u, price, i, sets, gain, excess);
    comm_sum_int64(comm, excess, 1);
done:
    knapsack_user_clear(&u);
    return status;
}

static int by_bound(const void *left, const void *right)
{
    const struct level_set *a = left, *b = right;
    if (a->bound != b->bound) return a->bound < b->bound ? 1 : -1;
    return (a->levels > b->levels) - (a->levels < b->levels);
}

enum status level_sets_make(const struct comm *comm, const struct problem *problem,
                            const struct choices *choices, int64_t most, struct level_sets *sets)
{
    enum status status = OK;
    struct knapsack_cells cells;
    int64_t *gain = NULL, excess = 0;
    *sets = (struct level_sets){0};
    problem_cells(problem, &cells);
    TRY_ALL(comm, list_sets(problem->levels, most, sets));
    TRY_ALL(comm, memory_new(&gain, sets->count + 1, sizeof *gain));
    if (cells.caps == 0)
        add_slots(&cells, choices->price, sets, gain);
    else
        TRY(add_users(comm, &cells, choices->price, sets, gain, &excess));
    comm_sum_int64(comm, gain, sets->count + 1);
    for (int64_t s = 0; s < sets->count; s++) {
        int64_t more = excess + (int64_t)ceil((double)(gain[s] - gain[sets->count]) / FINE);
        sets->set[s].bound = choices->upper_bound + (more < 0 ? more : 0);
    }
    qsort(sets->set, (size_t)sets->count, sizeof *sets->set, by_bound);
done:
    free(gain);
    return status;
}

void level_sets_clear(struct level_sets *sets)
{
    free(sets->set);
    *sets = (struct level_sets){0};
}
