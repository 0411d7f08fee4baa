/* Newton's method with damping on the smoothed dual. */
#include "algorithms/knapsack_prices.h"

#include "algorithms/definite.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEPS_MOST = 25,
    STEPS_WARM = 4, /* of known prices, at each temperature, */
    LOOKS_WARM = 5, /* and in all, on one core */
    HEATS_MOST = 2,
    SAMPLE_SLOTS = 1 << 17,
    SAMPLE_FEWER = 8,
    SAMPLE_WARM = 1 << 13
};

#define COOLING 0.25
#define TEMPERATURE_FIRST 0.1 /* of a slot's mean largest value */
#define BLUR_LAST 1e-5        /* of the dual: smoothing raises it by no more at the end */
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
#define BLUR_CAPPED 3e-6  /* of the dual, at the end, where users have caps, */
#define BLUR_WARM 1e-5    /* where they have not, */
#define BLUR_WASTE 0.02   /* or so much of what limits leave, */
#define BLUR_MOST 3e-5    /* but no more than this part of the dual */
#define GAIN_WARM 0.3     /* of that: a step that promises less is not worth a look at the core */
#define RESUME_ENOUGH 1.0 /* of it: where all steps leave more, another core is needed */
#define HEATING 8.0
#define HEAT_ENOUGH 0.3 /* of the blur: a first step that promises more needs to see farther */
#define DAMPING_WARM 1e-4

struct newton {
    const struct knapsack_cells *cells;
    const struct knapsack_scale *scale;
    struct knapsack_smooth now, next;
    double *price, *trial, *step; /* [limits] */
    double *schur, *side;         /* [narrow][narrow], [narrow] */
    bool *free;                   /* [limits] may move */
    double damping, radius, temperature;
    double hoped;  /* what the last step promised, whatever it may do */
    double enough; /* where there is a core: no step is worth it that promises less */
    int64_t every, looks;
    bool looked;                      /* now is up to date */
    const struct knapsack_core *core; /* NULL: cells are all slots' */
    double share;                     /* of all slots */
    double rest;                      /* value of all others */
};

static enum status newton_init(struct newton *n)
{
    enum status status = OK;
    TRY(knapsack_smooth_new(n->cells, &n->now));
    TRY(knapsack_smooth_new(n->cells, &n->next));
    int64_t limits = n->now.layout.limits, narrow = n->now.layout.narrow;
    TRY(memory_new(&n->trial, limits, sizeof *n->trial));
    TRY(memory_new(&n->step, limits, sizeof *n->step));
    TRY(memory_new(&n->schur, narrow * narrow, sizeof *n->schur));
    TRY(memory_new(&n->side, narrow, sizeof *n->side));
    TRY(memory_new(&n->free, limits, sizeof *n->free));
done:
    return status;
}

static void newton_clear(struct newton *n)
{
    knapsack_smooth_clear(&n->now);
    knapsack_smooth_clear(&n->next);
    free(n->trial);
    free(n->step);
    free(n->schur);
    free(n->side);
    free(n->free);
}

/* ---- one step ---- */

/* The curvature of a limit with its damping. Where few slots waver it says nothing: it is then what
 * keeps the step within the radius. What uses hardly move gets a little more. */
static double damped(const struct newton *n, int kind, int64_t limit, double highest)
{
    double use = n->scale->reach[kind] / fmax(1.0, (double)n->scale->slots);
    double within = fabs(n->now.left[limit]) * use / (n->radius * n->temperature);
    return n->now.diagonal[limit] * (1.0 + n->damping) + within + 1e-12 * highest + 1e-300;
}

static double highest_of(const struct newton *n, int kind)
{
    double highest = 0.0;
    for (int64_t g = 0; g < n->cells->kind[kind].groups; g++)
        highest = fmax(highest, n->now.diagonal[n->now.layout.first[kind] + g]);
    return highest;
}

static void mark_free(struct newton *n)
{
    for (int64_t r = 0; r < n->now.layout.limits; r++)
        n->free[r] = isfinite(n->now.left[r]) && (n->price[r] > 0.0 || n->now.left[r] < 0.0);
}

/* Rows and columns of limits that stay where they are become those of the identity. */
static void load_narrow(struct newton *n)
{
    const struct knapsack_layout *l = &n->now.layout;
    memcpy(n->schur, n->now.dense, (size_t)(l->narrow * l->narrow) * sizeof *n->schur);
    for (int d = 0; d < n->cells->kinds; d++) {
        if (l->narrow_at[d] < 0) continue;
        double highest = highest_of(n, d);
        for (int64_t g = 0; g < n->cells->kind[d].groups; g++) {
            int64_t at = l->narrow_at[d] + g, limit = l->first[d] + g;
            n->side[at] = n->free[limit] ? -n->now.left[limit] : 0.0;
            if (n->free[limit]) {
                n->schur[at * (l->narrow + 1)] = damped(n, d, limit, highest);
                continue;
            }
            for (int64_t j = 0; j < l->narrow; j++)
                n->schur[at * l->narrow + j] = n->schur[j * l->narrow + at] = 0.0;
            n->schur[at * (l->narrow + 1)] = 1.0;
        }
    }
}

