/* Prices, a choice, repair and refill, and the bound that certifies them. */
#include "algorithms/knapsack.h"

#include "algorithms/knapsack_finish.h"
#include "algorithms/knapsack_point.h"
#include "algorithms/knapsack_polish.h"
#include "algorithms/knapsack_prices.h"
#include "algorithms/knapsack_search.h"
#include "algorithms/knapsack_user.h"
#include "algorithms/knapsack_view.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CORES_MOST = 5 };

#define SUM_LIMIT 0x1p61
#define PRICE_MOST 0x1p60
#define NEARER 0.5 /* of what is still wanted of prices, after another core */

/* ---- checks ---- */

static enum status check_shape(const struct knapsack_cells *cells)
{
    if (cells->options < 1 || cells->options > KNAPSACK_OPTIONS)
        return FAIL(ERR_ARG, "%d options per slot; between 1 and %d are possible", cells->options,
                    KNAPSACK_OPTIONS);
    if (cells->kinds < 0 || cells->kinds > KNAPSACK_KINDS)
        return FAIL(ERR_ARG, "%d kinds of limits; at most %d are possible", cells->kinds,
                    KNAPSACK_KINDS);
    for (int d = 0; d < cells->kinds; d++)
        if (cells->kind[d].groups < 1) return FAIL(ERR_ARG, "kind %d has no limit", d);
    if (cells->caps < 0 || cells->caps > KNAPSACK_CAPS ||
        cells->kinds + cells->caps > KNAPSACK_KINDS)
        return FAIL(ERR_ARG,
                    "%d kinds of limits and %d caps; at most %d in all and %d caps are "
                    "possible",
                    cells->kinds, cells->caps, KNAPSACK_KINDS, KNAPSACK_CAPS);
    int64_t limits = knapsack_limits(cells);
    if (limits > KNAPSACK_LIMITS)
        return FAIL(ERR_ARG, "%lld limits; at most %d are possible", (long long)limits,
                    KNAPSACK_LIMITS);
    return OK;
}

static bool is_outside(int64_t x)
{
    return x > KNAPSACK_MOST || x < -KNAPSACK_MOST;
}

static enum status refuse_cell(const struct knapsack_cells *cells, int64_t slot, int option,
                               int64_t number, const char *what)
{
    return FAIL(ERR_DATA, "slot %lld, option %d: %s %lld is beyond 2^52; use a coarser unit",
                (long long)(cells->blocks->row_first + slot), option, what, (long long)number);
}

/* [options] what a slot uses of a kind, or of a cap after them; NULL: it does not count there */
static const int64_t *uses_of(const struct knapsack_cells *cells, int64_t slot, int d)
{
    if (d >= cells->kinds) return cells->cap[d - cells->kinds].use + slot * cells->options;
    const struct knapsack_kind *kind = &cells->kind[d];
    bool counts = kind->group == NULL || kind->group[slot] >= 0;
    return counts ? kind->use + slot * cells->options : NULL;
}

static enum status check_groups(const struct knapsack_cells *cells, int64_t slot)
{
    for (int d = 0; d < cells->kinds; d++) {
        const struct knapsack_kind *kind = &cells->kind[d];
        if (kind->group != NULL && kind->group[slot] >= kind->groups)
            return FAIL(ERR_DATA, "slot %lld: group %d of kind %d does not exist",
                        (long long)(cells->blocks->row_first + slot), kind->group[slot], d);
    }
    return OK;
}

/* Users follow each other and have all slots. */
static enum status check_users(const struct knapsack_cells *cells)
{
    int64_t at = 0;
    if (cells->caps == 0) return OK;
    if (cells->user_start == NULL || cells->user_start[0] != 0)
        return FAIL(ERR_ARG, "caps without users");
    for (int64_t u = 0; u < cells->users_local; u++, at = cells->user_start[u])
        if (cells->user_start[u + 1] <= at) return FAIL(ERR_ARG, "a user without slots");
    return at == cells->blocks->rows_local ? OK : FAIL(ERR_ARG, "slots without a user");
}

