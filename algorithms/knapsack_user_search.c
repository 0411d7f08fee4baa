/* Partial choices slot by slot, of which those stay that may still become the best. */
#include "algorithms/knapsack_user.h"

#include <stdlib.h>
#include <string.h>

/* What one search needs at hand. */
struct search {
    struct knapsack_user *u;
    bool known;
    int128 best;      /* worth of the choice that is known */
    int128 allowance; /* sum of the caps' price x limit */
    int128 missed;    /* the highest bound of what there was no room for */
    bool cut;
    int64_t opens, first, count; /* open slots; partials of the last one */
};

static int128 best_net(const struct knapsack_user *u, int64_t slot)
{
    int128 best = knapsack_user_net(u, slot, __builtin_ctz(u->allowed[slot]));
    for (uint32_t left = u->allowed[slot]; left != 0; left &= left - 1) {
        int128 here = knapsack_user_net(u, slot, __builtin_ctz(left));
        best = here > best ? here : best;
    }
    return best;
}

/* An option stays if it may be part of a choice better than the known one. */
static void drop_options(struct search *q, int64_t slot)
{
    struct knapsack_user *u = q->u;
    int128 best = best_net(u, slot);
    int chosen = u->choice[slot];
    for (uint32_t left = u->allowed[slot]; left != 0; left &= left - 1) {
        int k = __builtin_ctz(left);
        if (k != chosen && u->bound - (best - knapsack_user_net(u, slot, k)) <= q->best)
            u->allowed[slot] &= ~(UINT32_C(1) << k);
    }
}

static bool is_open(const struct knapsack_user *u, int64_t slot)
{
    return (u->allowed[slot] & (u->allowed[slot] - 1)) != 0;
}

static void add_option(const struct knapsack_user *u, int64_t slot, int option,
                       struct knapsack_partial *p)
{
    int64_t at = slot * u->options + option;
    p->worth += u->worth[at];
    for (int c = 0; c < u->caps; c++) p->used[c] += u->use[c][at];
}

/* Slots with one option are settled; the first partial choice is theirs. */
static void settle_single(struct search *q)
{
    struct knapsack_user *u = q->u;
    u->partial[0] = (struct knapsack_partial){.before = -1};
    q->opens = 0;
    for (int64_t s = 0; s < u->slots; s++) {
        if (is_open(u, s)) {
            u->open[q->opens++] = s;
            continue;
        }
        u->choice[s] = (uint8_t)__builtin_ctz(u->allowed[s]);
        add_option(u, s, u->choice[s], &u->partial[0]);
    }
    q->first = 0;
    q->count = 1;
}

static void look_ahead(struct search *q)
{
    struct knapsack_user *u = q->u;
    u->ahead[q->opens] = 0;
    memset(u->least + q->opens * KNAPSACK_CAPS, 0, KNAPSACK_CAPS * sizeof *u->least);
    for (int64_t o = q->opens - 1; o >= 0; o--) {
        int64_t slot = u->open[o];
        u->ahead[o] = u->ahead[o + 1] + best_net(u, slot);
        for (int c = 0; c < u->caps; c++) {
            int64_t low = INT64_MAX;
            for (uint32_t left = u->allowed[slot]; left != 0; left &= left - 1) {
                int64_t use = u->use[c][slot * u->options + __builtin_ctz(left)];
                low = use < low ? use : low;
            }
            u->least[o * KNAPSACK_CAPS + c] = u->least[(o + 1) * KNAPSACK_CAPS + c] + low;
        }
    }
    q->allowance = 0;
    for (int c = 0; c < u->caps; c++) q->allowance += (int128)(int64_t)u->price[c] * u->limit[c];
}

/* What can become of a partial choice at most, with the open slots from o on. */
static int128 hope_of(const struct search *q, const struct knapsack_partial *p, int64_t o)
{
    int128 hope = p->worth + q->allowance + q->u->ahead[o];
    for (int c = 0; c < q->u->caps; c++) hope -= (int128)(int64_t)q->u->price[c] * p->used[c];
    return hope;
}

