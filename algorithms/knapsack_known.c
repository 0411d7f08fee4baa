/* From core to core; under caps a look, then a step. */
#include "algorithms/knapsack_known.h"

#include "algorithms/knapsack_prices.h"
#include "algorithms/knapsack_resume.h"
#include "algorithms/knapsack_whole.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CORES_MOST = 5, STEPS_CAPPED = 1 };

#define GAP_ROUGH 5e-4  /* of a choice from rough prices that settled, to be kept, */
#define GAP_NEAR 3e-5   /* from prices that did not settle, */
#define GAP_LOOK 5e-5   /* of a choice under caps from prices as they are, */
#define GAP_WHOLE 2e-3  /* and where whole options decide more than prices do */
#define NEARER 0.5      /* of what is still wanted of prices, after another core */
#define LEFT_GAP 1.0    /* of the gap: whole options make up the rest, and no prices lower it */
#define WHOLE_PART 0.15 /* of a slot's value for each limit with a price: no more is due to them */

/* What whole options leave at most where prices are right. */
static double whole_most(const struct knapsack_solver *s)
{
    double most = 0.0;
    for (int64_t r = 0; r < s->limits; r++) most += s->price[r] > 0 ? s->scale.value : 0.0;
    return WHOLE_PART * most;
}

/* Whether other prices would hardly bring the bound nearer to the choice. */
static bool is_close(const struct comm *comm, struct knapsack_solver *s,
                     const struct knapsack_reached *at)
{
    double enough = knapsack_whole_kind(s->cells) >= 0 ? GAP_WHOLE : GAP_NEAR;
    int64_t objective = knapsack_tally(comm, s->cells, s->choice, s->used);
    double between = (double)s->receipt->upper_bound - (double)objective;
    if (at->left <= at->near) enough = s->cells->rough ? GAP_ROUGH : KNAPSACK_GAP_ANEW;
    if (knapsack_solver_gap(s->receipt->upper_bound, objective) <= enough) return true;
    return at->left <= LEFT_GAP * between && between <= whole_most(s);
}

/* ---- without caps ---- */

static enum status follow_cores(const struct comm *comm, struct knapsack_solver *s, bool *known)
{
    enum status status = OK;
    double wanted = INFINITY;
    for (int core = 0; core < CORES_MOST && !*known; core++) {
        struct knapsack_reached at;
        bool holds, last;
        TRY(knapsack_solver_look(comm, s, &at.point));
        int64_t before = at.point.bound;
        TRY(knapsack_resume(comm, &s->core, &s->scale, s->price, &s->passes,
                            &s->receipt->iterations, &at));
        last = at.point.bound == before || core + 1 == CORES_MOST || at.left >= NEARER * wanted;
        wanted = at.left;
        if (!last && at.left > fmax(at.near, LEFT_GAP * whole_most(s))) continue;
        s->receipt->upper_bound = at.point.bound;
        TRY(knapsack_solver_finish(comm, s, &holds));
        *known = holds && is_close(comm, s, &at);
        if (last) break;
    }
done:
    return status;
}

/* ---- with caps ---- */

/* A choice set aside. */
struct aside {
    uint8_t *choice; /* [rows_local] */
    int64_t *used;   /* [limits] */
    int64_t repaired, filled;
};

static enum status set_aside(const struct comm *comm, const struct knapsack_solver *s,
                             struct aside *aside)
{
    enum status status = OK;
    int64_t rows = s->cells->blocks->rows_local;
    TRY_ALL(comm, memory_new(&aside->choice, rows, 1));
    TRY_ALL(comm, memory_new(&aside->used, s->limits, sizeof *aside->used));
    memcpy(aside->choice, s->choice, (size_t)rows);
    memcpy(aside->used, s->used, (size_t)s->limits * sizeof *aside->used);
done:
    return status;
}

static void swap(int64_t *a, int64_t *b)
{
    int64_t kept = *a;
    *a = *b;
    *b = kept;
}

static void change_places(struct knapsack_solver *s, struct aside *aside)
{
    for (int64_t i = 0; i < s->cells->blocks->rows_local; i++) {
        uint8_t kept = s->choice[i];
        s->choice[i] = aside->choice[i];
        aside->choice[i] = kept;
    }
    for (int64_t r = 0; r < s->limits; r++) swap(&s->used[r], &aside->used[r]);
    swap(&s->receipt->repaired, &aside->repaired);
    swap(&s->receipt->filled, &aside->filled);
}

/* A step from the choice at the prices, which is aside, and a choice from there; the one there
 * is stays if it is worth more. holds inout: it keeps the limits */
static enum status step(const struct comm *comm, struct knapsack_solver *s, struct aside *aside,
                        double wasted, struct knapsack_reached *at, bool *holds)
{
    enum status status = OK;
    struct knapsack_smooth smooth = {0};
    bool other, held = *holds;
    int64_t objective = knapsack_tally(comm, s->cells, s->choice, s->used);
    TRY(knapsack_prices_smooth(comm, s->cells, &s->scale, s->price, &s->passes,
                               &s->receipt->iterations, &smooth));
    change_places(s, aside);
    TRY(knapsack_solver_lower(comm, s, &smooth, STEPS_CAPPED, wasted, at));
    s->receipt->upper_bound = at->point.bound;
    TRY(knapsack_solver_finish(comm, s, &other));
    *holds = held || other;
    if (held && (!other || knapsack_tally(comm, s->cells, s->choice, s->used) < objective))
        change_places(s, aside);
done:
    knapsack_smooth_clear(&smooth);
    return status;
}

static enum status follow_bound(const struct comm *comm, struct knapsack_solver *s, bool *known)
{
    enum status status = OK;
    struct knapsack_reached at;
    struct aside aside = {0};
    bool holds;
    TRY(knapsack_solver_look(comm, s, &at.point));
    TRY(set_aside(comm, s, &aside));
    s->receipt->upper_bound = at.point.bound;
    TRY(knapsack_solver_finish(comm, s, &holds));
    double gap = knapsack_solver_gap_now(comm, s);
    *known = holds && gap <= GAP_LOOK;
    if (*known) goto done;
    double between = holds ? gap * fabs((double)s->receipt->upper_bound) : 0.0;
    TRY(step(comm, s, &aside, fmin(between, whole_most(s)), &at, &holds));
    *known = holds && is_close(comm, s, &at);
done:
    free(aside.choice);
    free(aside.used);
    return status;
}

enum status knapsack_known(const struct comm *comm, struct knapsack_solver *s, bool *known)
{
    *known = false;
    return s->cells->caps > 0 ? follow_bound(comm, s, known) : follow_cores(comm, s, known);
}
