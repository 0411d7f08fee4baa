/* Branch and bound over a handful of slots. */
#include "algorithms/knapsack_search.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* One slot as it travels: everything of it. */
struct packed {
    uint32_t allowed;
    int32_t group[KNAPSACK_KINDS];
    int64_t value[KNAPSACK_OPTIONS];
    int64_t use[KNAPSACK_KINDS][KNAPSACK_OPTIONS];
};

struct tree {
    int slots, options, kinds;
    const struct packed *slot;
    int64_t limits, first[KNAPSACK_KINDS];
    int64_t *limit;   /* [limits] */
    int64_t *used;    /* [limits] by the choices so far */
    int64_t *least;   /* [slots + 1][limits] what the slots from here on use at least */
    int128 *ahead;    /* [slots + 1] worth of the slots from here on at most */
    int128 *worth;    /* [slots][options] at the prices */
    int128 allowance; /* sum of price x limit */
    int64_t nodes, best;
    bool found, cut;
    uint8_t chosen[KNAPSACK_SEARCH_SLOTS], kept[KNAPSACK_SEARCH_SLOTS];
    uint8_t order[KNAPSACK_SEARCH_SLOTS][KNAPSACK_OPTIONS]; /* options, the most worth first */
};

static void pack(const struct knapsack_cells *cells, int64_t row, struct packed *p)
{
    memset(p, 0, sizeof *p);
    p->allowed = cells->allowed != NULL ? cells->allowed[row] : UINT32_MAX;
    memcpy(p->value, cells->value + row * cells->options, (size_t)cells->options * sizeof(int64_t));
    for (int d = 0; d < cells->kinds; d++) {
        const struct knapsack_kind *kind = &cells->kind[d];
        p->group[d] = kind->group != NULL ? kind->group[row] : 0;
        memcpy(p->use[d], kind->use + row * cells->options,
               (size_t)cells->options * sizeof(int64_t));
    }
}

static enum status gather_slots(const struct comm *comm, const struct knapsack_cells *cells,
                                struct packed **all)
{
    enum status status = OK;
    struct packed *mine = NULL;
    void *got = NULL;
    int64_t bytes = 0, rows = cells->blocks->rows_local;
    TRY_ALL(comm, memory_new(&mine, rows, sizeof *mine));
    for (int64_t i = 0; i < rows; i++) pack(cells, i, &mine[i]);
    TRY(comm_gather_all(comm, mine, rows * (int64_t)sizeof *mine, &got, &bytes));
    *all = got;
done:
    free(mine);
    return status;
}

static enum status tree_init(const struct knapsack_cells *cells, struct tree *t)
{
    enum status status = OK;
    t->slots = (int)cells->blocks->rows_total;
    t->options = cells->options;
    t->kinds = cells->kinds;
    for (int d = 0; d < cells->kinds; d++) {
        t->first[d] = t->limits;
        t->limits += cells->kind[d].groups;
    }
    TRY(memory_new(&t->limit, t->limits, sizeof *t->limit));
    TRY(memory_new(&t->used, t->limits, sizeof *t->used));
    TRY(memory_new(&t->least, (t->slots + 1) * t->limits, sizeof *t->least));
    TRY(memory_new(&t->ahead, t->slots + 1, sizeof *t->ahead));
    TRY(memory_new(&t->worth, (int64_t)t->slots * t->options, sizeof *t->worth));
    for (int d = 0; d < cells->kinds; d++)
        memcpy(t->limit + t->first[d], cells->kind[d].limit,
               (size_t)cells->kind[d].groups * sizeof *t->limit);
done:
    return status;
}

static void tree_clear(struct tree *t)
{
    free(t->limit);
    free(t->used);
    free(t->least);
    free(t->ahead);
    free(t->worth);
}

static bool may(const struct packed *slot, int option)
{
    return (slot->allowed >> option & 1) != 0;
}

static void find_worth(const int64_t *price, struct tree *t)
{
    for (int s = 0; s < t->slots; s++)
        for (int k = 0; k < t->options; k++) {
            const struct packed *slot = &t->slot[s];
            int128 worth = (int128)slot->value[k] << KNAPSACK_PRICE_BITS;
            for (int d = 0; d < t->kinds; d++)
                if (slot->group[d] >= 0)
                    worth -= (int128)price[t->first[d] + slot->group[d]] * slot->use[d][k];
            t->worth[s * t->options + k] = worth;
        }
    for (int64_t r = 0; r < t->limits; r++)
        if (price[r] > 0) t->allowance += (int128)price[r] * t->limit[r];
}