static bool can_keep(const struct knapsack_user *u, const struct knapsack_partial *p, int64_t o)
{
    for (int c = 0; c < u->caps; c++)
        if (p->used[c] + u->least[o * KNAPSACK_CAPS + c] > u->limit[c]) return false;
    return true;
}

static int by_worth(const void *left, const void *right)
{
    const struct knapsack_partial *a = left, *b = right;
    if (a->worth != b->worth) return a->worth > b->worth ? -1 : 1;
    for (int c = 0; c < KNAPSACK_CAPS; c++)
        if (a->used[c] != b->used[c]) return a->used[c] < b->used[c] ? -1 : 1;
    if (a->before != b->before) return a->before < b->before ? -1 : 1;
    return (a->option > b->option) - (a->option < b->option);
}

/* Those kept are worth at least as much; of one cap each uses less than the one before it. */
static bool is_beaten(const struct knapsack_user *u, const struct knapsack_partial *kept,
                      int64_t count, const struct knapsack_partial *p)
{
    for (int64_t i = u->caps == 1 && count > 0 ? count - 1 : 0; i < count; i++) {
        bool less = true;
        for (int c = 0; c < u->caps; c++) less = less && kept[i].used[c] <= p->used[c];
        if (less) return true;
    }
    return false;
}

/* All that the next open slot makes of the partial choices. */
static int64_t widen(struct search *q, int64_t o)
{
    struct knapsack_user *u = q->u;
    int64_t slot = u->open[o], count = 0;
    for (int64_t i = q->first; i < q->first + q->count; i++)
        for (uint32_t left = u->allowed[slot]; left != 0; left &= left - 1) {
            int k = __builtin_ctz(left);
            struct knapsack_partial p = u->partial[i];
            add_option(u, slot, k, &p);
            if (!can_keep(u, &p, o + 1)) continue;
            if (q->known && hope_of(q, &p, o + 1) <= q->best) continue;
            p.before = (int32_t)i;
            p.option = (uint8_t)k;
            u->next[count++] = p;
        }
    return count;
}

/* Of these, those that none beats, the most worth first; what there is no room for is noted. */
static void keep_best(struct search *q, int64_t o, int64_t count)
{
    struct knapsack_user *u = q->u;
    struct knapsack_partial *kept = u->partial + q->first + q->count;
    int64_t room = u->width, taken = 0;
    if (count > 1) qsort(u->next, (size_t)count, sizeof *u->next, by_worth);
    for (int64_t i = 0; i < count; i++) {
        if (is_beaten(u, kept, taken, &u->next[i])) continue;
        if (taken < room) {
            kept[taken++] = u->next[i];
            continue;
        }
        int128 hope = hope_of(q, &u->next[i], o + 1);
        if (!q->cut || hope > q->missed) q->missed = hope;
        q->cut = true;
    }
    q->first += q->count;
    q->count = taken;
}

/* The last partial choices are whole ones, the best first. */
static void trace_back(struct search *q)
{
    struct knapsack_user *u = q->u;
    int64_t at = q->first;
    if (q->count == 0 || (q->known && u->partial[at].worth <= q->best)) return;
    q->known = true;
    q->best = u->partial[at].worth;
    for (int64_t o = q->opens - 1; o >= 0; o--) {
        u->choice[u->open[o]] = u->partial[at].option;
        at = u->partial[at].before;
    }
}

bool knapsack_user_search(struct knapsack_user *u, bool known)
{
    struct search q = {.u = u, .known = known};
    int64_t used[KNAPSACK_CAPS];
    if (known) q.best = knapsack_user_tally(u, used);
    if (known && u->bound <= q.best) return true;
    for (int64_t s = 0; known && s < u->slots; s++) drop_options(&q, s);
    settle_single(&q);
    look_ahead(&q);
    for (int64_t o = 0; o < q.opens && q.count > 0; o++) keep_best(&q, o, widen(&q, o));
    if (q.opens > 0 || !known) trace_back(&q);
    u->exact = !q.cut || (q.known && q.missed <= q.best);
    if (!u->exact && q.missed < u->bound) u->bound = q.missed;
    if (!u->exact && q.known && u->bound < q.best) u->bound = q.best;
    return q.known;
}
