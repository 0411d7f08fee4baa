/* BG/NBD: likelihood, gradient, fit. */
#include "algorithms/bgnbd.h"

#include "algorithms/distinct.h"
#include "algorithms/quasi_newton.h"
#include "algorithms/special.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* the sums of one evaluation: the log-likelihood and its derivatives by the logs of r, alpha, a, b
 */
enum { R, ALPHA, A, B, PARAMETERS, LIKELIHOOD = PARAMETERS, SUMS };

const char *bgnbd_fault(const struct bgnbd_customer *customer)
{
    double x = customer->frequency;
    if (!isfinite(x) || !isfinite(customer->recency) || !isfinite(customer->age))
        return "is not a finite number in every place";
    if (x < 0.0 || x != floor(x) || x > 1e9)
        return "needs a frequency that is a whole number of repeat purchases, 0 for who bought "
               "once";
    if (customer->recency < 0.0) return "has a recency below 0";
    if (customer->age < 0.0) return "has an age below 0";
    if (customer->recency > customer->age)
        return "has a recency above the age: recency is the time from the first purchase to the "
               "last, age that from the first purchase to now";
    if (x == 0.0 && customer->recency > 0.0)
        return "has a recency above 0 without a repeat purchase: frequency counts purchases after "
               "the first";
    return NULL;
}

/* ---- likelihood ---- */

/* What depends on the parameters and the frequency alone: log rises and digamma rises of r, b and
 * a + b by the frequency. */
struct by_frequency {
    double frequency;
    double likelihood, r, b, ab;
};

static void take_frequency(const double *p, double x, struct by_frequency *f)
{
    f->frequency = x;
    f->likelihood =
        special_log_rise(p[R], x) + special_log_rise(p[B], x) - special_log_rise(p[A] + p[B], x);
    f->r = special_digamma_rise(p[R], x);
    f->b = special_digamma_rise(p[B], x);
    f->ab = special_digamma_rise(p[A] + p[B], x);
}

/* The log-likelihood of one customer and its derivatives by the logs of the parameters. With
 * s = alpha + age, u = alpha + recency and x > 0, the odds that the customer has left are
 * exp(d) = a / (b + x - 1) (s / u)^(r + x); `left` is their chance. */
static void one_customer(const double *p, const struct by_frequency *f, double recency, double age,
                         double *out)
{
    double x = f->frequency, s = p[ALPHA] + age, u = p[ALPHA] + recency;
    double since_first = log1p(age / p[ALPHA]), left = 0.0, since_last = 0.0;
    out[LIKELIHOOD] = f->likelihood - p[R] * since_first - x * log(s);
    out[R] = p[R] * (f->r - since_first);
    out[ALPHA] = (p[R] * age - x * p[ALPHA]) / s;
    out[A] = -p[A] * f->ab;
    out[B] = p[B] * (f->b - f->ab);
    if (x == 0.0) return;
    since_last = log1p((age - recency) / u);
    double d = log(p[A] / (p[B] + x - 1.0)) + (p[R] + x) * since_last;
    left = special_sigmoid(d);
    out[LIKELIHOOD] += special_softplus(d);
    out[R] += left * p[R] * since_last;
    out[ALPHA] -= left * (p[R] + x) * p[ALPHA] * (age - recency) / (s * u);
    out[A] += left;
    out[B] -= left * p[B] / (p[B] + x - 1.0);
}

static void add_customers(const struct distinct *customers, const double *p,
                          struct exact_sums *sums)
{
    struct by_frequency f = {.frequency = -1.0};
    double terms[SUMS];
    for (int64_t i = 0; i < customers->rows; i++) {
        const struct distinct_row *row = &customers->row[i];
        if (row->x[0] != f.frequency) take_frequency(p, row->x[0], &f);
        one_customer(p, &f, row->x[1], row->x[2], terms);
        for (int j = 0; j < SUMS; j++) terms[j] *= (double)row->count;
        exact_add(sums, 0, terms, SUMS);
    }
}

/* ---- the fit ---- */

struct problem {
    struct distinct customers;
    struct exact_sums sums;
    double customers_total, purchases_total, age_mean;
};

/* The mean log-likelihood, negative, for the minimiser; infinite where it leaves the range of
 * doubles. */
static enum status evaluate(const struct comm *comm, void *context, const double *x, double *value,
                            double *gradient)
{
    struct problem *problem = context;
    double p[PARAMETERS];
    for (int j = 0; j < PARAMETERS; j++) p[j] = exp(x[j]);
    exact_reset(&problem->sums);
    add_customers(&problem->customers, p, &problem->sums);
    enum status status = exact_reduce(comm, &problem->sums);
    *value = INFINITY;
    if (status == ERR_NUMERIC) return OK;
    if (status != OK) return status;
    *value = -exact_get(&problem->sums, LIKELIHOOD) / problem->customers_total;
    for (int j = 0; j < PARAMETERS; j++)
        gradient[j] = -exact_get(&problem->sums, j) / problem->customers_total;
    return OK;
}

static enum status copy(const struct bgnbd_customer *customer, int64_t customers,
                        struct distinct_row *row)
{
    for (int64_t i = 0; i < customers; i++) {
        const struct bgnbd_customer *c = &customer[i];
        const char *fault = bgnbd_fault(c);
        if (fault != NULL)
            return FAIL(ERR_DATA, "a customer with frequency %g, recency %g and age %g %s",
                        c->frequency, c->recency, c->age, fault);
        row[i] = (struct distinct_row){{c->frequency, c->recency, c->age}, 1};
    }
    return OK;
}

