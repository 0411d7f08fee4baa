/* Newton's method on exact sums, with coefficients that may stay at zero. */
#include "algorithms/logistic.h"

#include "algorithms/definite.h"
#include "algorithms/loss.h"
#include "mpi/exact.h"

#include <math.h>
#include <string.h>

enum { MOST = LOGISTIC_COLUMNS_MAX, HALVINGS = 30 };

/* A coefficient is found when Newton's step moves it by less than this. */
#define STEP_SMALL 1e-9

/* Of a ridge that keeps the curvature from being singular, as part of its diagonal. */
#define JITTER 1e-10

/* Value, slope and curvature of the mean loss at a point. */
struct local {
    double loss;
    double slope[MOST];
    double curvature[MOST * MOST]; /* [columns][columns] */
};

struct search {
    const struct logistic_rows *rows;
    const struct logistic_options *opt;
    double start[MOST];
    double weight; /* sum over rows */
    struct exact_sums sums;
    bool free[MOST]; /* not held at zero */
};

static int64_t width_of(int64_t columns)
{
    return 2 + columns + columns * (columns + 1) / 2;
}

/* ---- sums over rows ---- */

/* One row's part of [weight, loss, slope[columns], curvature upper triangle]. */
static void add_row(const struct logistic_rows *rows, int64_t i, const double *c, double *sum)
{
    double x[MOST];
    double weight = rows->weight != NULL ? (double)rows->weight[i] : 1.0, y = (double)rows->y[i];
    double z = rows->row(rows->context, i, x);
    for (int64_t j = 0; j < rows->columns; j++) z += c[j] * x[j];
    double p = loss_sigmoid(z), bend = weight * p * (1.0 - p), off = weight * (p - y);
    sum[0] += weight;
    sum[1] += weight * (loss_softplus(z) - y * z);
    double *slope = sum + 2, *curvature = slope + rows->columns;
    for (int64_t j = 0; j < rows->columns; j++) {
        slope[j] += off * x[j];
        for (int64_t k = j; k < rows->columns; k++) *curvature++ += bend * x[j] * x[k];
    }
}

static void add_penalty(const struct search *s, const double *c, struct local *at)
{
    int64_t columns = s->rows->columns;
    for (int64_t j = 0; j < columns && s->opt->ridge != NULL; j++) {
        double ridge = s->opt->ridge[j] / s->weight, far = c[j] - s->start[j];
        at->loss += ridge / 2 * far * far;
        at->slope[j] += ridge * far;
        at->curvature[j * columns + j] += ridge;
    }
}

/* Sums as means. */
static void settle(struct search *s, struct local *at)
{
    double sum[2 + MOST + MOST * (MOST + 1) / 2];
    int64_t columns = s->rows->columns;
    exact_get_all(&s->sums, 0, sum, width_of(columns));
    s->weight = sum[0];
    double each = s->weight > 0.0 ? 1.0 / s->weight : 0.0;
    const double *slope = sum + 2, *curvature = slope + columns;
    at->loss = sum[1] * each;
    for (int64_t j = 0; j < columns; j++) {
        at->slope[j] = slope[j] * each;
        for (int64_t k = j; k < columns; k++)
            at->curvature[j * columns + k] = at->curvature[k * columns + j] = *curvature++ * each;
    }
}

static enum status evaluate(const struct comm *comm, struct search *s, const double *c,
                            struct local *at)
{
    enum status status = OK;
    const struct logistic_rows *rows = s->rows;
    const struct blocks *blocks = rows->blocks;
    double partial[2 + MOST + MOST * (MOST + 1) / 2];
    int64_t width = width_of(rows->columns);
    exact_reset(&s->sums);
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        memset(partial, 0, (size_t)width * sizeof *partial);
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++)
            if (rows->skip == NULL || rows->skip[i] == 0) add_row(rows, i, c, partial);
        exact_add(&s->sums, 0, partial, width);
    }
    TRY(exact_reduce(comm, &s->sums));
    settle(s, at);
done:
    return status;
}

/* ---- steps ---- */

static bool bounded(const struct search *s, int64_t j)
{
    return s->opt->not_negative != NULL && s->opt->not_negative[j];
}

