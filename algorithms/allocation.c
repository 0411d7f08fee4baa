/* Multiple-choice knapsack by hulls, exact selection of the dual price, and a dual certificate. */
#include "algorithms/allocation.h"

#include "algorithms/allocation_check.h"
#include "algorithms/fill.h"
#include "algorithms/hull.h"
#include "algorithms/radix.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef __int128 int128;

enum { FILL_ROUNDS = 16 };
#define KEY_FREE UINT32_MAX /* the level a slot starts from, better than any slope */
#define CLOSED_GAP 1e-8     /* of the gain: not worth another pass over the slots */

struct search {
    const struct allocation_cells *cells;
    struct radix radix; /* increments by slope, weighed by cost */
    uint32_t *key; /* [rows_local][levels] upper half of the slope key; KEY_FREE at the start of a
                      hull, 0 off it */
    struct allocation_reach reach;
    int64_t budget;
    int64_t group_before; /* cost of increments at the threshold key on earlier ranks */
    struct fill_moves *moves;
    int64_t
        split[2]; /* gain and cost of the first increment that does not fit, 0 but on its rank */
};

static enum status check_budget(int64_t budget)
{
    if (budget >= 0) return OK;
    return FAIL(ERR_ARG, "the budget is %lld; it must not be negative", (long long)budget);
}

/* ---- the price ---- */

static void offer_increment(struct search *search, const int64_t *value, const int64_t *cost,
                            int from, int to)
{
    radix_add(&search->radix, hull_slope_key(value[to] - value[from], cost[to] - cost[from]),
              cost[to] - cost[from]);
}

/* First pass: check, make hulls, keep their keys, count the first digit. */
static enum status measure(struct search *search)
{
    const struct allocation_cells *cells = search->cells;
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) {
        const int64_t *value = cells->value + i * cells->levels,
                      *cost = cells->cost + i * cells->levels;
        uint32_t *key = search->key + i * cells->levels;
        struct hull hull;
        enum status status = allocation_check_slot(cells, i, true, &search->reach);
        if (status != OK) return status;
        hull_make(value, cost, allocation_allowed(cells, i), cells->levels, &hull);
        key[hull.level[0]] = KEY_FREE;
        for (int j = 1; j < hull.count; j++) {
            int from = hull.level[j - 1], to = hull.level[j];
            uint64_t slope = hull_slope_key(value[to] - value[from], cost[to] - cost[from]);
            key[to] = (uint32_t)(slope >> 32);
            radix_add(&search->radix, slope, cost[to] - cost[from]);
        }
    }
    return OK;
}

/* Later passes: only slots with a key among the digits found so far are looked at. */
static void count_digit(struct search *search)
{
    const struct allocation_cells *cells = search->cells;
    int known =
        search->radix.shift + RADIX_BITS - 32; /* bits of the 32-bit key that are still open */
    uint64_t prefix = search->radix.prefix >> RADIX_BITS;
    uint32_t want = (uint32_t)(known > 0 ? prefix << known : prefix >> -known);
    uint32_t mask = known > 0 ? UINT32_MAX << known : UINT32_MAX;
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) {
        const uint32_t *key = search->key + i * cells->levels;
        bool matches = false;
        for (int k = 0; k < cells->levels; k++) matches |= (key[k] & mask) == want;
        if (!matches) continue;
        const int64_t *value = cells->value + i * cells->levels,
                      *cost = cells->cost + i * cells->levels;
        struct hull hull;
        hull_make(value, cost, allocation_allowed(cells, i), cells->levels, &hull);
        for (int j = 1; j < hull.count; j++)
            offer_increment(search, value, cost, hull.level[j - 1], hull.level[j]);
    }
}

static enum status find_price(const struct comm *comm, struct search *search, int64_t *passes)
{
    enum status status = OK;
    radix_begin(&search->radix);
    TRY_ALL(comm, measure(search));
    TRY(allocation_check_reach(comm, &search->reach));
    for (*passes = 1; radix_step(comm, &search->radix, search->budget); ++*passes)
        count_digit(search);
    search->group_before = comm_prefix_int64(comm, search->radix.mine_at);
done:
    return status;
}

/* ---- the choice ---- */

/* Level of a slot with increments at the threshold: taken in the order of slots while they fit. */
static int choose_at_threshold(struct search *search, int64_t slot, int64_t *group)
{
    const struct allocation_cells *cells = search->cells;
    const int64_t *value = cells->value + slot * cells->levels,
                  *cost = cells->cost + slot * cells->levels;
    int64_t room = search->budget - search->radix.above;
    struct hull hull;
    hull_make(value, cost, allocation_allowed(cells, slot), cells->levels, &hull);
    int level = hull.level[0];
    for (int j = 1; j < hull.count; j++) {
        int from = hull.level[j - 1], to = hull.level[j];
        int64_t more = cost[to] - cost[from];
        uint64_t slope = hull_slope_key(value[to] - value[from], more);
        if (slope < search->radix.threshold) break;
        if (slope == search->radix.threshold) {
            bool splits = *group <= room && more > room - *group;
            if (splits) search->split[0] = value[to] - value[from], search->split[1] = more;
            *group += more;
            if (*group > room) continue;
        }
        level = to;
    }
    return level;
}

