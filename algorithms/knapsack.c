/* Prices, a choice, repair and refill, and the bound that certifies them. */
#include "algorithms/knapsack.h"

#include "algorithms/knapsack_finish.h"
#include "algorithms/knapsack_measure.h"
#include "algorithms/knapsack_point.h"
#include "algorithms/knapsack_polish.h"
#include "algorithms/knapsack_prices.h"
#include "algorithms/knapsack_resume.h"
#include "algorithms/knapsack_search.h"
#include "algorithms/knapsack_settle.h"
#include "algorithms/knapsack_user.h"
#include "algorithms/knapsack_view.h"
#include "algorithms/knapsack_whole.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CORES_MOST = 5 };

#define GAP_CORE 1e-4   /* beyond, moves of all slots are looked at, not of the core alone */
#define GAP_ANEW 5e-3   /* beyond, prices that were given are forgotten, settled or not */
#define GAP_ROUGH 5e-4  /* likewise, of rough prices that settled */
#define GAP_NEAR 3e-5   /* of a choice from prices that did not settle, to be kept all the same, */
#define GAP_WHOLE 2e-3  /* and where whole options decide more than prices do */
#define NEARER 0.5      /* of what is still wanted of prices, after another core */
#define LEFT_GAP 1.0    /* of the gap: whole options make up the rest, and no prices lower it */
#define WHOLE_PART 0.15 /* of a slot's value for each limit with a price: no more is due to them */

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