/* Largest |value| and |use| of a slot among what is allowed. */
static enum status check_slot(const struct knapsack_cells *cells, int64_t slot, int64_t *value,
                              int64_t use[KNAPSACK_KINDS])
{
    uint32_t allowed = cells->allowed != NULL ? cells->allowed[slot] : UINT32_MAX;
    uint32_t all = cells->options == 32 ? UINT32_MAX : (UINT32_C(1) << cells->options) - 1;
    if ((allowed & all) == 0)
        return FAIL(ERR_DATA, "slot %lld: no option is allowed",
                    (long long)(cells->blocks->row_first + slot));
    *value = 0;
    memset(use, 0, KNAPSACK_KINDS * sizeof *use);
    for (int k = 0; k < cells->options; k++) {
        int64_t at = slot * cells->options + k, x = cells->value[at];
        if ((allowed >> k & 1) == 0) continue;
        if (is_outside(x)) return refuse_cell(cells, slot, k, x, "value");
        *value = llabs(x) > *value ? llabs(x) : *value;
        for (int d = 0; d < cells->kinds + cells->caps; d++) {
            const int64_t *uses = uses_of(cells, slot, d);
            if (uses == NULL) continue;
            if (is_outside(uses[k])) return refuse_cell(cells, slot, k, uses[k], "use");
            use[d] = llabs(uses[k]) > use[d] ? llabs(uses[k]) : use[d];
        }
    }
    return OK;
}

/* Sums that decide on scales and on overflow, as integers of 2^-20 of a slot's most. */
struct measure {
    int64_t most[1 + KNAPSACK_KINDS]; /* of a slot: value, uses */
    int64_t high[1 + KNAPSACK_KINDS]; /* their sums, upper and lower halves */
    int64_t low[1 + KNAPSACK_KINDS];
    int64_t lowest_high, lowest_low; /* sum of the slots' least values */
};

static void add_halves(int64_t x, int64_t *high, int64_t *low)
{
    *high += x >> 32;
    *low += x & UINT32_MAX;
}

static int64_t lowest_value(const struct knapsack_cells *cells, int64_t slot)
{
    uint32_t allowed = cells->allowed != NULL ? cells->allowed[slot] : UINT32_MAX;
    int64_t lowest = INT64_MAX;
    for (int k = 0; k < cells->options; k++) {
        int64_t x = cells->value[slot * cells->options + k];
        if ((allowed >> k & 1) != 0 && x < lowest) lowest = x;
    }
    return lowest;
}

static enum status measure_slots(const struct knapsack_cells *cells, struct measure *m)
{
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) {
        int64_t largest[1 + KNAPSACK_KINDS];
        enum status status = check_groups(cells, i);
        if (status == OK) status = check_slot(cells, i, &largest[0], &largest[1]);
        if (status != OK) return status;
        for (int j = 0; j <= cells->kinds + cells->caps; j++) {
            m->most[j] = largest[j] > m->most[j] ? largest[j] : m->most[j];
            add_halves(largest[j], &m->high[j], &m->low[j]);
        }
        add_halves(lowest_value(cells, i), &m->lowest_high, &m->lowest_low);
    }
    return OK;
}

static double whole(int64_t high, int64_t low)
{
    return 0x1p32 * (double)high + (double)low;
}

