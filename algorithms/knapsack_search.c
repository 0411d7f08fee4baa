/* What cannot be is dropped, the rest is cut into parts, and each is branched and bounded. */
#include "algorithms/knapsack_search.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MOST = 16 };

/* Open slots, those with more than one option left, that share no limit with others. */
struct part {
    int64_t first, count; /* among the open ones */
    int128 bound;         /* of their value, in 2^-30 units */
    int64_t value;        /* of their choice that is known */
};

struct open {
    int64_t home, slot; /* root of the part's limits; limits + slot where it counts in none */
    int128 lead;        /* of its best option on the next */
};

struct tree {
    struct knapsack_table *t;
    int64_t *least, *most; /* [limits] that all slots use */
    int128 *worth;         /* [slots][options] at the prices */
    int64_t *parent;       /* [limits] of limits that meet in a slot */
    struct open *open;     /* [opens] part by part */
    bool *seen;            /* [limits] */
    int64_t opens, parts;
    struct part *part; /* [parts] */
    /* of the part at hand */
    int64_t *used;    /* [limits] by settled slots and the choices so far */
    int64_t *rest;    /* [opens][kinds] what later slots use at least */
    int128 *ahead;    /* [opens + 1] worth of the slots from here on at most */
    uint8_t *order;   /* [opens][options] the most worth first */
    uint8_t *chosen;  /* [opens] */
    int128 allowance; /* sum of price x what is left of a limit */
    int64_t end, nodes, nodes_most, best;
    bool found, cut;
    int128 bound; /* of all parts */
};

static enum status tree_init(struct knapsack_table *table, struct tree *t)
{
    enum status status = OK;
    int64_t limits = table->limits, slots = table->slots;
    t->t = table;
    TRY(memory_new(&t->least, limits, sizeof *t->least));
    TRY(memory_new(&t->most, limits, sizeof *t->most));
    TRY(memory_new(&t->used, limits, sizeof *t->used));
    TRY(memory_new(&t->parent, limits, sizeof *t->parent));
    TRY(memory_new(&t->seen, limits, sizeof *t->seen));
    TRY(memory_new(&t->worth, slots * table->options, sizeof *t->worth));
    TRY(memory_new(&t->open, slots, sizeof *t->open));
    TRY(memory_new(&t->part, slots, sizeof *t->part));
    TRY(memory_new(&t->rest, slots * table->kinds, sizeof *t->rest));
    TRY(memory_new(&t->ahead, slots + 1, sizeof *t->ahead));
    TRY(memory_new(&t->order, slots * table->options, 1));
    TRY(memory_new(&t->chosen, slots, 1));
done:
    return status;
}

static void tree_clear(struct tree *t)
{
    free(t->least);
    free(t->most);
    free(t->used);
    free(t->parent);
    free(t->seen);
    free(t->worth);
    free(t->open);
    free(t->part);
    free(t->rest);
    free(t->ahead);
    free(t->order);
    free(t->chosen);
}

/* ---- what cannot be ---- */

static void reach_of(const struct knapsack_table *t, int64_t slot, int d, int64_t *low,
                     int64_t *high)
{
    *low = INT64_MAX;
    *high = INT64_MIN;
    for (int k = 0; k < t->options; k++) {
        int64_t use = t->use[d][slot * t->options + k];
        if (!knapsack_table_may(t, slot, k)) continue;
        *low = use < *low ? use : *low;
        *high = use > *high ? use : *high;
    }
}

/* What slots use of the limits; false: more than there is, whatever is chosen. */
static bool measure(struct tree *t)
{
    const struct knapsack_table *table = t->t;
    int64_t low, high;
    memset(t->least, 0, (size_t)table->limits * sizeof *t->least);
    memset(t->most, 0, (size_t)table->limits * sizeof *t->most);
    for (int d = 0; d < table->kinds; d++)
        for (int64_t s = 0; s < table->slots; s++) {
            if (table->at[d][s] < 0) continue;
            reach_of(table, s, d, &low, &high);
            t->least[table->at[d][s]] += low;
            t->most[table->at[d][s]] += high;
        }
    for (int64_t r = 0; r < table->limits; r++)
        if (t->least[r] > table->limit[r]) return false;
    return true;
}

