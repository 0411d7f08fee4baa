/* A proof's limits, each left out in turn. */
#include "algorithms/knapsack_conflict.h"

#include "algorithms/knapsack_part.h"
#include "algorithms/knapsack_search.h"
#include "algorithms/knapsack_user.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum {
    FILTER_MOST = 32,    /* limits of a proof that are looked at one by one */
    LEAST_MOST = 4,      /* members of a large problem's conflict that are worked out */
    TRIED_ROWS = 1 << 22 /* slots up to which kinds are left out in turn where nothing is proven */
};

void knapsack_conflict_clear(struct knapsack_conflict *conflict)
{
    free(conflict->member);
    *conflict = (struct knapsack_conflict){0};
}

static enum status list_members(const struct knapsack_part *part,
                                struct knapsack_conflict *conflict)
{
    enum status status = OK;
    int64_t at = 0;
    for (int64_t e = 0; e < part->entries; e++) conflict->members += part->in[e];
    TRY(memory_new(&conflict->member, conflict->members, sizeof *conflict->member));
    for (int64_t e = 0; e < part->entries; e++)
        if (part->in[e]) conflict->member[at++] = (struct knapsack_member){e, INT64_MIN, INT64_MAX};
done:
    return status;
}

/* ---- one user's caps ---- */

/* The first user of this rank whose caps are in conflict, or -1. */
static int64_t find_user(struct knapsack_user *u, const int64_t *price)
{
    int128 worth;
    for (int64_t i = 0; i < u->cells->users_local; i++)
        if (knapsack_user_choose(u, price, i, &worth) == USER_IMPOSSIBLE) return i;
    return -1;
}

/* Caps that are needed for the conflict. */
static uint32_t filter_user(struct knapsack_user *u, const int64_t *price, int64_t user)
{
    uint32_t all = (UINT32_C(1) << u->cells->caps) - 1, needed = all;
    int128 worth;
    for (int c = 0; c < u->cells->caps; c++) {
        u->without = all & ~(needed & ~(UINT32_C(1) << c));
        if (knapsack_user_choose(u, price, user, &worth) == USER_IMPOSSIBLE)
            needed &= ~(UINT32_C(1) << c);
    }
    u->without = 0;
    return needed;
}

/* The least the user uses of a cap under the others of `needed`. */
static int64_t least_of_user(const struct knapsack_cells *cells, struct knapsack_user *u,
                             const int64_t *price, int64_t user, uint32_t needed, int cap)
{
    struct knapsack_cells aimed = *cells;
    int128 worth;
    int64_t *value = NULL, first = cells->user_start[user] * cells->options;
    int64_t count = cells->user_start[user + 1] * cells->options - first, least = INT64_MIN;
    if (memory_new(&value, first + count, sizeof *value) != OK) return least;
    for (int64_t i = first; i < first + count; i++) value[i] = -cells->cap[cap].use[i];
    aimed.value = value;
    u->cells = &aimed;
    u->without = ~(needed & ~(UINT32_C(1) << cap));
    if (knapsack_user_choose(u, price, user, &worth) <= USER_BOUND)
        least = (int64_t) - (u->bound >> KNAPSACK_PRICE_BITS);
    u->cells = cells;
    u->without = 0;
    free(value);
    return least;
}

