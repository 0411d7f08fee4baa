/* Maximum likelihood of an inverse chi-squared prior of variances. */
#include "algorithms/variance_prior.h"

#include "algorithms/quasi_newton.h"
#include "algorithms/special.h"
#include "mpi/exact.h"

#include <math.h>

/* Degrees of freedom of the prior are within e^-14 and e^14; at the upper end they are as good as
 * infinite. */
#define LOG_FREEDOM_MOST 14.0
#define LEAST_PART 1e-16 /* of the mean variance: what a perfect fit counts as */

struct problem {
    const double *square;
    const int64_t *freedom;
    int64_t units, with; /* here; with a degree of freedom, over all ranks */
    double scale;        /* mean variance */
    struct exact_sums sums;
};

static double freedom_at(double x)
{
    return exp(LOG_FREEDOM_MOST * tanh(x / LOG_FREEDOM_MOST));
}

/* Log-likelihood of one unit and its slopes in log variance and log freedom, for half the prior's
 * freedom a and half its sum of squares b. */
static void add_unit(struct problem *p, int64_t i, double a, double b)
{
    double h = 0.5 * (double)p->freedom[i];
    double square = fmax(p->square[i] / p->scale, LEAST_PART * (double)p->freedom[i]);
    double part = 0.5 * square / b, log_part = log1p(part);
    double slope_b = -h + (a + h) * part / (1.0 + part);
    exact_add_one(&p->sums, 0, special_log_rise(a, h) - h * log(b) - (a + h) * log_part);
    exact_add_one(&p->sums, 1, slope_b);
    exact_add_one(&p->sums, 2, a * (special_digamma_rise(a, h) - log_part) + slope_b);
}

static enum status evaluate(const struct comm *comm, void *context, const double *x, double *value,
                            double *gradient)
{
    enum status status = OK;
    struct problem *p = context;
    double a = 0.5 * freedom_at(x[1]), b = a * exp(x[0]);
    double inner = tanh(x[1] / LOG_FREEDOM_MOST), units = (double)p->with;
    if (fabs(x[0]) > 60.0) {
        *value = INFINITY;
        return OK;
    }
    exact_reset(&p->sums);
    for (int64_t i = 0; i < p->units; i++)
        if (p->freedom[i] > 0) add_unit(p, i, a, b);
    TRY(exact_reduce(comm, &p->sums));
    *value = -exact_get(&p->sums, 0) / units;
    gradient[0] = -exact_get(&p->sums, 1) / units;
    gradient[1] = -exact_get(&p->sums, 2) / units * (1.0 - inner * inner);
done:
    return status;
}

/* The mean variance: sums of squares over degrees of freedom. */
static enum status find_scale(const struct comm *comm, struct problem *p)
{
    enum status status = OK;
    int64_t count[2] = {0, 0};
    double most = 0;
    for (int64_t i = 0; i < p->units; i++) {
        if (p->freedom[i] < 1) continue;
        count[0]++;
        count[1] += p->freedom[i];
        most = fmax(most, p->square[i]);
    }
    comm_sum_int64(comm, count, 2);
    comm_max_double(comm, &most, 1);
    p->with = count[0];
    if (p->with == 0 || most == 0.0) return OK;
    exact_reset(&p->sums);
    for (int64_t i = 0; i < p->units; i++)
        if (p->freedom[i] > 0) exact_add_one(&p->sums, 0, p->square[i] / most);
    TRY(exact_reduce(comm, &p->sums));
    p->scale = most * (exact_get(&p->sums, 0) / (double)count[1]);
done:
    return status;
}

enum status variance_prior_fit(const struct comm *comm, const double *square,
                               const int64_t *freedom, int64_t units, struct variance_prior *prior)
{
    enum status status = OK;
    struct problem p = {.square = square, .freedom = freedom, .units = units};
    struct quasi_newton_options options = QUASI_NEWTON_DEFAULTS;
    struct quasi_newton_result result;
    double x[2] = {0.0, log(4.0)};
    *prior = (struct variance_prior){.variance = NAN};
    options.max_iterations = 100;
    TRY_ALL(comm, exact_init(&p.sums, 3));
    TRY(find_scale(comm, &p));
    if (p.with > 0) *prior = (struct variance_prior){p.scale, INFINITY, p.with};
    if (p.with < 2 || p.scale == 0.0) goto done;
    TRY(quasi_newton_minimise(comm, evaluate, &p, 2, &options, x, &result));
    *prior = (struct variance_prior){p.scale * exp(x[0]), freedom_at(x[1]), p.with};
done:
    exact_clear(&p.sums);
    return status;
}

/* The mean of the posterior, not its most likely value: it is what an estimate's squared error is
 * on average. With under 4 degrees of freedom in all the mean would grow without bound: then it is
 * twice the most likely value. */
double variance_prior_apply(const struct variance_prior *prior, double square, int64_t freedom)
{
    if (isinf(prior->freedom)) return prior->variance;
    double of_unit = freedom > 0 ? square : 0.0, count = freedom > 0 ? (double)freedom : 0.0;
    double all = prior->freedom + count, less = fmax(all - 2.0, 0.5 * all);
    return (prior->freedom * prior->variance + of_unit) / less;
}
