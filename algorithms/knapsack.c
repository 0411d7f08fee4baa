/* Prices, a choice, repair and refill, and the bound that certifies them. */
#include "algorithms/knapsack.h"

#include "algorithms/knapsack_exchange.h"
#include "algorithms/knapsack_known.h"
#include "algorithms/knapsack_measure.h"
#include "algorithms/knapsack_polish.h"
#include "algorithms/knapsack_prices.h"
#include "algorithms/knapsack_relax.h"
#include "algorithms/knapsack_search.h"
#include "algorithms/knapsack_user.h"
#include "algorithms/knapsack_view.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MOST = 12 }; /* under caps, on the bound itself */

/* ---- solving ---- */

static enum status find_prices(const struct comm *comm, struct knapsack_solver *s,
                               struct knapsack_smooth *last, bool *proven)
{
    enum status status = OK;
    double *price = NULL;
    TRY_ALL(comm, memory_new(&price, s->limits, sizeof *price));
    knapsack_prices_open(s->price, s->limits, price);
    TRY(knapsack_prices_find(comm, s->cells, &s->scale, (double)s->lowest, price, &s->passes,
                             &s->receipt->iterations, last, proven));
    knapsack_prices_keep(price, s->limits, s->price);
done:
    free(price);
    return status;
}

static enum status narrow_users(const struct comm *comm, struct knapsack_solver *s)
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
 * choice. */
static enum status narrow(const struct comm *comm, struct knapsack_solver *s)
{
    enum status status = OK;
    struct knapsack_point point = {0};
    if (s->cells->caps == 0) return OK;
    TRY(narrow_users(comm, s));
    if (s->cells->caps > 1)
        TRY(knapsack_at_prices(comm, s->cells, s->price, s->choice, s->used, &point));
done:
    s->receipt->impossible = status == ERR_NUMERIC;
    s->receipt->proven = s->receipt->impossible && !point.lost;
    return status;
}

static enum status refuse(struct knapsack_receipt *receipt, bool proven)
{
    receipt->impossible = true;
    receipt->proven = proven;
    return FAIL(ERR_NUMERIC, proven ? "no choice keeps all limits"
                                    : "no choice was found that keeps all limits");
}

static void settle(const struct comm *comm, struct knapsack_solver *s)
{
    struct knapsack_receipt *receipt = s->receipt;
    for (int64_t i = 0; i < s->cells->blocks->rows_local; i++) receipt->count[s->choice[i]]++;
    comm_sum_int64(comm, receipt->count, KNAPSACK_OPTIONS);
    receipt->slots = s->cells->blocks->rows_total;
    receipt->objective = knapsack_tally(comm, s->cells, s->choice, s->used);
    receipt->gap = knapsack_solver_gap(receipt->upper_bound, receipt->objective);
}

/* A choice that keeps the limits, made better, and a lower bound. */
static enum status improve(struct knapsack_table *table, int64_t *bound)
{
    enum status status = OK;
    TRY(knapsack_search_narrow(table));
    TRY(knapsack_exchange(table));
    TRY(knapsack_relax(table, bound));
done:
    return status;
}

/* A small problem. holds: a choice keeps the limits */
static enum status finish_small(const struct comm *comm, struct knapsack_solver *s, bool holds)
{
    enum status status = OK;
    struct knapsack_search search;
    struct knapsack_view view = {0};
    struct knapsack_table table = {0};
    const struct blocks *blocks = s->cells->blocks;
    TRY(knapsack_view_make(comm, s->cells, s->price, &view));
    TRY(knapsack_table_make(comm, &view.cells, view.price, s->choice, &table));
    if (holds) TRY_ALL(comm, improve(&table, &s->receipt->upper_bound));
    TRY_ALL(comm, knapsack_search(&table, holds, &search));
    if (!search.found) TRY(refuse(s->receipt, search.complete));
    memcpy(s->choice, table.choice + blocks->row_first, (size_t)blocks->rows_local);
    s->receipt->exact = search.complete;
    if (search.bound < s->receipt->upper_bound) s->receipt->upper_bound = search.bound;
done:
    knapsack_table_clear(&table);
    knapsack_view_clear(&view);
    return status;
}

/* Prices and the choice at them, from those there are. */
static enum status begin(const struct comm *comm, struct knapsack_solver *s,
                         struct knapsack_point *point)
{
    enum status status = OK;
    struct knapsack_smooth last = {0};
    struct knapsack_reached at;
    bool proven = false;
    TRY(find_prices(comm, s, &last, &proven));
    TRY(knapsack_solver_look(comm, s, &at.point));
    if (s->cells->caps > 0 && !proven)
        TRY(knapsack_solver_lower(comm, s, &last, STEPS_MOST, 0.0, &at));
    *point = at.point;
    if (proven && point->bound < s->lowest) TRY(refuse(s->receipt, true));
done:
    knapsack_smooth_clear(&last);
    return status;
}

