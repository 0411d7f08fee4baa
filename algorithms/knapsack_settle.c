/* Newton's method on the dual: its value and slope from choices, its curvature lent. */
#include "algorithms/knapsack_settle.h"

#include "algorithms/knapsack_step.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FAILURES_MOST = 4 };

#define SHOWS 5e-7 /* of the bound: a step that promises less is not worth a pass, */
#define ROUGH 10.0 /* times this where prices may be rough, */
#define PART 0.05  /* nor one that promises less of what whole options make up */
#define DAMPING_FIRST 1e-2
#define DAMPING_LEAST 1e-9
#define DAMPING_FAILED 0.1 /* at least, after a step that did not lower the bound */
#define RADIUS_FIRST 64.0  /* temperatures that a slot's worth may change by in a step */
#define RADIUS_MOST 1e12
#define LEFT_LEAST 0.25 /* of what a step promised: as a rule so much is still to be had */
#define PRICE_MOST 0x1p60

struct settle {
    const struct knapsack_cells *cells; /* not owned */
    struct knapsack_smooth *smooth;     /* not owned */
    struct knapsack_step step;
    double damping, radius;
    int failures;
    double *here, *there; /* [limits] prices, and those tried, in units of value per unit of use */
    int64_t *limit_of;    /* [narrow] */
    int64_t *trial;       /* [limits] `there` as whole numbers */
    uint8_t *choice;      /* [rows_local] at the prices tried */
    int64_t *used;        /* [limits] likewise */
    struct knapsack_point point;
};

static enum status settle_new(const struct knapsack_cells *cells,
                              const struct knapsack_scale *scale, struct knapsack_smooth *smooth,
                              struct settle *s)
{
    enum status status = OK;
    int64_t limits = knapsack_limits(cells);
    *s = (struct settle){
        .cells = cells, .smooth = smooth, .damping = DAMPING_FIRST, .radius = RADIUS_FIRST};
    TRY(knapsack_step_new(cells, scale, &smooth->layout, &s->step));
    TRY(memory_new(&s->here, limits, sizeof *s->here));
    TRY(memory_new(&s->there, limits, sizeof *s->there));
    TRY(memory_new(&s->limit_of, smooth->layout.narrow, sizeof *s->limit_of));
    TRY(memory_new(&s->trial, limits, sizeof *s->trial));
    TRY(memory_new(&s->choice, cells->blocks->rows_local, 1));
    TRY(memory_new(&s->used, limits, sizeof *s->used));
done:
    return status;
}

static void settle_clear(struct settle *s)
{
    knapsack_step_clear(&s->step);
    free(s->here);
    free(s->there);
    free(s->limit_of);
    free(s->trial);
    free(s->choice);
    free(s->used);
}

/* The slope of the dual: what the choice leaves of the limits. */
static void set_slope(const struct settle *s, const int64_t *used)
{
    int64_t at = 0;
    for (int d = 0; d < s->cells->kinds; d++)
        for (int64_t g = 0; g < s->cells->kind[d].groups; g++, at++) {
            int64_t limit = s->cells->kind[d].limit[g];
            s->smooth->left[at] = limit == KNAPSACK_FREE ? INFINITY : (double)(limit - used[at]);
        }
}

/* The prices to try next, and what they promise; 0: there are none. */
static double set_trial(struct settle *s, const int64_t *price, const int64_t *used)
{
    int64_t limits = s->smooth->layout.limits;
    for (int64_t r = 0; r < limits; r++) s->here[r] = 0x1p-30 * (double)price[r];
    set_slope(s, used);
    if (!knapsack_step_solve(&s->step, s->smooth, s->here, s->damping,
                             s->radius * s->smooth->temperature, s->limit_of))
        return 0.0;
    for (int64_t r = 0; r < limits; r++) {
        s->there[r] = fmax(0.0, s->here[r] + s->step.step[r]);
        s->trial[r] = (int64_t)llrint(fmin(0x1p30 * s->there[r], PRICE_MOST));
    }
    return knapsack_step_promise(&s->step, s->smooth, s->here, s->there);
}

/* A step that keeps its promise widens the next one, one that fails narrows it. */
static void judge(struct settle *s, double gain, double hoped)
{
    if (gain > 0.0) {
        s->damping = fmax(DAMPING_LEAST, s->damping * (gain > 0.5 * hoped ? 0.2 : 1.0));
        if (gain > 0.75 * hoped) s->radius = fmin(3.0 * s->radius, RADIUS_MOST);
    } else {
        s->damping = fmax(6.0 * s->damping, DAMPING_FAILED);
        s->radius *= 0.25;
        s->failures++;
    }
}

static void accept(const struct settle *s, int64_t *price, uint8_t *choice, int64_t *used,
                   struct knapsack_point *point)
{
    size_t limits = (size_t)s->smooth->layout.limits;
    memcpy(price, s->trial, limits * sizeof *price);
    memcpy(used, s->used, limits * sizeof *used);
    memcpy(choice, s->choice, (size_t)s->cells->blocks->rows_local);
    *point = s->point;
}

/* A step that kept its promise, by and large, leaves little. */
static double left_after(double hoped, double gain)
{
    return gain > 0.0 ? fmax(fabs(hoped - gain), LEFT_LEAST * hoped) : hoped;
}

static enum status descend(const struct comm *comm, struct settle *s, int steps, int64_t *price,
                           uint8_t *choice, int64_t *used, int64_t *looks,
                           struct knapsack_reached *at)
{
    enum status status = OK;
    for (int i = 0; i < steps && s->failures < FAILURES_MOST; i++) {
        double hoped = set_trial(s, price, used);
        at->left = hoped;
        if (!(hoped > at->near)) break;
        TRY(knapsack_at_prices(comm, s->cells, s->trial, s->choice, s->used, &s->point));
        ++*looks;
        double gain = (double)at->point.bound - (double)s->point.bound;
        judge(s, gain, hoped);
        at->left = left_after(hoped, gain);
        if (gain > 0.0) accept(s, price, choice, used, &at->point);
    }
done:
    return status;
}

enum status knapsack_settle(const struct comm *comm, const struct knapsack_cells *cells,
                            const struct knapsack_scale *scale, struct knapsack_smooth *smooth,
                            int steps, double wasted, int64_t *price, uint8_t *choice,
                            int64_t *used, int64_t *looks, struct knapsack_reached *at)
{
    enum status status = OK;
    struct settle s = {0};
    double shows = SHOWS * (cells->rough ? ROUGH : 1.0) * fabs((double)at->point.bound);
    at->near = fmax(shows, PART * wasted);
    at->left = 0.0;
    if (smooth->layout.limits == 0) return OK;
    TRY_ALL(comm, settle_new(cells, scale, smooth, &s));
    TRY(descend(comm, &s, steps, price, choice, used, looks, at));
done:
    settle_clear(&s);
    return status;
}