static void choose(struct search *search, uint8_t *choice)
{
    const struct allocation_cells *cells = search->cells;
    bool binds = !search->radix.fits;
    uint32_t top = (uint32_t)(search->radix.threshold >> 32);
    int64_t group = search->group_before;
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) {
        const uint32_t *key = search->key + i * cells->levels;
        const int64_t *cost = cells->cost + i * cells->levels;
        int level = -1;
        bool at_threshold = false;
        for (int k = 0; k < cells->levels; k++) {
            if (key[k] > top && (level < 0 || cost[k] > cost[level])) level = k;
            at_threshold |= key[k] == top;
        }
        if (binds && at_threshold) level = choose_at_threshold(search, i, &group);
        choice[i] = (uint8_t)level;
    }
}

static void tally(const struct comm *comm, const struct allocation_cells *cells,
                  const uint8_t *choice, struct allocation_receipt *receipt)
{
    int64_t sum[2 * ALLOCATION_LEVELS + 2] = {0};
    int64_t *count = sum, *spend = sum + ALLOCATION_LEVELS, *values = spend + ALLOCATION_LEVELS;
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) {
        int level = choice[i];
        count[level]++;
        spend[level] += cells->cost[i * cells->levels + level];
        values[0] += cells->value[i * cells->levels + level];
        values[1] += cells->value[i * cells->levels];
    }
    comm_sum_int64(comm, sum, 2 * ALLOCATION_LEVELS + 2);
    memcpy(receipt->count, count, sizeof receipt->count);
    memcpy(receipt->spend, spend, sizeof receipt->spend);
    receipt->objective = values[0];
    receipt->base_value = values[1];
    for (int k = 0; k < ALLOCATION_LEVELS; k++) receipt->spent += receipt->spend[k];
}

/* The price is the slope of the one increment that the budget splits. */
static struct allocation_price settle_price(const struct comm *comm, struct search *search)
{
    comm_sum_int64(comm, search->split, 2);
    if (search->radix.fits) return (struct allocation_price){.value = 0, .cost = 1};
    return (struct allocation_price){.value = search->split[0], .cost = search->split[1]};
}

/* ---- the certificate ---- */

int64_t allocation_bound(struct allocation_price price, struct allocation_point point,
                         int64_t budget)
{
    int128 product = (int128)price.value * ((int128)budget - point.spent);
    int128 bound = point.value + product / price.cost + (product % price.cost > 0);
    return bound > INT64_MAX ? INT64_MAX : (int64_t)bound;
}

/* The level that maximises value - price x cost, the cheapest of the best. */
static int best_at_price(const int64_t *value, const int64_t *cost, uint32_t allowed, int levels,
                         struct allocation_price price)
{
    int best = 0;
    int128 most = (int128)value[0] * price.cost;
    for (int k = 1; k < levels; k++) {
        if ((allowed >> k & 1) == 0) continue;
        int128 worth = (int128)value[k] * price.cost - (int128)cost[k] * price.value;
        if (worth > most || (worth == most && cost[k] < cost[best])) {
            most = worth;
            best = k;
        }
    }
    return best;
}

/* The same where the products are known to fit 64 bits. */
static int best_at_price_narrow(const int64_t *value, const int64_t *cost, uint32_t allowed,
                                int levels, struct allocation_price price)
{
    int best = 0;
    int64_t most = value[0] * price.cost;
    for (int k = 1; k < levels; k++) {
        if ((allowed >> k & 1) == 0) continue;
        int64_t worth = value[k] * price.cost - cost[k] * price.value;
        if (worth > most || (worth == most && cost[k] < cost[best])) {
            most = worth;
            best = k;
        }
    }
    return best;
}

/* Cells are checked; `most` is the largest number in them. */
static struct allocation_point sum_at_price(const struct comm *comm,
                                            const struct allocation_cells *cells,
                                            struct allocation_price price, int64_t most)
{
    bool narrow = (int128)most * (price.value + price.cost) < (int128)1 << 62;
    int64_t sum[2] = {0};
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) {
        const int64_t *value = cells->value + i * cells->levels;
        const int64_t *cost = cells->cost + i * cells->levels;
        uint32_t allowed = allocation_allowed(cells, i);
        int best = narrow ? best_at_price_narrow(value, cost, allowed, cells->levels, price)
                          : best_at_price(value, cost, allowed, cells->levels, price);
        sum[0] += value[best];
        sum[1] += cost[best];
    }
    comm_sum_int64(comm, sum, 2);
    return (struct allocation_point){.value = sum[0], .spent = sum[1]};
}