/* A user of some rank; conflict->user stays -1 where there is none. */
static enum status conflict_of_user(const struct comm *comm, const struct knapsack_cells *cells,
                                    struct knapsack_part *part, struct knapsack_conflict *conflict)
{
    enum status status = OK;
    struct knapsack_user u = {0};
    int64_t *price = NULL, needed = 0, least[KNAPSACK_CAPS] = {0}, first = INT64_MAX;
    TRY_ALL(comm, memory_new(&price, part->limits, sizeof *price));
    TRY_ALL(comm, knapsack_user_new(cells, &u));
    int64_t user = find_user(&u, price);
    if (user >= 0) first = cells->blocks->row_first + cells->user_start[user];
    int64_t mine = first;
    comm_min_int64(comm, &first, 1);
    if (first == INT64_MAX) goto done;
    if (mine == first) {
        needed = filter_user(&u, price, user);
        for (int c = 0; c < cells->caps; c++)
            if ((needed >> c & 1) != 0)
                least[c] = least_of_user(cells, &u, price, user, (uint32_t)needed, c);
    }
    comm_sum_int64(comm, &needed, 1);
    comm_sum_int64(comm, least, KNAPSACK_CAPS);
    for (int64_t e = 0; e < part->entries; e++)
        part->in[e] = e >= part->limits && (needed >> (e - part->limits) & 1) != 0;
    TRY_ALL(comm, list_members(part, conflict));
    conflict->user = first;
    conflict->proven = conflict->irreducible = true;
    for (int64_t m = 0; m < conflict->members; m++)
        conflict->member[m].least = conflict->member[m].reached =
            least[conflict->member[m].limit - part->limits];
done:
    knapsack_user_clear(&u);
    free(price);
    return status;
}

/* ---- what a proof needs ---- */

/* Prices as a proof: at them what counts uses more than there is, whatever is chosen. */
struct proof {
    int64_t *price; /* [limits] */
    int64_t *used;  /* [limits] */
    uint8_t *choice;
    int64_t *order; /* [limits] those with a price, the most weight first */
    int64_t count;
};

static enum status make_proof(const struct knapsack_part *part, struct proof *proof)
{
    enum status status = OK;
    TRY(memory_new(&proof->price, part->limits, sizeof *proof->price));
    TRY(memory_new(&proof->used, part->limits, sizeof *proof->used));
    TRY(memory_new(&proof->order, part->limits, sizeof *proof->order));
    TRY(memory_new(&proof->choice, part->whole->blocks->rows_local, 1));
done:
    return status;
}

static void free_proof(struct proof *proof)
{
    free(proof->price);
    free(proof->used);
    free(proof->order);
    free(proof->choice);
}

static enum status is_proof(const struct comm *comm, struct knapsack_part *part,
                            const int64_t *price, struct proof *proof, bool *holds)
{
    enum status status = OK;
    struct knapsack_cells cells;
    struct knapsack_point point;
    knapsack_part_cells(part, &cells);
    for (int64_t r = 0; r < part->limits; r++) proof->price[r] = part->in[r] ? price[r] : 0;
    TRY(knapsack_at_prices(comm, &cells, proof->price, proof->choice, proof->used, &point));
    *holds = point.bound < 0;
done:
    return status;
}

/* Those that matter most: by price and by what is used or limited. */
static void order_limits(const struct knapsack_part *part, const int64_t *price,
                         const int64_t *used, struct proof *proof)
{
    const struct knapsack_cells *cells = part->whole;
    int64_t at = 0;
    double weight[KNAPSACK_LIMITS];
    for (int d = 0; d < cells->kinds; d++)
        for (int64_t g = 0; g < cells->kind[d].groups; g++, at++) {
            double most = 1.0 + (double)llabs(used[at]) + (double)llabs(cells->kind[d].limit[g]);
            weight[at] = part->in[at] ? (double)price[at] * most : 0.0;
            if (!(weight[at] > 0.0)) continue;
            int64_t to = proof->count++;
            for (; to > 0 && weight[proof->order[to - 1]] < weight[at]; to--)
                proof->order[to] = proof->order[to - 1];
            proof->order[to] = at;
        }
}

static void only_first(struct knapsack_part *part, const struct proof *proof, int64_t count)
{
    for (int64_t r = 0; r < part->limits; r++) part->in[r] = false;
    for (int64_t i = 0; i < count; i++) part->in[proof->order[i]] = true;
}

