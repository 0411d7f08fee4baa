/* Looks, steps, and the last part of every way to a choice. */
#include "algorithms/knapsack_solver.h"

#include "algorithms/knapsack_finish.h"
#include "algorithms/knapsack_search.h"
#include "algorithms/knapsack_settle.h"
#include "algorithms/knapsack_whole.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GAP_CORE 1e-4  /* beyond, moves of all slots are looked at, not of the core alone */
#define GAP_WHOLE 2e-3 /* beyond, moves are tried too where limits were kept in whole options */

enum status knapsack_solver_renew_core(const struct comm *comm, struct knapsack_solver *s,
                                       struct knapsack_point *point)
{
    knapsack_core_clear(&s->core);
    s->passes += 1.0;
    return knapsack_core_make(comm, s->cells, &s->scale, s->price, s->choice, s->used, point,
                              &s->core);
}

enum status knapsack_solver_look(const struct comm *comm, struct knapsack_solver *s,
                                 struct knapsack_point *point)
{
    s->receipt->iterations++;
    if (s->cells->caps == 0) return knapsack_solver_renew_core(comm, s, point);
    s->passes += 1.0;
    return knapsack_at_prices(comm, s->cells, s->price, s->choice, s->used, point);
}

enum status knapsack_solver_lower(const struct comm *comm, struct knapsack_solver *s,
                                  struct knapsack_smooth *smooth, int steps, double wasted,
                                  struct knapsack_reached *at)
{
    enum status status = OK;
    int64_t looks = 0;
    TRY(knapsack_settle(comm, s->cells, &s->scale, smooth, steps, wasted, s->price, s->choice,
                        s->used, &looks, at));
    s->passes += (double)looks;
    s->receipt->iterations += looks;
done:
    return status;
}

double knapsack_solver_gap(int64_t bound, int64_t objective)
{
    return ((double)bound - (double)objective) / fmax(1.0, fabs((double)objective));
}

double knapsack_solver_gap_now(const struct comm *comm, struct knapsack_solver *s)
{
    return knapsack_solver_gap(s->receipt->upper_bound,
                               knapsack_tally(comm, s->cells, s->choice, s->used));
}

/* ---- the last part ---- */

/* Moves from what slots choose at the prices: of the core, and of all where those do not do. */
static enum status finish_moves(const struct comm *comm, struct knapsack_solver *s,
                                struct knapsack_finish *moved)
{
    enum status status = OK;
    struct knapsack_finish more = {0};
    struct knapsack_core *core = s->cells->caps == 0 ? &s->core : NULL;
    TRY(knapsack_finish(comm, s->cells, &s->scale, s->price, core, s->choice, s->used, moved));
    s->passes += moved->passes;
    if (core == NULL || !moved->holds) goto done;
    if (knapsack_solver_gap_now(comm, s) <= GAP_CORE) goto done;
    TRY(knapsack_finish(comm, s->cells, &s->scale, s->price, NULL, s->choice, s->used, &more));
    s->passes += more.passes;
    moved->filled += more.filled;
done:
    return status;
}

/* Single moves instead of the choice there is, which stays if it is worth more. */
static enum status try_moves(const struct comm *comm, struct knapsack_solver *s,
                             struct knapsack_finish *moved)
{
    enum status status = OK;
    struct knapsack_point point;
    struct knapsack_finish other = {0};
    uint8_t *kept = NULL;
    int64_t rows = s->cells->blocks->rows_local,
            known = knapsack_tally(comm, s->cells, s->choice, s->used);
    TRY_ALL(comm, memory_new(&kept, rows, 1));
    memcpy(kept, s->choice, (size_t)rows);
    TRY(knapsack_at_prices(comm, s->cells, s->price, s->choice, s->used, &point));
    TRY(knapsack_finish(comm, s->cells, &s->scale, s->price, NULL, s->choice, s->used, &other));
    s->passes += 1.0 + other.passes;
    if (other.holds && knapsack_tally(comm, s->cells, s->choice, s->used) > known)
        *moved = other;
    else
        memcpy(s->choice, kept, (size_t)rows);
    knapsack_tally(comm, s->cells, s->choice, s->used);
done:
    free(kept);
    return status;
}

enum status knapsack_solver_finish(const struct comm *comm, struct knapsack_solver *s, bool *holds)
{
    enum status status = OK;
    struct knapsack_finish moved = {0};
    int kind = s->scale.slots > KNAPSACK_SEARCH_SLOTS ? knapsack_whole_kind(s->cells) : -1;
    if (kind >= 0) {
        int64_t bound;
        TRY(knapsack_whole(comm, s->cells, &s->scale, kind, s->price, s->choice, s->used, &bound,
                           &moved));
        if (bound < s->receipt->upper_bound) s->receipt->upper_bound = bound;
        s->passes += moved.passes;
    }
    if (!moved.holds)
        TRY(finish_moves(comm, s, &moved));
    else if (kind >= 0 && knapsack_solver_gap_now(comm, s) > GAP_WHOLE)
        TRY(try_moves(comm, s, &moved));
    s->receipt->repaired = moved.repaired;
    s->receipt->filled = moved.filled;
    *holds = moved.holds;
done:
    return status;
}
