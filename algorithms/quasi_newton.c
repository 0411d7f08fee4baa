/* BFGS with a bracketing line search. */
#include "algorithms/quasi_newton.h"

#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_STEPS = 60 };

#define DECREASE 1e-4 /* of the value that the slope promises, at least */
#define CURVATURE 0.9 /* of the slope may be left */
#define NOISE 4e-15   /* of the value: the rounding in sums that decide nothing */

struct point {
    double *x;               /* [n] */
    double *both, *gradient; /* [n + 1] the value and behind it the gradient */
    double value;
};

struct search {
    quasi_newton_function *function;
    void *context;
    int n;
    const struct quasi_newton_options *opt;
    double *inverse; /* [n][n] approximate inverse of the second derivatives */
    bool fresh;      /* inverse is the identity: not scaled yet */
    bool near;       /* the next step would gain next to nothing */
    int64_t evaluations;
    struct point at, next;
    double *direction, *step, *change, *mapped; /* [n] */
};

static enum status point_init(int64_t n, struct point *point)
{
    enum status status = OK;
    TRY(memory_new(&point->x, n, sizeof *point->x));
    TRY(memory_new(&point->both, n + 1, sizeof *point->both));
    point->gradient = point->both + 1;
done:
    return status;
}

static enum status search_init(int64_t n, struct search *s)
{
    enum status status = OK;
    s->n = (int)n;
    TRY(memory_new(&s->inverse, n * n, sizeof *s->inverse));
    TRY(memory_new(&s->direction, 4 * n, sizeof *s->direction));
    s->step = s->direction + n;
    s->change = s->step + n;
    s->mapped = s->change + n;
    TRY(point_init(n, &s->at));
    TRY(point_init(n, &s->next));
done:
    return status;
}

static void search_clear(struct search *s)
{
    free(s->inverse);
    free(s->direction);
    free(s->at.x);
    free(s->at.both);
    free(s->next.x);
    free(s->next.both);
}

static double dot(int n, const double *a, const double *b)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static double largest(int n, const double *a)
{
    double most = 0.0;
    for (int i = 0; i < n; i++) most = fabs(a[i]) > most ? fabs(a[i]) : most;
    return most;
}

/* Rank 0's value and gradient count: what follows is the same arithmetic everywhere. */
static enum status evaluate(const struct comm *comm, struct search *s, struct point *point)
{
    enum status status = OK;
    TRY(s->function(comm, s->context, point->x, point->both, point->gradient));
    comm_broadcast(comm, point->both, (s->n + 1) * (int64_t)sizeof *point->both, 0);
    point->value = point->both[0];
    for (int i = 0; i < s->n && isfinite(point->value); i++)
        if (!isfinite(point->gradient[i])) point->value = INFINITY;
    s->evaluations++;
done:
    return status;
}

static void forget(struct search *s)
{
    memset(s->inverse, 0, (size_t)s->n * (size_t)s->n * sizeof *s->inverse);
    for (int64_t i = 0; i < s->n; i++) s->inverse[i * s->n + i] = 1.0;
    s->fresh = true;
}

/* Begin with the second derivatives of another walk. */
static void recall(struct search *s)
{
    const double *known = s->opt->inverse;
    forget(s);
    for (int64_t i = 0; i < s->n && known != NULL; i++)
        if (!(known[i * s->n + i] > 0.0)) return;
    if (known == NULL) return;
    memcpy(s->inverse, known, (size_t)s->n * (size_t)s->n * sizeof *known);
    s->fresh = false;
}

/* direction = -inverse gradient, no component beyond step_max; steepest descent where that does not
 * go down. Returns the slope along it. */
static double choose_direction(struct search *s)
{
    const double *gradient = s->at.gradient;
    double slope = 0.0, *direction = s->direction;
    for (int again = 0; again < 2; again++) {
        for (int64_t i = 0; i < s->n; i++)
            direction[i] = -dot(s->n, s->inverse + i * s->n, gradient);
        double length = largest(s->n, direction), limit = s->fresh ? 0.5 : s->opt->step_max;
        for (int i = 0; i < s->n && length > limit; i++) direction[i] *= limit / length;
        slope = dot(s->n, direction, gradient);
        if (slope < 0.0) break;
        forget(s);
    }
    return slope;
}

