/* A step, the shorter one where it went too far, or back. */
#include "algorithms/knapsack_resume.h"

#include "algorithms/knapsack_prices.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GAIN_LEAST 0.1  /* of what shows: a step that promises less is not worth a look */
#define LEFT_LEAST 0.25 /* of what a step promised: as a rule so much is still to be had after it */

struct step {
    struct knapsack_core *core; /* not owned */
    int64_t limits;
    int64_t *price;         /* [limits] not owned */
    double *aim;            /* [limits] prices to go to, units of value per unit of use */
    int64_t *before, *used; /* [limits] to come back to: prices, and the core's uses and */
    uint8_t *choice;        /* [rows_local] choice at them */
    double *passes;         /* not owned */
    int64_t *looks;         /* not owned */
};

static enum status step_new(struct step *s)
{
    enum status status = OK;
    const struct knapsack_core *core = s->core;
    TRY(memory_new(&s->aim, s->limits, sizeof *s->aim));
    TRY(memory_new(&s->before, s->limits, sizeof *s->before));
    TRY(memory_new(&s->used, s->limits, sizeof *s->used));
    TRY(memory_new(&s->choice, core->blocks.rows_local, 1));
    memcpy(s->before, s->price, (size_t)s->limits * sizeof *s->before);
    memcpy(s->used, core->used, (size_t)s->limits * sizeof *s->used);
    memcpy(s->choice, core->choice, (size_t)core->blocks.rows_local);
    knapsack_prices_open(s->price, s->limits, s->aim);
done:
    return status;
}

static void step_clear(struct step *s)
{
    free(s->aim);
    free(s->before);
    free(s->used);
    free(s->choice);
}

static void come_back(struct step *s)
{
    memcpy(s->price, s->before, (size_t)s->limits * sizeof *s->price);
    memcpy(s->core->used, s->used, (size_t)s->limits * sizeof *s->used);
    memcpy(s->core->choice, s->choice, (size_t)s->core->blocks.rows_local);
}

/* Prices as whole numbers may lie beyond the range that steps keep to. */
static void keep_range(const struct knapsack_core *core, int64_t limits, int64_t *price)
{
    for (int64_t r = 0; r < limits; r++) {
        double low = ceil(0x1p30 * core->low[r]), high = floor(0x1p30 * core->high[r]);
        if ((double)price[r] < low) price[r] = (int64_t)low;
        if ((double)price[r] > high) price[r] = (int64_t)high;
    }
}

/* Look a part of the way to the aim, which then is there. At prices within the core's range all
 * others choose what they chose: the core tells of all. */
static enum status go(const struct comm *comm, struct step *s, double part,
                      struct knapsack_point *point)
{
    enum status status = OK;
    struct knapsack_core *core = s->core;
    for (int64_t r = 0; r < s->limits; r++) {
        double from = 0x1p-30 * (double)s->before[r];
        s->aim[r] = from + part * (s->aim[r] - from);
    }
    knapsack_prices_keep(s->aim, s->limits, s->price);
    keep_range(core, s->limits, s->price);
    TRY(knapsack_at_prices(comm, &core->cells, s->price, core->choice, core->used, point));
    point->bound += core->rest;
    point->objective += core->rest;
    *s->passes += core->share;
    ++*s->looks;
done:
    return status;
}

/* A step that kept its promise, by and large, leaves little. */
static double left_after(double promised, double gained)
{
    return gained > 0.0 ? fmax(fabs(promised - gained), LEFT_LEAST * promised) : promised;
}

enum status knapsack_resume(const struct comm *comm, struct knapsack_core *core,
                            const struct knapsack_scale *scale, int64_t *price, double *passes,
                            int64_t *looks, struct knapsack_reached *at)
{
    enum status status = OK;
    struct step s = {.core = core,
                     .limits = knapsack_limits(&core->cells),
                     .price = price,
                     .passes = passes,
                     .looks = looks};
    struct knapsack_point point;
    struct knapsack_promise step;
    double before = (double)at->point.bound;
    TRY_ALL(comm, step_new(&s));
    TRY(knapsack_prices_step(comm, core, scale, before, s.aim, passes, looks, &step));
    at->left = step.wanted;
    at->near = step.near;
    if (step.promised < GAIN_LEAST * step.near) goto done;
    TRY(go(comm, &s, 1.0, &point));
    double rise = (double)point.bound - before;
    if (rise > 0.0 && step.promised > step.near) /* where a parabola through both ends is lowest */
        TRY(go(comm, &s, step.promised / (2.0 * step.promised + rise), &point));
    at->left = left_after(step.wanted, before - (double)point.bound);
    if (point.bound <= at->point.bound)
        at->point = point;
    else
        come_back(&s);
done:
    step_clear(&s);
    return status;
}