static bool narrow_is_free(const struct newton *n, int64_t *limit_of)
{
    const struct knapsack_layout *l = &n->now.layout;
    for (int d = 0; d < n->cells->kinds; d++)
        for (int64_t g = 0; l->narrow_at[d] >= 0 && g < n->cells->kind[d].groups; g++)
            limit_of[l->narrow_at[d] + g] = l->first[d] + g;
    return l->narrow > 0;
}

/* Take each free wide limit out of the narrow ones' equations. */
static void eliminate_wide(struct newton *n, const int64_t *limit_of)
{
    const struct knapsack_layout *l = &n->now.layout;
    for (int d = 0; d < n->cells->kinds; d++) {
        if (l->narrow_at[d] >= 0) continue;
        double highest = highest_of(n, d);
        for (int64_t g = 0; g < n->cells->kind[d].groups; g++) {
            int64_t limit = l->first[d] + g;
            if (!n->free[limit]) continue;
            const double *row = n->now.cross + l->cross_first[d] + g * l->narrow;
            double inverse = 1.0 / damped(n, d, limit, highest);
            for (int64_t i = 0; i < l->narrow; i++) {
                if (row[i] == 0.0 || !n->free[limit_of[i]]) continue;
                double part = row[i] * inverse;
                n->side[i] += part * n->now.left[limit];
                for (int64_t j = 0; j < l->narrow; j++)
                    if (n->free[limit_of[j]]) n->schur[i * l->narrow + j] -= part * row[j];
            }
        }
    }
}

static void recover_wide(struct newton *n, const int64_t *limit_of)
{
    const struct knapsack_layout *l = &n->now.layout;
    for (int d = 0; d < n->cells->kinds; d++) {
        if (l->narrow_at[d] >= 0) continue;
        double highest = highest_of(n, d);
        for (int64_t g = 0; g < n->cells->kind[d].groups; g++) {
            int64_t limit = l->first[d] + g;
            const double *row = n->now.cross + l->cross_first[d] + g * l->narrow;
            double side = -n->now.left[limit];
            n->step[limit] = 0.0;
            if (!n->free[limit]) continue;
            for (int64_t i = 0; i < l->narrow; i++)
                if (n->free[limit_of[i]]) side -= row[i] * n->side[i];
            n->step[limit] = side / damped(n, d, limit, highest);
        }
    }
    for (int64_t i = 0; i < l->narrow; i++)
        n->step[limit_of[i]] = n->free[limit_of[i]] ? n->side[i] : 0.0;
}

/* step = -(C + damping)^-1 gradient; false where the matrix is not definite to rounding. */
static bool solve_step(struct newton *n, int64_t *limit_of)
{
    mark_free(n);
    load_narrow(n);
    bool any = narrow_is_free(n, limit_of);
    eliminate_wide(n, limit_of);
    if (any && !definite_solve(n->schur, n->now.layout.narrow, n->now.layout.narrow, n->side))
        return false;
    recover_wide(n, limit_of);
    return true;
}

/* What the linear part promises: half of gradient x step. */
static double promised(const struct newton *n)
{
    double sum = 0.0;
    for (int64_t r = 0; r < n->now.layout.limits; r++)
        if (n->free[r]) sum -= 0.5 * n->now.left[r] * (n->trial[r] - n->price[r]);
    return sum;
}

/* The same of the step as it is, beyond what the core tells of too. */
static double wanted(const struct newton *n)
{
    double sum = 0.0;
    for (int64_t r = 0; r < n->now.layout.limits; r++)
        if (n->free[r])
            sum -= 0.5 * n->now.left[r] * (fmax(0.0, n->price[r] + n->step[r]) - n->price[r]);
    return sum;
}