static enum status find_prices(const struct comm *comm, struct solver *s,
                               struct knapsack_receipt *receipt, struct knapsack_smooth *last,
                               bool *proven)
{
    enum status status = OK;
    double *price = NULL;
    TRY_ALL(comm, memory_new(&price, s->limits, sizeof *price));
    knapsack_prices_open(s->price, s->limits, price);
    TRY(knapsack_prices_find(comm, s->cells, &s->scale, (double)s->lowest, price, &s->passes,
                             &receipt->iterations, last, proven));
    knapsack_prices_keep(price, s->limits, s->price);
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

static double gap_between(int64_t bound, int64_t objective)
{
    return ((double)bound - (double)objective) / fmax(1.0, fabs((double)objective));
}

static void settle(const struct comm *comm, const struct knapsack_cells *cells,
                   const uint8_t *choice, int64_t *used, struct knapsack_receipt *receipt)
{
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) receipt->count[choice[i]]++;
    comm_sum_int64(comm, receipt->count, KNAPSACK_OPTIONS);
    receipt->slots = cells->blocks->rows_total;
    receipt->objective = knapsack_tally(comm, cells, choice, used);
    receipt->gap = gap_between(receipt->upper_bound, receipt->objective);
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

/* Prices and the choice at them, from those there are. */
static enum status begin(const struct comm *comm, struct solver *s, uint8_t *choice, int64_t *used,
                         struct knapsack_point *point, struct knapsack_receipt *receipt)
{
    enum status status = OK;
    struct knapsack_smooth last = {0};
    int64_t looks = 0;
    bool proven = false;
    TRY(find_prices(comm, s, receipt, &last, &proven));
    if (s->cells->caps > 0 && !proven) {
        TRY(knapsack_settle(comm, s->cells, &s->scale, &last, s->price, choice, used, point,
                            &looks));
        s->passes += (double)looks;
    } else if (s->cells->caps > 0) {
        TRY(knapsack_at_prices(comm, s->cells, s->price, choice, used, point));
        s->passes += 1.0;
    } else {
        TRY(renew_core(comm, s, choice, used, point));
    }
    receipt->iterations += looks > 0 ? looks : 1;
    if (proven && point->bound < s->lowest) TRY(refuse(receipt, true));
done:
    knapsack_smooth_clear(&last);
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

/* By how much the choice may still be too low, relative to it. used is lent for room */
static double gap_of(const struct comm *comm, const struct solver *s, const uint8_t *choice,
                     int64_t *used, const struct knapsack_receipt *receipt)
{
    return gap_between(receipt->upper_bound, knapsack_tally(comm, s->cells, choice, used));
}

/* Moves from what slots choose at the prices: of the core, and of all where those do not do. */
static enum status finish_moves(const struct comm *comm, struct solver *s, uint8_t *choice,
                                int64_t *used, const struct knapsack_receipt *receipt,
                                struct knapsack_finish *moved)
{
    enum status status = OK;
    struct knapsack_finish more = {0};
    struct knapsack_core *core = s->cells->caps == 0 ? &s->core : NULL;
    TRY(knapsack_finish(comm, s->cells, &s->scale, s->price, core, choice, used, moved));
    s->passes += moved->passes;
    if (core == NULL || !moved->holds) goto done;
    if (gap_of(comm, s, choice, used, receipt) <= GAP_CORE) goto done;
    TRY(knapsack_finish(comm, s->cells, &s->scale, s->price, NULL, choice, used, &more));
    s->passes += more.passes;
    moved->filled += more.filled;
done:
    return status;
}

/* Single moves instead of the choice there is, which stays if it is worth more. */
static enum status try_moves(const struct comm *comm, struct solver *s, uint8_t *choice,
                             int64_t *used, struct knapsack_finish *moved)
{
    enum status status = OK;
    struct knapsack_point point;
    struct knapsack_finish other = {0};
    uint8_t *kept = NULL;
    int64_t rows = s->cells->blocks->rows_local,
            known = knapsack_tally(comm, s->cells, choice, used);
    TRY_ALL(comm, memory_new(&kept, rows, 1));
    memcpy(kept, choice, (size_t)rows);
    TRY(knapsack_at_prices(comm, s->cells, s->price, choice, used, &point));
    TRY(knapsack_finish(comm, s->cells, &s->scale, s->price, NULL, choice, used, &other));
    s->passes += 1.0 + other.passes;
    if (other.holds && knapsack_tally(comm, s->cells, choice, used) > known)
        *moved = other;
    else
        memcpy(choice, kept, (size_t)rows);
    knapsack_tally(comm, s->cells, choice, used);
done:
    free(kept);
    return status;
}

/* Where slots are few for the limits of a kind, these kept in whole options; else, or where that
 * finds no choice, or none near the bound, single moves. */
static enum status finish(const struct comm *comm, struct solver *s, uint8_t *choice, int64_t *used,
                          struct knapsack_receipt *receipt, bool *holds)
{
    enum status status = OK;
    struct knapsack_finish moved = {0};
    int kind = s->scale.slots > KNAPSACK_SEARCH_SLOTS ? knapsack_whole_kind(s->cells) : -1;
    if (kind >= 0) {
        int64_t bound;
        TRY(knapsack_whole(comm, s->cells, &s->scale, kind, s->price, choice, used, &bound,
                           &moved));
        if (bound < receipt->upper_bound) receipt->upper_bound = bound;
        s->passes += moved.passes;
    }
    if (!moved.holds)
        TRY(finish_moves(comm, s, choice, used, receipt, &moved));
    else if (kind >= 0 && gap_of(comm, s, choice, used, receipt) > GAP_WHOLE)
        TRY(try_moves(comm, s, choice, used, &moved));
    receipt->repaired = moved.repaired;
    receipt->filled = moved.filled;
    *holds = moved.holds;
done:
    return status;
}

static bool is_warm(const struct solver *s)
{
    for (int64_t r = 0; r < s->limits; r++)
        if (s->price[r] > 0) return true;
    return false;
}

/* What whole options leave at most where prices are right. */
static double whole_most(const struct solver *s)
{
    double most = 0.0;
    for (int64_t r = 0; r < s->limits; r++) most += s->price[r] > 0 ? s->scale.value : 0.0;
    return WHOLE_PART * most;
}

/* Whether other prices would hardly bring the bound nearer to the choice. used is lent for room */
static bool is_close(const struct comm *comm, const struct solver *s,
                     const struct knapsack_resumed *at, const uint8_t *choice, int64_t *used,
                     const struct knapsack_receipt *receipt)
{
    double enough = knapsack_whole_kind(s->cells) >= 0 ? GAP_WHOLE : GAP_NEAR;
    int64_t objective = knapsack_tally(comm, s->cells, choice, used);
    double between = (double)receipt->upper_bound - (double)objective;
    if (at->left <= at->near) enough = s->cells->rough ? GAP_ROUGH : GAP_ANEW;
    if (gap_between(receipt->upper_bound, objective) <= enough) return true;
    return at->left <= LEFT_GAP * between && between <= whole_most(s);
}

/* From the prices given, from core to core as long as each brings them much nearer. known out: they
 * led to prices, and to a choice; else all begins anew */
static enum status choose_warm(const struct comm *comm, struct solver *s, uint8_t *choice,
                               int64_t *used, struct knapsack_receipt *receipt, bool *known)
{
    enum status status = OK;
    double wanted = INFINITY;
    *known = false;
    for (int core = 0; core < CORES_MOST && !*known; core++) {
        struct knapsack_resumed at;
        bool holds, last;
        TRY(renew_core(comm, s, choice, used, &at.point));
        receipt->iterations++;
        int64_t before = at.point.bound;
        TRY(knapsack_resume(comm, &s->core, &s->scale, s->price, &s->passes, &receipt->iterations,
                            &at));
        last = at.point.bound == before || core + 1 == CORES_MOST || at.left >= NEARER * wanted;
        wanted = at.left;
        if (!last && at.left > fmax(at.near, LEFT_GAP * whole_most(s))) continue;
        receipt->upper_bound = at.point.bound;
        TRY(finish(comm, s, choice, used, receipt, &holds));
        *known = holds && is_close(comm, s, &at, choice, used, receipt);
        if (last) break;
    }
done:
    return status;
}

/* From lower temperatures where there are prices. holds out: a choice was found that keeps the
 * limits */
static enum status choose_anew(const struct comm *comm, struct solver *s, uint8_t *choice,
                               int64_t *used, struct knapsack_receipt *receipt, bool *holds)
{
    enum status status = OK;
    struct knapsack_point point;
    TRY(begin(comm, s, choice, used, &point, receipt));
    if (!s->cells->rough) TRY(polish(comm, s, choice, used, &point, receipt));
    receipt->upper_bound = point.bound;
    TRY(finish(comm, s, choice, used, receipt, holds));
done:
    return status;
}

/* Prices that did not lead to those of today may still be near; if they were not, from none. */
static enum status choose_cold(const struct comm *comm, struct solver *s, uint8_t *choice,
                               int64_t *used, struct knapsack_receipt *receipt, bool *holds)
{
    enum status status = OK;
    if (is_warm(s)) {
        TRY(choose_anew(comm, s, choice, used, receipt, holds));
        if (*holds && gap_of(comm, s, choice, used, receipt) <= GAP_ANEW) goto done;
    }
    memset(s->price, 0, (size_t)s->limits * sizeof *s->price);
    TRY(choose_anew(comm, s, choice, used, receipt, holds));
done:
    return status;
}

static enum status choose(const struct comm *comm, struct solver *s, uint8_t *choice, int64_t *used,
                          struct knapsack_receipt *receipt)
{
    enum status status = OK;
    bool holds = true, small = s->scale.slots <= KNAPSACK_SEARCH_SLOTS;
    if (is_warm(s) && s->cells->caps == 0)
        TRY(choose_warm(comm, s, choice, used, receipt, &receipt->warm));
    if (!receipt->warm) TRY(choose_cold(comm, s, choice, used, receipt, &holds));
    if (!holds && !small) TRY(refuse(receipt, false));
    if (small) TRY(finish_small(comm, s, holds, choice, used, receipt));
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
    TRY(knapsack_measure(comm, cells, &s.scale, &s.lowest));
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