static enum status measure_cells(const struct comm *comm, const struct knapsack_cells *cells,
                                 struct knapsack_scale *scale, int64_t *lowest)
{
    enum status status = OK;
    struct measure m = {0};
    TRY_ALL(comm, check_shape(cells));
    TRY_ALL(comm, check_users(cells));
    TRY_ALL(comm, measure_slots(cells, &m));
    comm_max_int64(comm, m.most, 1 + KNAPSACK_KINDS);
    comm_sum_int64(comm, m.high, 2 * (1 + KNAPSACK_KINDS) + 2);
    scale->slots = cells->blocks->rows_total;
    scale->value_reach = whole(m.high[0], m.low[0]);
    scale->value = fmax(scale->value_reach / fmax(1.0, (double)scale->slots), 1.0);
    bool beyond = scale->value_reach >= SUM_LIMIT;
    for (int d = 0; d < cells->kinds + cells->caps; d++) {
        scale->use[d] = m.most[1 + d] > 0 ? (double)m.most[1 + d] : 1.0;
        scale->reach[d] = fmax(whole(m.high[1 + d], m.low[1 + d]), 1.0);
        beyond = beyond || scale->reach[d] >= SUM_LIMIT;
    }
    if (beyond)
        TRY(FAIL(ERR_NUMERIC,
                 "the values or uses of all slots add up to more than 2^61; use a coarser unit"));
    *lowest = m.lowest_high * (INT64_C(1) << 32) + m.lowest_low; /* within 2^61 as values are */
done:
    return status;
}

/* ---- solving ---- */

struct solver {
    const struct knapsack_cells *cells; /* as they are, or `capped` */
    struct knapsack_cells capped;       /* without options that caps rule out */
    uint32_t *allowed;
    struct knapsack_scale scale;
    int64_t lowest; /* sum over slots of their least value: a bound below it is a contradiction */
    int64_t limits;
    int64_t *price; /* [limits] the caller's */
    double passes;
    struct knapsack_core core;
};

static void open_prices(const struct solver *s, double *price)
{
    for (int64_t r = 0; r < s->limits; r++) price[r] = fmax(0.0, 0x1p-30 * (double)s->price[r]);
}

static void keep_prices(const double *price, struct solver *s)
{
    for (int64_t r = 0; r < s->limits; r++)
        s->price[r] = (int64_t)llrint(fmin(0x1p30 * price[r], PRICE_MOST));
}

static enum status find_prices(const struct comm *comm, struct solver *s,
                               struct knapsack_receipt *receipt, bool *proven)
{
    enum status status = OK;
    double *price = NULL;
    TRY_ALL(comm, memory_new(&price, s->limits, sizeof *price));
    open_prices(s, price);
    TRY(knapsack_prices_find(comm, s->cells, &s->scale, (double)s->lowest, price, &s->passes,
                             &receipt->iterations, proven));
    keep_prices(price, s);
done:
    free(price);
    return status;
}

/* ---- known prices ---- */

static enum status renew_core(const struct comm *comm, struct solver *s, uint8_t *choice,
                              int64_t *used, struct knapsack_point *point)
{
    knapsack_core_clear(&s->core);
    s->passes += 1.0;
    return knapsack_core_make(comm, s->cells, &s->scale, s->price, choice, used, point, &s->core);
}

/* One core: steps on it, and the core at the prices they lead to. Where its bound is not lower, the
 * prices are again what they were. */
static enum status step_on_core(const struct comm *comm, struct solver *s, uint8_t *choice,
                                int64_t *used, struct knapsack_point *point,
                                struct knapsack_receipt *receipt, struct knapsack_resumed *end)
{
    enum status status = OK;
    double *price = NULL;
    int64_t *before = NULL, bound = point->bound;
    TRY_ALL(comm, memory_new(&price, s->limits, sizeof *price));
    TRY_ALL(comm, memory_new(&before, s->limits, sizeof *before));
    memcpy(before, s->price, (size_t)s->limits * sizeof *before);
    open_prices(s, price);
    TRY(knapsack_prices_resume(comm, &s->core, &s->scale, (double)bound, price, &s->passes,
                               &receipt->iterations, end));
    keep_prices(price, s);
    TRY(renew_core(comm, s, choice, used, point));
    if (point->bound <= bound) goto done;
    memcpy(s->price, before, (size_t)s->limits * sizeof *before);
    TRY(renew_core(comm, s, choice, used, point));
done:
    free(price);
    free(before);
    return status;
}

/* From core to core, as long as each brings them much nearer. known out: prices are found; s->core
 * and what follows are those at them. */