static void set_trial(struct newton *n)
{
    for (int64_t r = 0; r < n->now.layout.limits; r++) {
        double low = n->core != NULL ? n->core->low[r] : 0.0;
        double high = n->core != NULL ? n->core->high[r] : INFINITY;
        n->trial[r] = fmin(fmax(low, n->price[r] + n->step[r]), high);
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
    double last = BLUR_LAST * roughness(n->cells);
    return n->now.blur <= fmax(BLUR_LEAST, last * fabs(n->now.dual));
}

static double enough(const struct newton *n)
{
    if (n->core != NULL) return n->enough;
    return (is_cold(n) && !n->cells->rough ? GAIN_LAST : GAIN_ENOUGH) * n->now.blur;
}

enum descent { SETTLED, UNSETTLED, UNBOUNDED };

/* Steps at one temperature. UNBOUNDED: the dual fell under lowest. */
static enum descent descend(const struct comm *comm, struct newton *n, double lowest, int steps,
                            int64_t *limit_of, double *passes)
{
    enum descent end = UNSETTLED;
    if (!n->looked) look(comm, n, n->price, &n->now, passes);
    n->looked = false;
    for (int i = 0; i < steps && n->damping < DAMPING_MOST && end == UNSETTLED; i++) {
        if (n->now.dual < lowest) return UNBOUNDED;
        if (!solve_step(n, limit_of)) {
            n->damping = fmax(10.0 * n->damping, 1e-6);
            continue;
        }
        set_trial(n);
        double hoped = promised(n);
        n->hoped = wanted(n);
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

/* Prices that are known already, of users with caps: whether a few steps at the last temperature
 * settle them. That is found from a small sample, as the blur falls with the square of it. */
static bool resume_all(const struct comm *comm, struct newton *n, double lowest, int64_t *limit_of,
                       double *passes)
{
    n->every = n->scale->slots / SAMPLE_WARM + 1;
    look(comm, n, n->price, &n->now, passes);
    double wanted = BLUR_CAPPED * fabs(n->now.dual);
    if (!(n->now.blur > 0.0) || !(wanted > 0.0)) return false;
    n->temperature *= fmin(1.0, sqrt(wanted / n->now.blur));
    n->every = 1;
    for (;; n->temperature *= COOLING) {
        enum descent end = descend(comm, n, lowest, STEPS_WARM, limit_of, passes);
        if (end == UNBOUNDED || !(n->hoped < n->now.blur)) return false;
        if (is_cold(n)) return true;
    }
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
        n->temperature /= COOLING * COOLING;
        n->damping = DAMPING_FIRST;
    }
done:
    free(before);
    return status;
}

enum status knapsack_prices_find(const struct comm *comm, const struct knapsack_cells *cells,
                                 const struct knapsack_scale *scale, double lowest, double *price,
                                 double *passes, int64_t *looks, bool *proven)
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
    if (knapsack_limits(cells) == 0) return OK;
    TRY_ALL(comm, newton_init(&n));
    TRY_ALL(comm, memory_new(&limit_of, n.now.layout.narrow, sizeof *limit_of));
    for (int64_t r = 0; r < n.now.layout.limits; r++) warm = warm || price[r] > 0.0;
    n.temperature = TEMPERATURE_FIRST * scale->value * (warm ? COOLING * COOLING : 1.0);
    if (warm && cells->caps > 0 && resume_all(comm, &n, lowest, limit_of, passes)) goto done;
    if (warm) n.temperature = TEMPERATURE_FIRST * scale->value * COOLING * COOLING;
    TRY(ladder(comm, &n, lowest, limit_of, passes, proven));
done:
    *looks += n.looks;
    newton_clear(&n);
    free(limit_of);
    return status;
}

/* The higher the temperature, the farther a step sees: where the first one would change more than
 * smoothing shows, it is raised. */
static void heat(const struct comm *comm, struct newton *n, int64_t *limit_of, double *passes)
{
    for (int i = 0;; i++) {
        look(comm, n, n->price, &n->now, passes);
        n->radius = RADIUS_MOST;
        if (i == HEATS_MOST || !solve_step(n, limit_of)) break;
        set_trial(n);
        if (promised(n) <= HEAT_ENOUGH * n->now.blur) break;
        n->temperature *= HEATING;
    }
    n->radius = RADIUS_KEPT;
    n->looked = true;
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

enum status knapsack_prices_resume(const struct comm *comm, const struct knapsack_core *core,
                                   const struct knapsack_scale *scale, double dual, double *price,
                                   double *passes, int64_t *looks, struct knapsack_resumed *end)
{
    enum status status = OK;
    struct newton n = {.cells = &core->cells,
                       .core = core,
                       .scale = scale,
                       .price = price,
                       .damping = DAMPING_WARM,
                       .every = 1,
                       .share = core->share,
                       .rest = (double)core->rest};
    int64_t *limit_of = NULL;
    *end = (struct knapsack_resumed){0};
    TRY_ALL(comm, newton_init(&n));
    TRY_ALL(comm, memory_new(&limit_of, n.now.layout.narrow, sizeof *limit_of));
    double waste = fmin(BLUR_WASTE * waste_of(core, price), BLUR_MOST * fabs(dual));
    double warm = BLUR_WARM * roughness(&core->cells);
    double near = fmax(fmax(BLUR_LEAST, warm * fabs(dual)), waste);
    n.enough = GAIN_WARM * near;
    double last = n.temperature = knapsack_core_temperature(core, near);
    heat(comm, &n, limit_of, passes);
    for (;; n.temperature = fmax(last, COOLING * n.temperature)) {
        int64_t left = LOOKS_WARM - n.looks - (n.temperature > last);
        int steps = left < STEPS_WARM ? (int)left : STEPS_WARM;
        descend(comm, &n, -INFINITY, steps, limit_of, passes);
        if (n.temperature <= last) break;
        if (n.looks + 2 >= LOOKS_WARM) n.temperature = last;
    }
    end->wanted = n.hoped;
    end->settled = n.hoped <= RESUME_ENOUGH * fmax(near, n.now.blur);
done:
    *looks += n.looks;
    newton_clear(&n);
    free(limit_of);
    return status;
}