/* A step to a point that is low enough and less steep; *found false if there is none. */
static enum status search_line(const struct comm *comm, struct search *s, double slope, bool *found)
{
    enum status status = OK;
    const struct point *from = &s->at;
    const double *direction = s->direction;
    struct point *to = &s->next;
    double step = 1.0, low = 0.0, high = INFINITY;
    double length = largest(s->n, direction), noise = NOISE * fabs(from->value);
    *found = false;
    for (int k = 0; k < LINE_STEPS && !*found; k++) {
        for (int i = 0; i < s->n; i++) to->x[i] = from->x[i] + step * direction[i];
        TRY(evaluate(comm, s, to));
        bool lower = to->value <= from->value + DECREASE * step * slope + noise; /* not for NaN */
        bool farthest = step * length >= s->opt->step_max;
        if (!lower)
            high = step;
        else if (dot(s->n, to->gradient, direction) < CURVATURE * slope && !farthest)
            low = step;
        else
            *found = true;
        step = isinf(high) ? fmin(2.0 * step, s->opt->step_max / length) : 0.5 * (low + high);
    }
done:
    return status;
}

/* inverse += what makes it map the change of the gradient to the step (BFGS) */
static void update(struct search *s)
{
    double *step = s->step, *change = s->change, *mapped = s->mapped;
    int n = s->n;
    for (int i = 0; i < n; i++) {
        step[i] = s->next.x[i] - s->at.x[i];
        change[i] = s->next.gradient[i] - s->at.gradient[i];
    }
    double curvature = dot(n, step, change), square = dot(n, change, change);
    if (!(curvature > 1e-12 * sqrt(square * dot(n, step, step)))) return;
    for (int64_t i = 0; i < n && s->fresh; i++) s->inverse[i * n + i] = curvature / square;
    s->fresh = false;
    for (int64_t i = 0; i < n; i++) mapped[i] = dot(n, s->inverse + i * n, change);
    double weight = (1.0 + dot(n, change, mapped) / curvature) / curvature;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            s->inverse[i * n + j] += weight * step[i] * step[j] -
                                     (mapped[i] * step[j] + step[i] * mapped[j]) / curvature;
}

/* One iteration; *moved false where no direction leads down any more. */
static enum status iterate(const struct comm *comm, struct search *s, bool *moved)
{
    enum status status = OK;
    *moved = false;
    for (int again = 0; again < 2 && !*moved; again++) {
        if (again > 0) forget(s);
        double slope = choose_direction(s);
        s->near = !s->fresh && -0.5 * slope < s->opt->decrease;
        if (!(slope < 0.0) || s->near) break;
        TRY(search_line(comm, s, slope, moved));
    }
    if (*moved) {
        update(s);
        struct point left = s->at;
        s->at = s->next;
        s->next = left;
    }
done:
    return status;
}

static void report(const struct search *s, struct quasi_newton_result *result)
{
    if (s->opt->inverse != NULL && !s->fresh)
        memcpy(s->opt->inverse, s->inverse, (size_t)s->n * (size_t)s->n * sizeof *s->inverse);
    result->value = s->at.value;
    result->gradient_max = largest(s->n, s->at.gradient);
    result->evaluations = s->evaluations;
    result->converged =
        isfinite(s->at.value) && (s->near || result->gradient_max <= s->opt->tolerance);
}

enum status quasi_newton_minimise(const struct comm *comm, quasi_newton_function *function,
                                  void *context, int64_t variables,
                                  const struct quasi_newton_options *opt, double *x,
                                  struct quasi_newton_result *result)
{
    enum status status = OK;
    struct search s = {.function = function, .context = context, .opt = opt};
    bool moved = true;
    *result = (struct quasi_newton_result){0};
    if (variables < 1 || variables > QUASI_NEWTON_VARIABLES)
        return FAIL(ERR_ARG, "%" PRId64 " variables; the minimiser takes 1 to %d", variables,
                    QUASI_NEWTON_VARIABLES);
    TRY_ALL(comm, search_init(variables, &s));
    recall(&s);
    memcpy(s.at.x, x, (size_t)variables * sizeof *x);
    TRY(evaluate(comm, &s, &s.at));
    while (isfinite(s.at.value) && moved && largest(s.n, s.at.gradient) > opt->tolerance &&
           result->iterations < opt->max_iterations) {
        TRY(iterate(comm, &s, &moved));
        result->iterations += moved;
    }
    memcpy(x, s.at.x, (size_t)variables * sizeof *x);
    report(&s, result);
done:
    search_clear(&s);
    return status;
}