static enum status resume(const struct comm *comm, struct solver *s, uint8_t *choice, int64_t *used,
                          struct knapsack_point *point, struct knapsack_receipt *receipt,
                          bool *known)
{
    enum status status = OK;
    double wanted = INFINITY;
    TRY(renew_core(comm, s, choice, used, point));
    for (int core = 0; core < CORES_MOST && !*known; core++) {
        struct knapsack_resumed end;
        int64_t before = point->bound;
        TRY(step_on_core(comm, s, choice, used, point, receipt, &end));
        *known = end.settled;
        if (point->bound >= before || !(end.wanted < NEARER * wanted)) break;
        wanted = end.wanted;
    }
done:
    return status;
}

static enum status narrow_users(const struct comm *comm, struct solver *s)
{
    enum status status = OK;
    int64_t rows = s->cells->blocks->rows_local;
    TRY_ALL(comm, memory_new(&s->allowed, rows, sizeof *s->allowed));
    for (int64_t i = 0; i < rows; i++)
        s->allowed[i] = s->cells->allowed != NULL ? s->cells->allowed[i] : UINT32_MAX;
    TRY_ALL(comm, knapsack_user_narrow(s->cells, s->allowed));
    s->capped = *s->cells;
    s->capped.allowed = s->allowed;
    s->cells = &s->capped;
done:
    return status;
}

/* Caps take options away that no choice can have, so that prices need not; and every user has a
 * choice. choice and used are lent for room. */
static enum status narrow(const struct comm *comm, struct solver *s, uint8_t *choice, int64_t *used,
                          struct knapsack_receipt *receipt)
{
    enum status status = OK;
    struct knapsack_point point = {0};
    if (s->cells->caps == 0) return OK;
    TRY(narrow_users(comm, s));
    if (s->cells->caps > 1) TRY(knapsack_at_prices(comm, s->cells, s->price, choice, used, &point));
done:
    receipt->impossible = status == ERR_NUMERIC;
    receipt->proven = receipt->impossible && !point.lost;
    return status;
}

static enum status refuse(struct knapsack_receipt *receipt, bool proven)
{
    receipt->impossible = true;
    receipt->proven = proven;
    return FAIL(ERR_NUMERIC, proven ? "no choice keeps all limits"
                                    : "no choice was found that keeps all limits");
}

static void settle(const struct comm *comm, const struct knapsack_cells *cells,
                   const uint8_t *choice, int64_t *used, struct knapsack_receipt *receipt)
{
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) receipt->count[choice[i]]++;
    comm_sum_int64(comm, receipt->count, KNAPSACK_OPTIONS);
    receipt->slots = cells->blocks->rows_total;
    receipt->objective = knapsack_tally(comm, cells, choice, used);
    receipt->gap = ((double)receipt->upper_bound - (double)receipt->objective) /
                   fmax(1.0, fabs((double)receipt->objective));
}

/* A small problem: the whole truth. */
static enum status finish_small(const struct comm *comm, struct solver *s, bool holds,
                                uint8_t *choice, int64_t *used, struct knapsack_receipt *receipt)
{
    enum status status = OK;
    struct knapsack_search search;
    struct knapsack_view view = {0};
    int64_t known = holds ? knapsack_tally(comm, s->cells, choice, used) : INT64_MIN;
    TRY(knapsack_view_make(comm, s->cells, s->price, &view));
    TRY(knapsack_search(comm, &view.cells, view.price, known, choice, &search));
    if (!search.found) TRY(refuse(receipt, search.complete));
    receipt->exact = search.complete;
    if (search.complete) receipt->upper_bound = search.objective;
done:
    knapsack_view_clear(&view);
    return status;
}

/* Prices and the choice at them, from none. */
static enum status begin(const struct comm *comm, struct solver *s, uint8_t *choice, int64_t *used,
                         struct knapsack_point *point, struct knapsack_receipt *receipt)
{
    enum status status = OK;
    bool proven = false;
    if (s->cells->caps == 0) memset(s->price, 0, (size_t)s->limits * sizeof *s->price);
    TRY(find_prices(comm, s, receipt, &proven));
    if (s->cells->caps > 0) {
        s->passes += 1.0;
        TRY(knapsack_at_prices(comm, s->cells, s->price, choice, used, point));
    } else {
        TRY(renew_core(comm, s, choice, used, point));
    }
    if (proven && point->bound < s->lowest) TRY(refuse(receipt, true));
done:
    return status;
}