/* As few of the first limits as are a proof, by halves. */
static enum status shorten(const struct comm *comm, struct knapsack_part *part,
                           const int64_t *price, struct proof *proof)
{
    enum status status = OK;
    int64_t low = 0, high = proof->count; /* low are too few, high are enough */
    while (high - low > 1) {
        bool holds;
        int64_t middle = low + (high - low) / 2;
        only_first(part, proof, middle);
        TRY(is_proof(comm, part, price, proof, &holds));
        *(holds ? &high : &low) = middle;
    }
    only_first(part, proof, high);
done:
    return status;
}

static enum status without_caps(const struct comm *comm, struct knapsack_part *part,
                                const int64_t *price, struct proof *proof)
{
    enum status status = OK;
    for (int64_t e = part->limits; e < part->entries; e++) {
        bool holds;
        part->in[e] = false;
        TRY(is_proof(comm, part, price, proof, &holds));
        part->in[e] = !holds;
    }
done:
    return status;
}

/* found out: what counts in the part is a proof */
static enum status take_proof(const struct comm *comm, struct knapsack_part *part,
                              const int64_t *price, bool *found)
{
    enum status status = OK;
    struct proof proof = {0};
    TRY_ALL(comm, make_proof(part, &proof));
    TRY(is_proof(comm, part, price, &proof, found));
    if (!*found) goto done;
    order_limits(part, price, proof.used, &proof);
    TRY(shorten(comm, part, price, &proof));
    TRY(without_caps(comm, part, price, &proof));
done:
    free_proof(&proof);
    return status;
}

/* out: the prices of what counts are a proof as they are */
static enum status still_proves(const struct comm *comm, struct knapsack_part *part,
                                const int64_t *price, bool *out)
{
    enum status status = OK;
    struct proof proof = {0};
    TRY_ALL(comm, make_proof(part, &proof));
    TRY(is_proof(comm, part, price, &proof, out));
done:
    free_proof(&proof);
    return status;
}

/* ---- the deletion filter ---- */

static int64_t count_in(const struct knapsack_part *part)
{
    int64_t count = 0;
    for (int64_t e = 0; e < part->entries; e++) count += part->in[e];
    return count;
}

/* Whether those that count hold; what the proof's prices show at once needs no solution. */
static enum status part_holds(const struct comm *comm, struct knapsack_part *part,
                              const int64_t *price, bool small, enum knapsack_answer *answer)
{
    enum status status = OK;
    bool seen = false;
    *answer = PART_UNKNOWN;
    if (!small) TRY(still_proves(comm, part, price, &seen));
    if (seen) *answer = PART_CANNOT;
    if (!small && !seen) TRY(knapsack_part_try(comm, part, price, &seen));
    if (seen && *answer == PART_UNKNOWN) *answer = PART_HOLDS;
    if (!seen) TRY(knapsack_part_holds(comm, part, price, answer));
done:
    return status;
}

static enum status filter(const struct comm *comm, struct knapsack_part *part, const int64_t *price,
                          bool small, bool *irreducible)
{
    enum status status = OK;
    *irreducible = true;
    for (int64_t e = part->entries - 1; e >= 0; e--) {
        enum knapsack_answer answer;
        if (!part->in[e]) continue;
        part->in[e] = false;
        TRY(part_holds(comm, part, price, small, &answer));
        part->in[e] = answer != PART_CANNOT;
        if (answer == PART_UNKNOWN) *irreducible = false;
    }
done:
    return status;
}

/* From no prices: those of the proof would do sooner, and less exactly. */
static enum status find_least(const struct comm *comm, struct knapsack_part *part, bool small,
                              struct knapsack_conflict *conflict)
{
    enum status status = OK;
    for (int64_t m = 0; m < conflict->members && (small || m < LEAST_MOST); m++) {
        struct knapsack_member *member = &conflict->member[m];
        struct knapsack_least least;
        if (member->limit >= part->limits) continue;
        TRY(knapsack_part_least(comm, part, member->limit, NULL, &least));
        member->least = least.least;
        member->reached = least.reached;
    }
done:
    return status;
}

