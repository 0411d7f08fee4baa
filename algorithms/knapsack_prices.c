/* Newton's method with damping on the smoothed dual. */
#include "algorithms/knapsack_prices.h"

#include "algorithms/knapsack_step.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MOST = 25, SAMPLE_SLOTS = 1 << 17, SAMPLE_FEWER = 8, SAMPLE_LIMIT = 64 };

#define COOLING 0.25
#define TEMPERATURE_FIRST 0.1 /* of a slot's mean largest value */
#define BLUR_LAST 1e-5        /* of the dual: smoothing raises it by no more at the end */
#define BLUR_CAPPED 1e-3      /* where users have caps, of which it knows no whole options anyway */
#define BLUR_LEAST 1e-3       /* units of value, which are whole: where the dual is about 0 */
#define ROUGH 10.0            /* times these where prices may be rough */
#define GAIN_ENOUGH 0.1       /* of the blur: a step that promises less is not worth a pass, */
#define GAIN_LAST 0.005       /* nor at the last temperature one that promises so little */
#define RADIUS_FIRST 8.0      /* temperatures that a slot's worth may change by in a step */
#define RADIUS_KEPT 64.0
#define RADIUS_MOST 1e12
#define DAMPING_FIRST 1e-2
#define DAMPING_LEAST 1e-9
#define DAMPING_MOST 1e9

/* where prices are nearly known */
#define BLUR_WARM \
    0.2 /* of what limits leave, at their prices: smoothing that a step sees far by, */
#define BLUR_NEAR 1e-5  /* and at least this part of the dual */
#define NEAR_WASTE 0.02 /* of what limits leave, */
#define NEAR_MOST 3e-5  /* but no more than this part of the dual: what no longer shows */
#define DAMPING_WARM 1e-4
#define ALIKE 0.5 /* a temperature by another that is as good */

#define PRICE_MOST 0x1p60

void knapsack_prices_open(const int64_t *price, int64_t limits, double *open)
{
    for (int64_t r = 0; r < limits; r++) open[r] = fmax(0.0, 0x1p-30 * (double)price[r]);
}

void knapsack_prices_keep(const double *open, int64_t limits, int64_t *price)
{
    for (int64_t r = 0; r < limits; r++)
        price[r] = (int64_t)llrint(fmin(0x1p30 * open[r], PRICE_MOST));
}

struct newton {
    const struct knapsack_cells *cells;
    const struct knapsack_scale *scale;
    struct knapsack_smooth now, next;
    double *price, *trial; /* [limits] */
    struct knapsack_step step;
    double damping, radius, temperature;
    int64_t every, looks;
    const struct knapsack_core *core; /* NULL: cells are all slots' */
    double share;                     /* of all slots */
    double rest;                      /* value of all others */
};

static enum status newton_init(struct newton *n)
{
    enum status status = OK;
    TRY(knapsack_smooth_new(n->cells, &n->now));
    TRY(knapsack_smooth_new(n->cells, &n->next));
    TRY(memory_new(&n->trial, n->now.layout.limits, sizeof *n->trial));
    TRY(knapsack_step_new(n->cells, n->scale, &n->now.layout, &n->step));
done:
    return status;
}

static void newton_clear(struct newton *n)
{
    knapsack_smooth_clear(&n->now);
    knapsack_smooth_clear(&n->next);
    free(n->trial);
    knapsack_step_clear(&n->step);
}

/* ---- one step ---- */

static bool solve_step(struct newton *n, int64_t *limit_of)
{
    return knapsack_step_solve(&n->step, &n->now, n->price, n->damping, n->radius * n->temperature,
                               limit_of);
}

static double promised(const struct newton *n)
{
    return knapsack_step_promise(&n->step, &n->now, n->price, n->trial);
}

/* The same of the step as it is, beyond what the core tells of too. */
static double wanted(const struct newton *n)
{
    double sum = 0.0;
    for (int64_t r = 0; r < n->now.layout.limits; r++)
        if (n->step.free[r])
            sum -= 0.5 * n->now.left[r] * (fmax(0.0, n->price[r] + n->step.step[r]) - n->price[r]);
    return sum;
}

static void set_trial(struct newton *n)
{
    for (int64_t r = 0; r < n->now.layout.limits; r++) {
        double low = n->core != NULL ? n->core->low[r] : 0.0;
        double high = n->core != NULL ? n->core->high[r] : INFINITY;
        n->trial[r] = fmin(fmax(low, n->price[r] + n->step.step[r]), high);
    }
}

static void look(const struct comm *comm, struct newton *n, const double *price,
                 struct knapsack_smooth *smooth, double *passes)
{
    knapsack_smooth_at(comm, n->cells, n->scale, price, n->temperature, n->every, smooth);
    smooth->dual += n->rest;
    *passes += n->share / (double)n->every;
    n->looks++;
}