static void problem_clear(struct problem *problem)
{
    distinct_clear(&problem->customers);
    exact_clear(&problem->sums);
}

/* Counts of customers and purchases, and the mean age, which is only a hint for the start. */
static enum status measure(const struct comm *comm, struct problem *problem, double age_max)
{
    enum status status = OK;
    double unit = age_max > 0.0 ? age_max : 1.0;
    for (int64_t i = 0; i < problem->customers.rows; i++) {
        const struct distinct_row *row = &problem->customers.row[i];
        double count = (double)row->count;
        double terms[3] = {count, count * row->x[0], count * (row->x[2] / unit)};
        exact_add(&problem->sums, 0, terms, 3);
    }
    TRY(exact_reduce(comm, &problem->sums));
    problem->customers_total = exact_get(&problem->sums, 0);
    problem->purchases_total = exact_get(&problem->sums, 1);
    problem->age_mean = exact_get(&problem->sums, 2) * unit / problem->customers_total;
    if (problem->purchases_total > 0.0 && !(problem->age_mean > 0.0))
        TRY(FAIL(ERR_DATA, "every customer's age is 0, so nothing can be learned of how often they "
                           "buy; the age is the time from the first purchase to now"));
    if (!(problem->purchases_total > 0.0))
        TRY(FAIL(ERR_DATA, "no customer came back after the first purchase; without one nothing "
                           "can be learned of repeat purchases"));
done:
    return status;
}

static enum status prepare(const struct comm *comm, const struct bgnbd_customer *customer,
                           int64_t customers_local, struct problem *problem)
{
    enum status status = OK;
    struct distinct_row *row = NULL;
    double age_max = 0.0;
    TRY_ALL(comm, memory_new(&row, customers_local, sizeof *row));
    TRY_ALL(comm, copy(customer, customers_local, row));
    TRY_ALL(comm, exact_init(&problem->sums, SUMS));
    for (int64_t i = 0; i < customers_local; i++) age_max = fmax(age_max, customer[i].age);
    comm_max_double(comm, &age_max, 1);
    TRY(distinct_merge(comm, row, customers_local, &problem->customers));
    TRY(measure(comm, problem, age_max));
done:
    free(row);
    return status;
}

enum status bgnbd_likelihood(const struct comm *comm, const struct bgnbd_customer *customer,
                             int64_t customers_local, const struct bgnbd_model *model,
                             double *log_likelihood, double *gradient)
{
    enum status status = OK;
    struct problem problem = {0};
    const double p[PARAMETERS] = {model->r, model->alpha, model->a, model->b};
    TRY(prepare(comm, customer, customers_local, &problem));
    exact_reset(&problem.sums);
    add_customers(&problem.customers, p, &problem.sums);
    TRY(exact_reduce(comm, &problem.sums));
    *log_likelihood = exact_get(&problem.sums, LIKELIHOOD);
    exact_get_all(&problem.sums, 0, gradient, PARAMETERS);
done:
    problem_clear(&problem);
    return status;
}

/* r, a, b of the starts: customers who differ much, little, and who hardly ever leave. */
static const double starts[][3] = {{0.5, 0.8, 2.5}, {2.0, 2.0, 10.0}, {0.2, 0.1, 2.0}};
enum { STARTS = sizeof starts / sizeof *starts };

/* One start; the rate r / alpha is that of all purchases. */
static enum status fit_from(const struct comm *comm, const struct bgnbd_options *opt,
                            struct problem *problem, const double *start, struct bgnbd_model *model)
{
    enum status status = OK;
    struct quasi_newton_options options = QUASI_NEWTON_DEFAULTS;
    struct quasi_newton_result result;
    double rate = problem->purchases_total / problem->customers_total / problem->age_mean;
    double x[PARAMETERS] = {log(start[0]), log(start[0] / rate), log(start[1]), log(start[2])};
    options.max_iterations = opt->max_iterations;
    options.tolerance = opt->tolerance;
    TRY(quasi_newton_minimise(comm, evaluate, problem, PARAMETERS, &options, x, &result));
    model->r = exp(x[R]);
    model->alpha = exp(x[ALPHA]);
    model->a = exp(x[A]);
    model->b = exp(x[B]);
    model->log_likelihood = -result.value * problem->customers_total;
    model->iterations = result.iterations;
    model->converged = result.converged;
done:
    return status;
}

enum status bgnbd_fit(const struct comm *comm, const struct bgnbd_customer *customer,
                      int64_t customers_local, const struct bgnbd_options *opt,
                      struct bgnbd_model *model)
{
    enum status status = OK;
    struct problem problem = {0};
    *model = (struct bgnbd_model){.log_likelihood = -INFINITY};
    TRY(prepare(comm, customer, customers_local, &problem));
    model->distinct = problem.customers.rows;
    comm_sum_int64(comm, &model->distinct, 1);
    model->customers = (int64_t)problem.customers_total;
    for (int s = 0; s < STARTS && !model->converged; s++) {
        struct bgnbd_model next = *model;
        TRY(fit_from(comm, opt, &problem, starts[s], &next));
        if (next.converged || next.log_likelihood > model->log_likelihood) *model = next;
    }
done:
    problem_clear(&problem);
    return status;
}

const char *bgnbd_extreme(const struct bgnbd_model *model)
{
    if (model->a < 1e-5 * model->b || model->a < 1e-5) return "nobody seems to leave (a is near 0)";
    if (model->r > 1e4) return "all seem to buy at one rate (r is very large)";
    if (model->a > 1e4) return "all seem to leave with one chance (a and b are very large)";
    return NULL;
}