/* On the core, as far as that tells of all slots. */
static enum status polish_core(const struct comm *comm, struct knapsack_solver *s,
                               struct knapsack_point *point, int64_t *looks)
{
    enum status status = OK;
    struct knapsack_core *core = &s->core;
    const struct knapsack_range range = {core->low, core->high};
    struct knapsack_point part;
    TRY(knapsack_at_prices(comm, &core->cells, s->price, core->choice, core->used, &part));
    TRY(knapsack_polish(comm, &core->cells, &range, s->price, core->choice, core->used, &part,
                        looks));
    s->passes += core->share * (double)(1 + *looks);
    if (*looks > 0) TRY(knapsack_solver_renew_core(comm, s, point));
done:
    return status;
}

static enum status polish(const struct comm *comm, struct knapsack_solver *s,
                          struct knapsack_point *point)
{
    enum status status = OK;
    const struct knapsack_range any = {NULL, NULL};
    int64_t looks = 0;
    if (s->cells->caps == 0) {
        TRY(polish_core(comm, s, point, &looks));
    } else {
        TRY(knapsack_polish(comm, s->cells, &any, s->price, s->choice, s->used, point, &looks));
        s->passes += (double)looks;
    }
    s->receipt->iterations += looks;
done:
    return status;
}

static bool is_warm(const struct knapsack_solver *s)
{
    for (int64_t r = 0; r < s->limits; r++)
        if (s->price[r] > 0) return true;
    return false;
}

/* From lower temperatures where there are prices. holds out: a choice was found that keeps the
 * limits */
static enum status choose_anew(const struct comm *comm, struct knapsack_solver *s, bool *holds)
{
    enum status status = OK;
    struct knapsack_point point;
    TRY(begin(comm, s, &point));
    if (!s->cells->rough) TRY(polish(comm, s, &point));
    s->receipt->upper_bound = point.bound;
    TRY(knapsack_solver_finish(comm, s, holds));
done:
    return status;
}

/* Prices that did not lead to those of today may still be near; if they were not, from none. */
static enum status choose_cold(const struct comm *comm, struct knapsack_solver *s, bool *holds)
{
    enum status status = OK;
    if (is_warm(s)) {
        TRY(choose_anew(comm, s, holds));
        if (*holds && knapsack_solver_gap_now(comm, s) <= KNAPSACK_GAP_ANEW) goto done;
    }
    memset(s->price, 0, (size_t)s->limits * sizeof *s->price);
    TRY(choose_anew(comm, s, holds));
done:
    return status;
}

/* Where prices may be rough, a choice may, too. */
static bool is_small(const struct knapsack_solver *s)
{
    return s->scale.slots <= KNAPSACK_SEARCH_SLOTS ||
           (!s->cells->rough && knapsack_table_fits(s->cells));
}

static enum status choose(const struct comm *comm, struct knapsack_solver *s)
{
    enum status status = OK;
    bool holds = true, small = is_small(s);
    if (is_warm(s)) TRY(knapsack_known(comm, s, &s->receipt->warm));
    if (!s->receipt->warm) TRY(choose_cold(comm, s, &holds));
    if (!holds && !small) TRY(refuse(s->receipt, false));
    if (small) TRY(finish_small(comm, s, holds));
    settle(comm, s);
done:
    s->receipt->passes = (int64_t)ceil(s->passes);
    return status;
}

enum status knapsack_solve(const struct comm *comm, const struct knapsack_cells *cells,
                           int64_t *price, uint8_t *choice, int64_t *used,
                           struct knapsack_receipt *receipt)
{
    enum status status = OK;
    struct knapsack_solver s = {.cells = cells,
                                .passes = 1.0,
                                .price = price,
                                .choice = choice,
                                .used = used,
                                .receipt = receipt};
    *receipt = (struct knapsack_receipt){0};
    TRY(knapsack_measure(comm, cells, &s.scale, &s.lowest));
    s.limits = knapsack_limits(cells);
    TRY(narrow(comm, &s));
    TRY(choose(comm, &s));
    if (cells->caps == 0) goto done;
    TRY(knapsack_tell_caps(comm, cells, price, receipt->bound_users, receipt->cap_cost));
    receipt->users = cells->users_local;
    comm_sum_int64(comm, &receipt->users, 1);
done:
    knapsack_core_clear(&s.core);
    free(s.allowed);
    return status;
}