/* On the core, as far as that tells of all slots. */
static enum status polish_core(const struct comm *comm, struct solver *s, uint8_t *choice,
                               int64_t *used, struct knapsack_point *point, int64_t *looks)
{
    enum status status = OK;
    struct knapsack_core *core = &s->core;
    const struct knapsack_range range = {core->low, core->high};
    struct knapsack_point part;
    TRY(knapsack_at_prices(comm, &core->cells, s->price, core->choice, core->used, &part));
    TRY(knapsack_polish(comm, &core->cells, &range, s->price, core->choice, core->used, &part,
                        looks));
    s->passes += core->share * (double)(1 + *looks);
    if (*looks > 0) TRY(renew_core(comm, s, choice, used, point));
done:
    return status;
}

static enum status polish(const struct comm *comm, struct solver *s, uint8_t *choice, int64_t *used,
                          struct knapsack_point *point, struct knapsack_receipt *receipt)
{
    enum status status = OK;
    const struct knapsack_range any = {NULL, NULL};
    int64_t looks = 0;
    if (s->cells->caps == 0) {
        TRY(polish_core(comm, s, choice, used, point, &looks));
    } else {
        TRY(knapsack_polish(comm, s->cells, &any, s->price, choice, used, point, &looks));
        s->passes += (double)looks;
    }
    receipt->iterations += looks;
done:
    return status;
}

static bool is_warm(const struct solver *s)
{
    for (int64_t r = 0; r < s->limits; r++)
        if (s->price[r] > 0) return true;
    return false;
}

static enum status choose(const struct comm *comm, struct solver *s, uint8_t *choice, int64_t *used,
                          struct knapsack_receipt *receipt)
{
    enum status status = OK;
    struct knapsack_point point;
    struct knapsack_finish finish;
    bool known = false, small = s->scale.slots <= KNAPSACK_SEARCH_SLOTS;
    if (s->cells->caps == 0 && is_warm(s))
        TRY(resume(comm, s, choice, used, &point, receipt, &known));
    if (!known) {
        TRY(begin(comm, s, choice, used, &point, receipt));
        TRY(polish(comm, s, choice, used, &point, receipt));
    }
    receipt->upper_bound = point.bound;
    TRY(knapsack_finish(comm, s->cells, &s->scale, s->price, s->cells->caps == 0 ? &s->core : NULL,
                        choice, used, &finish));
    receipt->repaired = finish.repaired;
    receipt->filled = finish.filled;
    s->passes += finish.passes;
    if (!finish.holds && !small) TRY(refuse(receipt, false));
    if (small) TRY(finish_small(comm, s, finish.holds, choice, used, receipt));
    settle(comm, s->cells, choice, used, receipt);
done:
    receipt->passes = (int64_t)ceil(s->passes);
    return status;
}

enum status knapsack_solve(const struct comm *comm, const struct knapsack_cells *cells,
                           int64_t *price, uint8_t *choice, int64_t *used,
                           struct knapsack_receipt *receipt)
{
    enum status status = OK;
    struct solver s = {.cells = cells, .price = price, .passes = 1.0};
    *receipt = (struct knapsack_receipt){0};
    TRY(measure_cells(comm, cells, &s.scale, &s.lowest));
    s.limits = knapsack_limits(cells);
    TRY(narrow(comm, &s, choice, used, receipt));
    TRY(choose(comm, &s, choice, used, receipt));
    if (cells->caps == 0) goto done;
    TRY(knapsack_tell_caps(comm, cells, price, receipt->bound_users, receipt->cap_cost));
    receipt->users = cells->users_local;
    comm_sum_int64(comm, &receipt->users, 1);
done:
    knapsack_core_clear(&s.core);
    free(s.allowed);
    return status;
}