static void accept(struct newton *n)
{
    struct knapsack_smooth other = n->now;
    n->now = n->next;
    n->next = other;
    memcpy(n->price, n->trial, (size_t)n->now.layout.limits * sizeof *n->price);
}

/* A step that keeps its promise widens the next one, one that fails narrows it. */
static void judge(struct newton *n, double gain, double hoped)
{
    if (gain > 0.0) {
        accept(n);
        n->damping = fmax(DAMPING_LEAST, n->damping * (gain > 0.5 * hoped ? 0.2 : 1.0));
        if (gain > 0.75 * hoped) n->radius = fmin(n->radius * 3.0, RADIUS_MOST);
    } else {
        n->damping *= 6.0;
        n->radius *= 0.25;
    }
}

static double roughness(const struct knapsack_cells *cells)
{
    return cells->rough ? ROUGH : 1.0;
}

static bool is_cold(const struct newton *n)
{
    double last = n->cells->caps > 0 ? BLUR_CAPPED : BLUR_LAST * roughness(n->cells);
    return n->now.blur <= fmax(BLUR_LEAST, last * fabs(n->now.dual));
}

static double enough(const struct newton *n)
{
    bool last = is_cold(n) && !n->cells->rough && n->cells->caps == 0;
    return (last ? GAIN_LAST : GAIN_ENOUGH) * n->now.blur;
}

enum descent { SETTLED, UNSETTLED, UNBOUNDED };

/* Steps at one temperature. UNBOUNDED: the dual fell under lowest. */
static enum descent descend(const struct comm *comm, struct newton *n, double lowest, int steps,
                            int64_t *limit_of, double *passes)
{
    enum descent end = UNSETTLED;
    look(comm, n, n->price, &n->now, passes);
    for (int i = 0; i < steps && n->damping < DAMPING_MOST && end == UNSETTLED; i++) {
        if (n->now.dual < lowest) return UNBOUNDED;
        if (!solve_step(n, limit_of)) {
            n->damping = fmax(10.0 * n->damping, 1e-6);
            continue;
        }
        set_trial(n);
        double hoped = promised(n);
        if (hoped < enough(n)) {
            end = SETTLED;
            continue;
        }
        look(comm, n, n->trial, &n->next, passes);
        judge(n, n->now.dual - n->next.dual, hoped);
    }
    n->damping = fmin(n->damping, 1.0);
    n->radius = fmin(fmax(n->radius, RADIUS_FIRST), RADIUS_KEPT);
    return end;
}

/* Temperatures down to where smoothing no longer shows. */
static bool cool(const struct comm *comm, struct newton *n, double lowest, int64_t *limit_of,
                 double *passes)
{
    for (;;) {
        if (descend(comm, n, lowest, STEPS_MOST, limit_of, passes) == UNBOUNDED) return false;
        if (is_cold(n)) return true;
        n->temperature *= COOLING;
    }
}

/* A sample of some SAMPLE_SLOTS first, then eight times as many, and so on. */
static int64_t first_sample(int64_t slots)
{
    int64_t every = 1;
    while (slots / (every * SAMPLE_FEWER) >= SAMPLE_SLOTS) every *= SAMPLE_FEWER;
    return every;
}

/* From sample to sample; prices that a sample drives without bound are forgotten. */
static enum status ladder(const struct comm *comm, struct newton *n, double lowest,
                          int64_t *limit_of, double *passes, bool *proven)
{
    enum status status = OK;
    int64_t limits = n->now.layout.limits;
    double *before = NULL;
    TRY_ALL(comm, memory_new(&before, limits, sizeof *before));
    for (n->every = first_sample(n->scale->slots);; n->every /= SAMPLE_FEWER) {
        memcpy(before, n->price, (size_t)limits * sizeof *before);
        bool bounded = cool(comm, n, lowest, limit_of, passes);
        *proven = !bounded && n->every == 1;
        if (n->every == 1) break;
        if (!bounded) memcpy(n->price, before, (size_t)limits * sizeof *before);
        if (n->cells->caps == 0) n->temperature /= COOLING * COOLING;
        n->damping = DAMPING_FIRST;
    }
done:
    free(before);
    return status;
}