static enum status check_cells(const struct allocation_cells *cells, struct allocation_reach *reach)
{
    enum status status = allocation_check_shape(cells);
    for (int64_t i = 0; i < cells->blocks->rows_local && status == OK; i++)
        status = allocation_check_slot(cells, i, true, reach);
    return status;
}

static enum status check_price(struct allocation_price price)
{
    const int64_t limit = 2 * HULL_LIMIT;
    if (price.value >= 0 && price.value <= limit && price.cost >= 1 && price.cost <= limit)
        return OK;
    return FAIL(ERR_ARG, "a price of %lld per %lld is out of range; give 0 to 2^53 per 1 to 2^53",
                (long long)price.value, (long long)price.cost);
}

enum status allocation_at_price(const struct comm *comm, const struct allocation_cells *cells,
                                struct allocation_price price, struct allocation_point *point)
{
    enum status status = OK;
    struct allocation_reach reach = {0};
    *point = (struct allocation_point){0};
    TRY_ALL(comm, check_price(price));
    TRY_ALL(comm, check_cells(cells, &reach));
    TRY(allocation_check_reach(comm, &reach));
    *point = sum_at_price(comm, cells, price, reach.most);
done:
    return status;
}

/* ---- together ---- */

static void settle_gap(struct allocation_receipt *receipt)
{
    double missing = (double)(receipt->upper_bound - receipt->objective);
    receipt->slack = receipt->budget - receipt->spent;
    receipt->gap = missing / fmax(1.0, fabs((double)receipt->objective));
    receipt->gap_gain = missing / fmax(1.0, (double)(receipt->upper_bound - receipt->base_value));
}

static void book_moves(const struct fill_moves *moves, struct allocation_receipt *receipt)
{
    for (int64_t i = 0; i < moves->count; i++) {
        const struct fill_move *move = &moves->move[i];
        receipt->objective += move->gain;
        receipt->spent += move->cost_to - move->cost_from;
        receipt->count[move->from]--;
        receipt->count[move->to]++;
        receipt->spend[move->from] -= move->cost_from;
        receipt->spend[move->to] += move->cost_to;
    }
    receipt->filled += moves->count;
}

/* Moves single slots up while that still shows in the gap. */
static enum status spend_rest(const struct comm *comm, struct search *search, uint8_t *choice,
                              struct allocation_receipt *receipt)
{
    enum status status = OK;
    struct fill_task task = {.cells = search->cells,
                             .radix = &search->radix,
                             .key = search->key,
                             .top = (uint32_t)(search->radix.threshold >> 32)};
    for (int round = 0; round < FILL_ROUNDS; round++) {
        if (receipt->slack == 0 || receipt->gap_gain <= CLOSED_GAP) break;
        task.left = receipt->slack;
        TRY(fill_budget(comm, &task, choice, search->moves));
        receipt->passes++;
        if (search->moves->count == 0) break;
        book_moves(search->moves, receipt);
        settle_gap(receipt);
    }
done:
    return status;
}

static enum status prepare(struct search *search)
{
    const struct allocation_cells *cells = search->cells;
    enum status status = OK;
    TRY(allocation_check_shape(cells));
    TRY(check_budget(search->budget));
    TRY(radix_init(&search->radix));
    TRY(memory_new(&search->moves, 1, sizeof *search->moves));
    TRY(memory_new(&search->key, cells->blocks->rows_local * cells->levels, sizeof *search->key));
done:
    return status;
}

enum status allocation_solve(const struct comm *comm, const struct allocation_cells *cells,
                             int64_t budget, uint8_t *choice, struct allocation_receipt *receipt)
{
    enum status status = OK;
    struct search search = {.cells = cells, .budget = budget};
    struct allocation_point point;
    *receipt = (struct allocation_receipt){.budget = budget, .levels = cells->levels};
    TRY_ALL(comm, prepare(&search));
    TRY(find_price(comm, &search, &receipt->passes));
    choose(&search, choice);
    receipt->slots = cells->blocks->rows_total;
    receipt->price = settle_price(comm, &search);
    receipt->dual_price = (double)receipt->price.value / (double)receipt->price.cost;
    receipt->marginal = 10000.0 * receipt->dual_price;
    point = sum_at_price(comm, cells, receipt->price, search.reach.most);
    receipt->upper_bound = allocation_bound(receipt->price, point, budget);
    tally(comm, cells, choice, receipt);
    receipt->passes += 3;
    settle_gap(receipt);
    TRY(spend_rest(comm, &search, choice, receipt));
done:
    radix_clear(&search.radix);
    free(search.moves);
    free(search.key);
    return status;
}