/* A coefficient at its bound stays there while the loss would fall beyond it. */
static void choose_free(struct search *s, const double *c, const struct local *at)
{
    for (int64_t j = 0; j < s->rows->columns; j++)
        s->free[j] = !(bounded(s, j) && c[j] <= 0.0 && at->slope[j] >= 0.0);
}

/* Newton's step of the free coefficients. */
static bool find_step(const struct search *s, const struct local *at, double *step)
{
    double a[MOST * MOST], b[MOST];
    int64_t columns = s->rows->columns, at_row = 0;
    int64_t place[MOST];
    for (int64_t j = 0; j < columns; j++)
        if (s->free[j]) place[at_row++] = j;
    for (int64_t j = 0; j < at_row; j++) {
        b[j] = -at->slope[place[j]];
        for (int64_t k = 0; k < at_row; k++)
            a[j * at_row + k] = at->curvature[place[j] * columns + place[k]];
        a[j * at_row + j] += JITTER * a[j * at_row + j] + 1e-300;
    }
    memset(step, 0, (size_t)columns * sizeof *step);
    if (!definite_solve(a, at_row, at_row, b)) return false;
    for (int64_t j = 0; j < at_row; j++) step[place[j]] = b[j];
    return true;
}

/* c + part * step within the bounds; returns how far the farthest went. */
static double go(const struct search *s, const double *c, const double *step, double part,
                 double *to)
{
    double far = 0.0;
    for (int64_t j = 0; j < s->rows->columns; j++) {
        to[j] = c[j] + part * step[j];
        if (bounded(s, j) && to[j] < 0.0) to[j] = 0.0;
        far = fmax(far, fabs(to[j] - c[j]));
    }
    return far;
}

/* Move downhill; `moved` is how far, infinite if no way down is found. */
static enum status walk(const struct comm *comm, struct search *s, double *c, struct local *at,
                        double *moved)
{
    enum status status = OK;
    double step[MOST], to[MOST] = {0};
    *moved = (double)INFINITY;
    choose_free(s, c, at);
    if (!find_step(s, at, step)) goto done;
    double part = 1.0;
    for (int64_t h = 0; h < HALVINGS; h++, part /= 2) {
        struct local there;
        double far = go(s, c, step, part, to);
        comm_broadcast(comm, to, (int64_t)sizeof to, 0);
        comm_broadcast(comm, &far, (int64_t)sizeof far, 0);
        if (far <= STEP_SMALL) *moved = far;
        if (far <= STEP_SMALL) break;
        TRY(evaluate(comm, s, to, &there));
        add_penalty(s, to, &there);
        if (!(there.loss <= at->loss)) continue;
        *moved = far;
        *at = there;
        memcpy(c, to, (size_t)s->rows->columns * sizeof *c);
        break;
    }
done:
    return status;
}

static enum status minimise(const struct comm *comm, struct search *s, double *c,
                            struct logistic_result *result)
{
    enum status status = OK;
    struct local at = {0};
    TRY(evaluate(comm, s, c, &at));
    add_penalty(s, c, &at);
    for (double moved = 0.0; result->iterations < s->opt->max_iterations && s->weight > 0.0;) {
        result->iterations++;
        TRY(walk(comm, s, c, &at, &moved));
        result->converged = moved <= STEP_SMALL;
        if (result->converged || isinf(moved)) break;
    }
    TRY(evaluate(comm, s, c, &at));
    result->weight = s->weight;
    result->loss = at.loss;
    memcpy(result->curvature, at.curvature, sizeof at.curvature);
done:
    return status;
}

enum status logistic_fit(const struct comm *comm, const struct logistic_rows *rows,
                         const struct logistic_options *opt, double *coefficient,
                         struct logistic_result *result)
{
    enum status status = OK;
    struct search search = {.rows = rows, .opt = opt};
    *result = (struct logistic_result){0};
    if (rows->columns < 1 || rows->columns > MOST)
        return FAIL(ERR_ARG, "a logistic regression on %lld columns; give 1 to %d",
                    (long long)rows->columns, MOST);
    memcpy(search.start, coefficient, (size_t)rows->columns * sizeof *coefficient);
    TRY_ALL(comm, exact_init(&search.sums, width_of(rows->columns)));
    TRY(minimise(comm, &search, coefficient, result));
done:
    exact_clear(&search.sums);
    return status;
}