enum status knapsack_prices_find(const struct comm *comm, const struct knapsack_cells *cells,
                                 const struct knapsack_scale *scale, double lowest, double *price,
                                 double *passes, int64_t *looks, struct knapsack_smooth *last,
                                 bool *proven)
{
    enum status status = OK;
    struct newton n = {.cells = cells,
                       .scale = scale,
                       .price = price,
                       .damping = DAMPING_FIRST,
                       .radius = RADIUS_FIRST,
                       .share = 1.0};
    bool warm = false;
    int64_t *limit_of = NULL;
    *proven = false;
    *last = (struct knapsack_smooth){0};
    if (knapsack_limits(cells) == 0) return OK;
    TRY_ALL(comm, newton_init(&n));
    TRY_ALL(comm, memory_new(&limit_of, n.now.layout.narrow, sizeof *limit_of));
    for (int64_t r = 0; r < n.now.layout.limits; r++) warm = warm || price[r] > 0.0;
    n.temperature = TEMPERATURE_FIRST * scale->value * (warm ? COOLING * COOLING : 1.0);
    TRY(ladder(comm, &n, lowest, limit_of, passes, proven));
done:
    *looks += n.looks;
    *last = n.now;
    n.now = (struct knapsack_smooth){0};
    newton_clear(&n);
    free(limit_of);
    return status;
}

/* The blur falls with the square of the temperature. */
static double last_temperature(double temperature, const struct knapsack_smooth *at)
{
    double wanted = fmax(BLUR_LEAST, BLUR_CAPPED * fabs(at->dual));
    return temperature * (at->blur > 0.0 ? fmin(1.0, sqrt(wanted / at->blur)) : 1.0);
}

/* From what a sample shows to all slots. */
static void scale_curvature(const struct knapsack_smooth *smooth, double every)
{
    const struct knapsack_layout *l = &smooth->layout;
    for (int64_t r = 0; r < l->limits; r++) smooth->diagonal[r] *= every;
    for (int64_t i = 0; i < l->narrow * l->narrow; i++) smooth->dense[i] *= every;
    for (int64_t i = 0; i < l->crosses; i++) smooth->cross[i] *= every;
}

enum status knapsack_prices_smooth(const struct comm *comm, const struct knapsack_cells *cells,
                                   const struct knapsack_scale *scale, const int64_t *price,
                                   double *passes, int64_t *looks, struct knapsack_smooth *smooth)
{
    enum status status = OK;
    double *open = NULL, first = TEMPERATURE_FIRST * COOLING * COOLING * scale->value;
    int64_t limits = knapsack_limits(cells), sample = SAMPLE_SLOTS + SAMPLE_LIMIT * limits;
    int64_t every = scale->slots / sample + 1;
    *smooth = (struct knapsack_smooth){0};
    TRY_ALL(comm, knapsack_smooth_new(cells, smooth));
    TRY_ALL(comm, memory_new(&open, limits, sizeof *open));
    knapsack_prices_open(price, limits, open);
    knapsack_smooth_at(comm, cells, scale, open, first, every, smooth);
    double last = last_temperature(first, smooth);
    bool again = last <= ALIKE * first;
    if (again) knapsack_smooth_at(comm, cells, scale, open, last, every, smooth);
    scale_curvature(smooth, (double)every);
    *passes += (again ? 2.0 : 1.0) / (double)every;
    *looks += again ? 2 : 1;
done:
    free(open);
    return status;
}

/* What prices of unused or exceeded parts of limits come to: whole options waste some of it. */
static double waste_of(const struct knapsack_core *core, const double *price)
{
    double waste = 0.0;
    for (int64_t r = 0; r < knapsack_limits(&core->cells); r++)
        if (core->limit[r] != KNAPSACK_FREE)
            waste += price[r] * fabs((double)(core->limit[r] - core->used[r]));
    return waste;
}

enum status knapsack_prices_step(const struct comm *comm, const struct knapsack_core *core,
                                 const struct knapsack_scale *scale, double dual, double *price,
                                 double *passes, int64_t *looks, struct knapsack_promise *end)
{
    enum status status = OK;
    struct newton n = {.cells = &core->cells,
                       .core = core,
                       .scale = scale,
                       .price = price,
                       .damping = DAMPING_WARM,
                       .radius = RADIUS_KEPT,
                       .every = 1,
                       .share = core->share,
                       .rest = (double)core->rest};
    int64_t *limit_of = NULL;
    *end = (struct knapsack_promise){0};
    TRY_ALL(comm, newton_init(&n));
    TRY_ALL(comm, memory_new(&limit_of, n.now.layout.narrow, sizeof *limit_of));
    double waste = waste_of(core, price);
    double least = fmax(BLUR_LEAST, BLUR_NEAR * roughness(n.cells) * fabs(dual));
    end->near = fmax(least, fmin(NEAR_WASTE * waste, NEAR_MOST * fabs(dual)));
    n.temperature = knapsack_core_temperature(core, fmax(least, BLUR_WARM * waste));
    look(comm, &n, n.price, &n.now, passes);
    end->wanted = INFINITY;
    if (!solve_step(&n, limit_of)) goto done;
    set_trial(&n);
    end->wanted = wanted(&n);
    end->promised = promised(&n);
    memcpy(price, n.trial, (size_t)n.now.layout.limits * sizeof *price);
done:
    *looks += n.looks;
    newton_clear(&n);
    free(limit_of);
    return status;
}