/* A limit that no choice can break any more falls away. */
static void loosen(struct tree *t)
{
    struct knapsack_table *table = t->t;
    for (int d = 0; d < table->kinds; d++)
        for (int64_t s = 0; s < table->slots; s++) {
            int32_t r = table->at[d][s];
            if (r >= 0 && t->most[r] <= table->limit[r]) table->at[d][s] = -1;
        }
    for (int64_t r = 0; r < table->limits; r++)
        if (t->most[r] <= table->limit[r]) table->limit[r] = KNAPSACK_FREE;
}

/* Options that use more than all others leave at best. */
static bool drop_too_much(struct tree *t)
{
    struct knapsack_table *table = t->t;
    bool any = false;
    int64_t low, high;
    for (int d = 0; d < table->kinds; d++)
        for (int64_t s = 0; s < table->slots; s++) {
            int32_t r = table->at[d][s];
            if (r < 0) continue;
            reach_of(table, s, d, &low, &high);
            int64_t room = table->limit[r] - t->least[r];
            for (int k = 0; k < table->options && high - low > room; k++) {
                if (!knapsack_table_may(table, s, k)) continue;
                if (table->use[d][s * table->options + k] - low <= room) continue;
                table->allowed[s] &= ~(UINT32_C(1) << k);
                any = true;
            }
        }
    return any;
}

/* false: no choice keeps the limits */
static bool narrow(struct tree *t)
{
    do {
        if (!measure(t)) return false;
        loosen(t);
    } while (drop_too_much(t));
    return true;
}

/* ---- parts ---- */

static bool is_open(const struct tree *t, int64_t slot)
{
    return (t->t->allowed[slot] & (t->t->allowed[slot] - 1)) != 0;
}

static int128 find_worth(const struct knapsack_table *table, int64_t slot, int option)
{
    int64_t cell = slot * table->options + option;
    int128 worth = (int128)table->value[cell] << KNAPSACK_PRICE_BITS;
    for (int d = 0; d < table->kinds; d++)
        if (table->at[d][slot] >= 0)
            worth -= (int128)table->price[table->at[d][slot]] * table->use[d][cell];
    return worth;
}

/* Options of an open slot, the most worth first; how many there are. */
static int order_options(struct tree *t, int64_t slot, uint8_t *order)
{
    int128 *worth = t->worth + slot * t->t->options;
    int count = 0;
    for (int k = 0; k < t->t->options; k++) {
        int at = count;
        if (!knapsack_table_may(t->t, slot, k)) continue;
        worth[k] = find_worth(t->t, slot, k);
        for (; at > 0 && worth[order[at - 1]] < worth[k]; at--) order[at] = order[at - 1];
        order[at] = (uint8_t)k;
        count++;
    }
    return count;
}

static int64_t root_of(struct tree *t, int64_t limit)
{
    while (t->parent[limit] != limit) {
        t->parent[limit] = t->parent[t->parent[limit]];
        limit = t->parent[limit];
    }
    return limit;
}

/* Limits meet in open slots; settled slots use them up. */
static void join_limits(struct tree *t)
{
    const struct knapsack_table *table = t->t;
    memset(t->used, 0, (size_t)table->limits * sizeof *t->used);
    for (int64_t r = 0; r < table->limits; r++) t->parent[r] = r;
    for (int64_t s = 0; s < table->slots; s++) {
        int64_t first = -1;
        for (int d = 0; d < table->kinds; d++) {
            int64_t r = table->at[d][s];
            if (r < 0) continue;
            if (!is_open(t, s)) {
                t->used[r] += table->use[d][s * table->options + __builtin_ctz(table->allowed[s])];
                continue;
            }
            r = root_of(t, r);
            first = first < 0 ? r : root_of(t, first);
            t->parent[r > first ? r : first] = r > first ? first : r;
        }
    }
}

static int64_t home_of(struct tree *t, int64_t slot)
{
    for (int d = 0; d < t->t->kinds; d++)
        if (t->t->at[d][slot] >= 0) return root_of(t, t->t->at[d][slot]);
    return t->t->limits + slot;
}

static int by_part(const void *left, const void *right)
{
    const struct open *a = left, *b = right;
    if (a->home != b->home) return a->home < b->home ? -1 : 1;
    if (a->lead != b->lead) return a->lead > b->lead ? -1 : 1;
    return (a->slot > b->slot) - (a->slot < b->slot);
}

