/* Each slot and option in turn begins a chain, which stays if it adds value. */
#include "algorithms/knapsack_exchange.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { CHAIN_MOST = 8 };

struct exchange {
    struct knapsack_table *t;
    int64_t *used;          /* [limits] */
    int64_t *first, *slots; /* [limits + 1], slots of each limit */
    int64_t looks;
    /* the chain at hand */
    int64_t gain;
    int moves;
    int64_t slot[CHAIN_MOST];
    uint8_t from[CHAIN_MOST];
};

static enum status list_slots(struct exchange *e)
{
    enum status status = OK;
    const struct knapsack_table *t = e->t;
    TRY(memory_new(&e->used, t->limits, sizeof *e->used));
    TRY(memory_new(&e->first, t->limits + 2, sizeof *e->first));
    TRY(memory_new(&e->slots, t->slots * t->kinds, sizeof *e->slots));
    int64_t *next = e->first + 1; /* becomes `first` as it moves on */
    for (int d = 0; d < t->kinds; d++)
        for (int64_t s = 0; s < t->slots; s++)
            if (t->at[d][s] >= 0) next[t->at[d][s] + 1]++;
    for (int64_t r = 1; r <= t->limits; r++) next[r] += next[r - 1];
    for (int d = 0; d < t->kinds; d++)
        for (int64_t s = 0; s < t->slots; s++)
            if (t->at[d][s] >= 0) e->slots[next[t->at[d][s]]++] = s;
done:
    return status;
}

/* ---- a chain ---- */

static int64_t value_of(const struct knapsack_table *t, int64_t slot, int option)
{
    return t->value[slot * t->options + option];
}

static void move(struct exchange *e, int64_t slot, int to)
{
    struct knapsack_table *t = e->t;
    int from = t->choice[slot];
    e->slot[e->moves] = slot;
    e->from[e->moves++] = (uint8_t)from;
    e->gain += value_of(t, slot, to) - value_of(t, slot, from);
    knapsack_table_move(t, slot, from, to, e->used);
    t->choice[slot] = (uint8_t)to;
}

static void undo(struct exchange *e)
{
    struct knapsack_table *t = e->t;
    while (e->moves > 0) {
        int64_t slot = e->slot[--e->moves];
        knapsack_table_move(t, slot, t->choice[slot], e->from[e->moves], e->used);
        t->choice[slot] = e->from[e->moves];
    }
    e->gain = 0;
}

static bool in_chain(const struct exchange *e, int64_t slot)
{
    for (int m = 0; m < e->moves; m++)
        if (e->slot[m] == slot) return true;
    return false;
}

/* A limit that the chain exceeds, -1: none. */
static int64_t find_exceeded(const struct exchange *e)
{
    const struct knapsack_table *t = e->t;
    for (int m = 0; m < e->moves; m++)
        for (int d = 0; d < t->kinds; d++) {
            int32_t r = t->at[d][e->slot[m]];
            if (r >= 0 && e->used[r] > t->limit[r]) return r;
        }
    return -1;
}

/* Whether a move exceeds no limit further; relief out: by how much it relieves limit r */
static bool may_move(const struct exchange *e, int64_t slot, int to, int64_t r, int64_t *relief)
{
    const struct knapsack_table *t = e->t;
    int64_t from = slot * t->options + t->choice[slot], cell = slot * t->options + to;
    *relief = 0;
    for (int d = 0; d < t->kinds; d++) {
        int32_t at = t->at[d][slot];
        int64_t change = at >= 0 ? t->use[d][cell] - t->use[d][from] : 0;
        if (change > 0 && e->used[at] + change > t->limit[at]) return false;
        if (at == r) *relief = -change;
    }
    return true;
}

/* How good a move is: value for what it relieves, no more than is wanted. */
struct merit {
    int64_t slot;
    int option;
    double value;
};

/* The best move of a limit's slots: over > 0: that relieves it; else that adds value. */
static struct merit best_move(struct exchange *e, int64_t r, int64_t over)
{
    const struct knapsack_table *t = e->t;
    struct merit best = {-1, 0, 0.0};
    for (int64_t i = e->first[r]; i < e->first[r + 1]; i++) {
        int64_t slot = e->slots[i], relief;
        if (in_chain(e, slot)) continue;
        e->looks += t->options;
        for (int k = 0; k < t->options; k++) {
            if (k == t->choice[slot] || !knapsack_table_may(t, slot, k)) continue;
            double gain = (double)(value_of(t, slot, k) - value_of(t, slot, t->choice[slot]));
            if (over <= 0 && gain <= best.value) continue;
            if (!may_move(e, slot, k, r, &relief) || (over > 0 && relief <= 0)) continue;
            if (over > 0) {
                double part = relief < over ? (double)relief / (double)over : 1.0;
                gain = gain > 0.0 ? gain * part : gain / part;
                if (best.slot >= 0 && gain <= best.value) continue;
            }
            best = (struct merit){slot, k, gain};
        }
    }
    return best;
}

/* Others make room; false: they cannot. */
static bool make_room(struct exchange *e)
{
    for (int64_t r = find_exceeded(e); r >= 0; r = find_exceeded(e)) {
        if (e->moves == CHAIN_MOST) return false;
        struct merit best = best_move(e, r, e->used[r] - e->t->limit[r]);
        if (best.slot < 0) return false;
        move(e, best.slot, best.option);
    }
    return true;
}

/* What the chain's moves have left of limits is used. */
static void use_room(struct exchange *e)
{
    const struct knapsack_table *t = e->t;
    for (int m = 0; m < e->moves; m++)
        for (int d = 0; d < t->kinds; d++) {
            int32_t r = t->at[d][e->slot[m]];
            if (r < 0 || e->moves == CHAIN_MOST) continue;
            struct merit best = best_move(e, r, 0);
            if (best.slot >= 0) move(e, best.slot, best.option);
        }
}

/* Whether a chain that begins so adds value; then it stays. */
static bool try_chain(struct exchange *e, int64_t slot, int option)
{
    e->moves = 0;
    e->gain = 0;
    move(e, slot, option);
    if (make_room(e)) {
        use_room(e);
        if (e->gain > 0) return true;
    }
    undo(e);
    return false;
}

/* ---- all chains ---- */

static bool try_slot(struct exchange *e, int64_t slot)
{
    const struct knapsack_table *t = e->t;
    bool any = false;
    for (int k = 0; k < t->options && e->looks < KNAPSACK_EXCHANGE_LOOKS; k++)
        if (k != t->choice[slot] && knapsack_table_may(t, slot, k))
            any = try_chain(e, slot, k) || any;
    return any;
}

enum status knapsack_exchange(struct knapsack_table *table)
{
    enum status status = OK;
    struct exchange e = {.t = table};
    bool again = true;
    TRY(list_slots(&e));
    knapsack_table_tally(table, e.used);
    while (again && e.looks < KNAPSACK_EXCHANGE_LOOKS) {
        again = false;
        for (int64_t s = 0; s < table->slots; s++) again = try_slot(&e, s) || again;
    }
done:
    free(e.used);
    free(e.first);
    free(e.slots);
    return status;
}
