/* BFGS with a bracketing line search. */
#include "algorithms/quasi_newton.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { N = QUASI_NEWTON_VARIABLES, LINE_STEPS = 60 };

#define DECREASE 1e-4 /* of the value that the slope promises, at least */
#define CURVATURE 0.9 /* of the slope may be left */
#define NOISE 4e-15   /* of the value: the rounding in sums that decide nothing */

struct point {
    double x[N], gradient[N];
    double value;
};

struct search {
    quasi_newton_function *function;
    void *context;
    int n;
    const struct quasi_newton_options *opt;
    double inverse[N][N]; /* approximate inverse of the second derivatives */
    bool fresh;           /* inverse is the identity: not scaled yet */
    int64_t evaluations;
};

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
    double both[N + 1] = {0}; /* the value comes first */
    enum status status = OK;
    TRY(s->function(comm, s->context, point->x, both, both + 1));
    comm_broadcast(comm, both, (s->n + 1) * (int64_t)sizeof *both, 0);
    memcpy(point->gradient, both + 1, sizeof point->gradient);
    point->value = both[0];
    for (int i = 0; i < s->n && isfinite(point->value); i++)
        if (!isfinite(point->gradient[i])) point->value = INFINITY;
    s->evaluations++;
done:
    return status;
}

static void forget(struct search *s)
{
    memset(s->inverse, 0, sizeof s->inverse);
    for (int i = 0; i < s->n; i++) s->inverse[i][i] = 1.0;
    s->fresh = true;
}

/* direction = -inverse gradient, no component beyond step_max; steepest descent where that does not
 * go down. Returns the slope along it. */
static double choose_direction(struct search *s, const struct point *at, double *direction)
{
    double slope = 0.0;
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < s->n; i++) direction[i] = -dot(s->n, s->inverse[i], at->gradient);
        double length = largest(s->n, direction), limit = s->fresh ? 0.5 : s->opt->step_max;
        for (int i = 0; i < s->n && length > limit; i++) direction[i] *= limit / length;
        slope = dot(s->n, direction, at->gradient);
        if (slope < 0.0) break;
        forget(s);
    }
    return slope;
}

/* A step to a point that is low enough and less steep; *found false if there is none. */
static enum status search_line(const struct comm *comm, struct search *s, const struct point *from,
                               const double *direction, double slope, struct point *to, bool *found)
{
    enum status status = OK;
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
static void update(struct search *s, const struct point *from, const struct point *to)
{
    double step[N], change[N], mapped[N];
    int n = s->n;
    for (int i = 0; i < n; i++) {
        step[i] = to->x[i] - from->x[i];
        change[i] = to->gradient[i] - from->gradient[i];
    }
    double curvature = dot(n, step, change), square = dot(n, change, change);
    if (!(curvature > 1e-12 * sqrt(square * dot(n, step, step)))) return;
    for (int i = 0; i < n && s->fresh; i++) s->inverse[i][i] = curvature / square;
    s->fresh = false;
    for (int i = 0; i < n; i++) mapped[i] = dot(n, s->inverse[i], change);
    double weight = (1.0 + dot(n, change, mapped) / curvature) / curvature;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            s->inverse[i][j] += weight * step[i] * step[j] -
                                (mapped[i] * step[j] + step[i] * mapped[j]) / curvature;
}

/* One iteration; *moved false where no direction leads down any more. */
static enum status iterate(const struct comm *comm, struct search *s, struct point *at, bool *moved)
{
    enum status status = OK;
    struct point next = *at;
    double direction[N] = {0};
    *moved = false;
    for (int again = 0; again < 2 && !*moved; again++) {
        if (again > 0) forget(s);
        double slope = choose_direction(s, at, direction);
        if (!(slope < 0.0)) break;
        TRY(search_line(comm, s, at, direction, slope, &next, moved));
    }
    if (*moved) {
        update(s, at, &next);
        *at = next;
    }
done:
    return status;
}

enum status quasi_newton_minimise(const struct comm *comm, quasi_newton_function *function,
                                  void *context, int64_t variables,
                                  const struct quasi_newton_options *opt, double *x,
                                  struct quasi_newton_result *result)
{
    enum status status = OK;
    struct search s = {.function = function, .context = context, .opt = opt};
    struct point at = {0};
    bool moved = true;
    *result = (struct quasi_newton_result){0};
    if (variables < 1 || variables > N)
        TRY(FAIL(ERR_ARG, "%" PRId64 " variables; the minimiser takes 1 to %d", variables, N));
    s.n = (int)variables;
    forget(&s);
    memcpy(at.x, x, (size_t)variables * sizeof *x);
    TRY(evaluate(comm, &s, &at));
    while (isfinite(at.value) && moved && largest(s.n, at.gradient) > opt->tolerance &&
           result->iterations < opt->max_iterations) {
        TRY(iterate(comm, &s, &at, &moved));
        result->iterations += moved;
    }
    memcpy(x, at.x, (size_t)variables * sizeof *x);
    result->value = at.value;
    result->gradient_max = largest(s.n, at.gradient);
    result->evaluations = s.evaluations;
    result->converged = isfinite(at.value) && result->gradient_max <= opt->tolerance;
done:
    return status;
}