static void list_open(struct tree *t)
{
    t->opens = 0;
    for (int64_t s = 0; s < t->t->slots; s++) {
        uint8_t order[KNAPSACK_OPTIONS];
        const int128 *worth = t->worth + s * t->t->options;
        if (!is_open(t, s)) continue;
        order_options(t, s, order);
        t->open[t->opens++] = (struct open){home_of(t, s), s, worth[order[0]] - worth[order[1]]};
    }
    if (t->opens > 0) qsort(t->open, (size_t)t->opens, sizeof *t->open, by_part);
}

/* What the prices say a part can be worth at most, and what its choice is. */
static void measure_part(struct tree *t, struct part *p)
{
    const struct knapsack_table *table = t->t;
    p->bound = p->value = 0;
    for (int64_t o = p->first; o < p->first + p->count; o++) {
        int64_t slot = t->open[o].slot;
        uint8_t *order = t->order + o * table->options;
        order_options(t, slot, order);
        p->bound += t->worth[slot * table->options + order[0]];
        p->value += table->value[slot * table->options + table->choice[slot]];
        for (int d = 0; d < table->kinds; d++) {
            int32_t r = table->at[d][slot];
            if (r < 0 || t->seen[r]) continue;
            t->seen[r] = true;
            p->bound += (int128)table->price[r] * (table->limit[r] - t->used[r]);
        }
    }
}

static void cut_parts(struct tree *t)
{
    join_limits(t);
    list_open(t);
    memset(t->seen, 0, (size_t)t->t->limits * sizeof *t->seen);
    t->parts = 0;
    for (int64_t o = 0; o < t->opens; t->part[t->parts - 1].count++, o++)
        if (o == 0 || t->open[o].home != t->open[o - 1].home)
            t->part[t->parts++] = (struct part){.first = o};
    for (int64_t p = 0; p < t->parts; p++) measure_part(t, &t->part[p]);
}

/* Options that the bound shows to be in no choice better than the one known. */
static bool drop_worse(struct tree *t, const struct part *p)
{
    struct knapsack_table *table = t->t;
    bool any = false;
    for (int64_t o = p->first; o < p->first + p->count; o++) {
        int64_t slot = t->open[o].slot;
        const int128 *worth = t->worth + slot * table->options;
        int128 best = worth[t->order[o * table->options]];
        for (int k = 0; k < table->options; k++) {
            if (k == table->choice[slot] || !knapsack_table_may(table, slot, k)) continue;
            if ((p->bound - (best - worth[k])) >> KNAPSACK_PRICE_BITS > p->value) continue;
            table->allowed[slot] &= ~(UINT32_C(1) << k);
            any = true;
        }
    }
    return any;
}

/* false: no choice keeps the limits */
static bool reduce(struct tree *t, bool known)
{
    bool again = true;
    for (int round = 0; round < ROUNDS_MOST && again; round++) {
        if (!narrow(t)) return false;
        cut_parts(t);
        again = false;
        for (int64_t p = 0; known && p < t->parts; p++) again = drop_worse(t, &t->part[p]) || again;
    }
    if (again) cut_parts(t);
    return true;
}

/* ---- one part ---- */

/* What the slots from each on can add at most, and what later ones use at least. */
static void look_ahead(struct tree *t, const struct part *p)
{
    const struct knapsack_table *table = t->t;
    int64_t low, high, *later = t->least; /* by now lent for room */
    memset(later, 0, (size_t)table->limits * sizeof *later);
    t->allowance = p->bound;
    t->end = p->first + p->count;
    t->ahead[t->end] = 0;
    for (int64_t o = t->end - 1; o >= p->first; o--) {
        int64_t slot = t->open[o].slot;
        int128 best = t->worth[slot * table->options + t->order[o * table->options]];
        t->ahead[o] = t->ahead[o + 1] + best;
        t->allowance -= best;
        for (int d = 0; d < table->kinds; d++) {
            int32_t r = table->at[d][slot];
            if (r < 0) continue;
            reach_of(table, slot, d, &low, &high);
            t->rest[o * table->kinds + d] = later[r];
            later[r] += low;
        }
    }
}

static void keep(struct tree *t, const struct part *p)
{
    int64_t value = 0;
    for (int64_t o = p->first; o < t->end; o++)
        value += t->t->value[t->open[o].slot * t->t->options + t->chosen[o]];
    if (t->found && value <= t->best) return;
    t->found = true;
    t->best = value;
    for (int64_t o = p->first; o < t->end; o++) t->t->choice[t->open[o].slot] = t->chosen[o];
}