/* ---- where nothing is proven ---- */

/* One kind of limits, or a cap after them, as it was at first or left out. */
static void set_kind(struct knapsack_part *part, int kind, bool in)
{
    const struct knapsack_cells *cells = part->whole;
    int64_t at = 0;
    for (int d = 0; d < kind && d < cells->kinds; d++) at += cells->kind[d].groups;
    if (kind >= cells->kinds) {
        part->in[at + kind - cells->kinds] = in;
        return;
    }
    for (int64_t g = 0; g < cells->kind[kind].groups; g++)
        part->in[at + g] = in && cells->kind[kind].limit[g] != KNAPSACK_FREE;
}

/* Each kind in turn is left out, and comes back where a choice is found without it. */
static enum status filter_kinds(const struct comm *comm, struct knapsack_part *part,
                                const int64_t *price)
{
    enum status status = OK;
    for (int d = part->whole->kinds + part->whole->caps - 1; d >= 0; d--) {
        enum knapsack_answer answer;
        set_kind(part, d, false);
        TRY(part_holds(comm, part, price, false, &answer));
        if (answer == PART_HOLDS) set_kind(part, d, true);
    }
done:
    return status;
}

/* Of many limits of a kind, those that are exceeded or have a price, if there are such. */
static void only_pressed(struct knapsack_part *part, const int64_t *price, const int64_t *used)
{
    const struct knapsack_cells *cells = part->whole;
    int64_t first = 0;
    for (int d = 0; d < cells->kinds; first += cells->kind[d++].groups) {
        bool any = false;
        for (int64_t g = 0; g < cells->kind[d].groups; g++)
            any = any || price[first + g] > 0 || used[first + g] > cells->kind[d].limit[g];
        for (int64_t g = 0; any && g < cells->kind[d].groups; g++)
            if (price[first + g] <= 0 && used[first + g] <= cells->kind[d].limit[g])
                part->in[first + g] = false;
    }
}

/* What stands in each other's way, as far as choices that were found tell. */
static enum status take_tried(const struct comm *comm, struct knapsack_part *part,
                              const int64_t *price, const int64_t *used)
{
    enum status status = OK;
    for (int d = 0; d < part->whole->kinds + part->whole->caps; d++) set_kind(part, d, true);
    if (part->whole->blocks->rows_total <= TRIED_ROWS) TRY(filter_kinds(comm, part, price));
    only_pressed(part, price, used);
done:
    return status;
}

enum status knapsack_conflict_find(const struct comm *comm, const struct knapsack_cells *cells,
                                   const int64_t *price, const int64_t *used,
                                   struct knapsack_conflict *conflict)
{
    enum status status = OK;
    struct knapsack_part part = {0};
    bool small = cells->blocks->rows_total <= KNAPSACK_SEARCH_SLOTS;
    enum knapsack_answer answer = PART_UNKNOWN;
    *conflict = (struct knapsack_conflict){.user = -1};
    TRY_ALL(comm, knapsack_part_new(cells, &part));
    if (cells->caps > 0) TRY(conflict_of_user(comm, cells, &part, conflict));
    if (conflict->user >= 0) goto done;
    if (small)
        TRY(knapsack_part_holds(comm, &part, NULL, &answer));
    else
        TRY(take_proof(comm, &part, price, &conflict->proven));
    if (small) conflict->proven = answer == PART_CANNOT;
    if (!conflict->proven) TRY(take_tried(comm, &part, price, used));
    if (conflict->proven && (small || count_in(&part) <= FILTER_MOST))
        TRY(filter(comm, &part, price, small, &conflict->irreducible));
    TRY_ALL(comm, list_members(&part, conflict));
    if (conflict->irreducible) TRY(find_least(comm, &part, small, conflict));
done:
    knapsack_part_clear(&part);
    return status;
}