/* Options of a slot, the most worth first. */
static void order_options(struct tree *t, int s)
{
    const int128 *worth = t->worth + (int64_t)s * t->options;
    for (int k = 0; k < t->options; k++) {
        int at = k;
        for (; at > 0 && worth[t->order[s][at - 1]] < worth[k]; at--)
            t->order[s][at] = t->order[s][at - 1];
        t->order[s][at] = (uint8_t)k;
    }
}

/* What the slots from s on can add at most, and use at least. */
static void look_ahead(struct tree *t)
{
    for (int s = t->slots - 1; s >= 0; s--) {
        const struct packed *slot = &t->slot[s];
        int64_t *least = t->least + s * t->limits;
        int first = 0;
        order_options(t, s);
        while (!may(slot, t->order[s][first])) first++;
        t->ahead[s] = t->ahead[s + 1] + t->worth[s * t->options + t->order[s][first]];
        memcpy(least, least + t->limits, (size_t)t->limits * sizeof *least);
        for (int d = 0; d < t->kinds; d++) {
            int64_t lowest = INT64_MAX;
            if (slot->group[d] < 0) continue;
            for (int k = 0; k < t->options; k++)
                if (may(slot, k) && slot->use[d][k] < lowest) lowest = slot->use[d][k];
            least[t->first[d] + slot->group[d]] += lowest;
        }
    }
}

static bool can_hold(const struct tree *t, int s)
{
    const int64_t *least = t->least + s * t->limits;
    for (int64_t r = 0; r < t->limits; r++)
        if (t->used[r] + least[r] > t->limit[r]) return false;
    return true;
}

static void keep(struct tree *t)
{
    int64_t value = 0;
    for (int s = 0; s < t->slots; s++) value += t->slot[s].value[t->chosen[s]];
    if (t->found && value <= t->best) return;
    t->found = true;
    t->best = value;
    memcpy(t->kept, t->chosen, sizeof t->kept);
}

static void use_option(struct tree *t, int s, int option, int64_t sign)
{
    const struct packed *slot = &t->slot[s];
    for (int d = 0; d < t->kinds; d++)
        if (slot->group[d] >= 0)
            t->used[t->first[d] + slot->group[d]] += sign * slot->use[d][option];
}

/* All that can come of the choices of slots before s, whose worth is `so_far`. */
static void descend(struct tree *t, int s, int128 so_far)
{
    if (++t->nodes > KNAPSACK_SEARCH_NODES) t->cut = true;
    if (t->cut || !can_hold(t, s)) return;
    int128 bound = (so_far + t->ahead[s] + t->allowance) >> KNAPSACK_PRICE_BITS;
    if (t->found && bound <= t->best) return;
    if (s == t->slots) {
        keep(t);
        return;
    }
    for (int i = 0; i < t->options; i++) {
        int k = t->order[s][i];
        if (!may(&t->slot[s], k)) continue;
        t->chosen[s] = (uint8_t)k;
        use_option(t, s, k, 1);
        descend(t, s + 1, so_far + t->worth[s * t->options + k]);
        use_option(t, s, k, -1);
    }
}

enum status knapsack_search(const struct comm *comm, const struct knapsack_cells *cells,
                            const int64_t *price, int64_t known, uint8_t *choice,
                            struct knapsack_search *search)
{
    enum status status = OK;
    struct packed *all = NULL;
    struct tree tree = {.found = known != INT64_MIN, .best = known};
    if (cells->blocks->rows_total > KNAPSACK_SEARCH_SLOTS)
        TRY(FAIL(ERR_ARG, "%lld slots are too many to search",
                 (long long)cells->blocks->rows_total));
    TRY(gather_slots(comm, cells, &all));
    tree.slot = all;
    TRY_ALL(comm, tree_init(cells, &tree));
    find_worth(price, &tree);
    look_ahead(&tree);
    descend(&tree, 0, 0);
    *search = (struct knapsack_search){!tree.cut, tree.found, tree.best};
    if (tree.found && tree.best > known)
        memcpy(choice, tree.kept + cells->blocks->row_first, (size_t)cells->blocks->rows_local);
done:
    tree_clear(&tree);
    free(all);
    return status;
}