static void use_option(struct tree *t, int64_t slot, int option, int64_t sign)
{
    const struct knapsack_table *table = t->t;
    for (int d = 0; d < table->kinds; d++)
        if (table->at[d][slot] >= 0)
            t->used[table->at[d][slot]] += sign * table->use[d][slot * table->options + option];
}

static bool can_hold(const struct tree *t, int64_t o, int64_t slot)
{
    const struct knapsack_table *table = t->t;
    for (int d = 0; d < table->kinds; d++) {
        int32_t r = table->at[d][slot];
        if (r >= 0 && t->used[r] + t->rest[o * table->kinds + d] > table->limit[r]) return false;
    }
    return true;
}

/* All that can come of the choices of slots before o, whose worth is `so_far`. */
static void descend(struct tree *t, const struct part *p, int64_t o, int128 so_far)
{
    if (++t->nodes > t->nodes_most) t->cut = true;
    int128 bound = (so_far + t->ahead[o] + t->allowance) >> KNAPSACK_PRICE_BITS;
    if (t->cut || (t->found && bound <= t->best)) return;
    if (o == t->end) {
        keep(t, p);
        return;
    }
    int64_t slot = t->open[o].slot;
    for (int i = 0; i < __builtin_popcount(t->t->allowed[slot]); i++) {
        int k = t->order[o * t->t->options + i];
        t->chosen[o] = (uint8_t)k;
        use_option(t, slot, k, 1);
        if (can_hold(t, o, slot)) descend(t, p, o + 1, so_far + t->worth[slot * t->t->options + k]);
        use_option(t, slot, k, -1);
    }
}

/* ---- all parts ---- */

static void search_part(struct tree *t, bool known, const struct part *p,
                        struct knapsack_search *search)
{
    t->cut = p->count > KNAPSACK_SEARCH_PART;
    t->found = known;
    t->best = p->value;
    look_ahead(t, p);
    descend(t, p, p->first, 0);
    int128 bound = p->bound >> KNAPSACK_PRICE_BITS;
    search->complete = search->complete && !t->cut;
    search->found = search->found && t->found;
    search->objective += t->best;
    t->bound += t->cut && bound > t->best ? bound : t->best;
}

static int by_count(const void *left, const void *right)
{
    const struct part *a = left, *b = right;
    if (a->count != b->count) return a->count < b->count ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

/* Small parts first; what they leave of the steps is for the others. */
static void search_parts(struct tree *t, bool known, struct knapsack_search *search)
{
    bool tiny = t->t->slots <= KNAPSACK_SEARCH_SLOTS;
    int64_t left = tiny ? KNAPSACK_SEARCH_NODES : KNAPSACK_SEARCH_NODES / 4;
    if (t->parts > 0) qsort(t->part, (size_t)t->parts, sizeof *t->part, by_count);
    for (int64_t p = 0; p < t->parts; p++, left -= t->nodes) {
        t->nodes = 0;
        t->nodes_most = left / (t->parts - p);
        search_part(t, known, &t->part[p], search);
    }
}

/* Slots with one option left. */
static int64_t settle(const struct tree *t)
{
    struct knapsack_table *table = t->t;
    int64_t value = 0;
    for (int64_t s = 0; s < table->slots; s++) {
        if (is_open(t, s)) continue;
        table->choice[s] = (uint8_t)__builtin_ctz(table->allowed[s]);
        value += table->value[s * table->options + table->choice[s]];
    }
    return value;
}

enum status knapsack_search_narrow(struct knapsack_table *table)
{
    struct tree tree = {0};
    enum status status = tree_init(table, &tree);
    if (status == OK) reduce(&tree, true);
    tree_clear(&tree);
    return status;
}

enum status knapsack_search(struct knapsack_table *table, bool known,
                            struct knapsack_search *search)
{
    enum status status = OK;
    struct tree tree = {0};
    *search = (struct knapsack_search){.complete = true};
    TRY(tree_init(table, &tree));
    if (!reduce(&tree, known)) goto done;
    search->found = true;
    tree.bound = search->objective = settle(&tree);
    search_parts(&tree, known, search);
    search->bound = tree.bound < INT64_MAX ? (int64_t)tree.bound : INT64_MAX;
done:
    tree_clear(&tree);
    return status;
}
