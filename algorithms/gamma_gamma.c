/* Gamma-Gamma: likelihood, gradient, fit. */
#include "algorithms/gamma_gamma.h"

#include "algorithms/distinct.h"
#include "algorithms/quasi_newton.h"
#include "algorithms/special.h"
#include "mpi/exact.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

/* the sums of one evaluation: the log-likelihood and its derivatives by the logs of p, q, v */
enum { P, Q, V, PARAMETERS, LIKELIHOOD = PARAMETERS, SUMS };

const char *gamma_gamma_fault(const struct gamma_gamma_customer *customer)
{
    double x = customer->frequency;
    if (!isfinite(x) || (x > 0.0 && !isfinite(customer->spend)))
        return "is not a finite number in every place";
    if (x < 0.0 || x > 1e9) return "needs a number of repeat purchases, 0 or more";
    if (x > 0.0 && !(customer->spend > 0.0))
        return "needs a mean spend above 0 for its repeat purchases; leave out who paid nothing";
    return NULL;
}

/* ---- likelihood ---- */

/* What depends on the parameters and the frequency alone. */
struct by_frequency {
    double frequency;
    double likelihood, p, q;
};

static void take_frequency(const double *k, double x, struct by_frequency *f)
{
    double px = k[P] * x;
    f->frequency = x;
    f->likelihood = -special_log_beta(px, k[Q]);
    f->p = special_digamma_rise(px, k[Q]);
    f->q = special_digamma_rise(k[Q], px);
}

/* The log-likelihood of one customer, written with logs of 1 + s / v and 1 + v / s for s = x spend,
 * and its derivatives by the logs of the parameters. */
static void one_customer(const double *k, const struct by_frequency *f, double spend, double *out)
{
    double x = f->frequency, s = x * spend;
    double over_v = log1p(s / k[V]), over_s = log1p(k[V] / s);
    out[LIKELIHOOD] = f->likelihood - k[Q] * over_v - k[P] * x * over_s - log(spend);
    out[P] = k[P] * x * (f->p - over_s);
    out[Q] = k[Q] * (f->q - over_v);
    out[V] = (k[Q] * s - k[P] * x * k[V]) / (s + k[V]);
}

static void add_customers(const struct distinct *customers, const double *k,
                          struct exact_sums *sums)
{
    struct by_frequency f = {.frequency = -1.0};
    double terms[SUMS];
    for (int64_t i = 0; i < customers->rows; i++) {
        const struct distinct_row *row = &customers->row[i];
        if (row->x[0] != f.frequency) take_frequency(k, row->x[0], &f);
        one_customer(k, &f, row->x[1], terms);
        for (int j = 0; j < SUMS; j++) terms[j] *= (double)row->count;
        exact_add(sums, 0, terms, SUMS);
    }
}

/* ---- the fit ---- */

struct problem {
    struct distinct customers;
    struct exact_sums sums;
    double customers_total, log_spend; /* mean log of spend */
};

/* The mean log-likelihood, negative, for the minimiser; infinite where it leaves the range of
 * doubles. */
static enum status evaluate(const struct comm *comm, void *context, const double *x, double *value,
                            double *gradient)
{
    struct problem *problem = context;
    double k[PARAMETERS];
    for (int j = 0; j < PARAMETERS; j++) k[j] = exp(x[j]);
    exact_reset(&problem->sums);
    add_customers(&problem->customers, k, &problem->sums);
    enum status status = exact_reduce(comm, &problem->sums);
    *value = INFINITY;
    if (status == ERR_NUMERIC) return OK;
    if (status != OK) return status;
    *value = -exact_get(&problem->sums, LIKELIHOOD) / problem->customers_total;
    for (int j = 0; j < PARAMETERS; j++)
        gradient[j] = -exact_get(&problem->sums, j) / problem->customers_total;
    return OK;
}

static void problem_clear(struct problem *problem)
{
    distinct_clear(&problem->customers);
    exact_clear(&problem->sums);
}

/* The customers with repeat purchases; *kept of them. */
static enum status copy(const struct gamma_gamma_customer *customer, int64_t customers,
                        struct distinct_row *row, int64_t *kept)
{
    *kept = 0;
    for (int64_t i = 0; i < customers; i++) {
        const struct gamma_gamma_customer *c = &customer[i];
        const char *fault = gamma_gamma_fault(c);
        if (fault != NULL)
            return FAIL(ERR_DATA, "a customer with frequency %g and spend %g %s", c->frequency,
                        c->spend, fault);
        if (c->frequency > 0.0)
            row[(*kept)++] = (struct distinct_row){{c->frequency, c->spend, 0.0}, 1};
    }
    return OK;
}

static enum status measure(const struct comm *comm, struct problem *problem)
{
    enum status status = OK;
    for (int64_t i = 0; i < problem->customers.rows; i++) {
        const struct distinct_row *row = &problem->customers.row[i];
        double count = (double)row->count, terms[2] = {count, count * log(row->x[1])};
        exact_add(&problem->sums, 0, terms, 2);
    }
    TRY(exact_reduce(comm, &problem->sums));
    problem->customers_total = exact_get(&problem->sums, 0);
    if (!(problem->customers_total > 0.0))
        TRY(FAIL(ERR_DATA, "no customer has a repeat purchase; without one nothing can be learned "
                           "of what repeat purchases are worth"));
    problem->log_spend = exact_get(&problem->sums, 1) / problem->customers_total;
done:
    return status;
}

static enum status prepare(const struct comm *comm, const struct gamma_gamma_customer *customer,
                           int64_t customers_local, struct problem *problem)
{
    enum status status = OK;
    struct distinct_row *row = NULL;
    int64_t kept = 0;
    TRY_ALL(comm, memory_new(&row, customers_local, sizeof *row));
    TRY_ALL(comm, copy(customer, customers_local, row, &kept));
    TRY_ALL(comm, exact_init(&problem->sums, SUMS));
    TRY(distinct_merge(comm, row, kept, &problem->customers));
    TRY(measure(comm, problem));
done:
    free(row);
    return status;
}

enum status gamma_gamma_likelihood(const struct comm *comm,
                                   const struct gamma_gamma_customer *customer,
                                   int64_t customers_local, const struct gamma_gamma_model *model,
                                   double *log_likelihood, double *gradient)
{
    enum status status = OK;
    struct problem problem = {0};
    const double k[PARAMETERS] = {model->p, model->q, model->v};
    TRY(prepare(comm, customer, customers_local, &problem));
    exact_reset(&problem.sums);
    add_customers(&problem.customers, k, &problem.sums);
    TRY(exact_reduce(comm, &problem.sums));
    *log_likelihood = exact_get(&problem.sums, LIKELIHOOD);
    exact_get_all(&problem.sums, 0, gradient, PARAMETERS);
done:
    problem_clear(&problem);
    return status;
}

/* p and q of the starts: purchases and customers that vary, that vary more, and less. */
static const double starts[][2] = {{4.0, 4.0}, {1.0, 2.0}, {20.0, 20.0}};
enum { STARTS = sizeof starts / sizeof *starts };

/* One start; v such that the mean of all is near the geometric mean of spend. */
static enum status fit_from(const struct comm *comm, const struct gamma_gamma_options *opt,
                            struct problem *problem, const double *start,
                            struct gamma_gamma_model *model)
{
    enum status status = OK;
    struct quasi_newton_options options = QUASI_NEWTON_DEFAULTS;
    struct quasi_newton_result result;
    double x[PARAMETERS] = {log(start[0]), log(start[1]),
                            problem->log_spend + log(start[1] / start[0])};
    options.max_iterations = opt->max_iterations;
    options.tolerance = opt->tolerance;
    TRY(quasi_newton_minimise(comm, evaluate, problem, PARAMETERS, &options, x, &result));
    model->p = exp(x[P]);
    model->q = exp(x[Q]);
    model->v = exp(x[V]);
    model->log_likelihood = -result.value * problem->customers_total;
    model->iterations = result.iterations;
    model->converged = result.converged;
done:
    return status;
}

enum status gamma_gamma_fit(const struct comm *comm, const struct gamma_gamma_customer *customer,
                            int64_t customers_local, const struct gamma_gamma_options *opt,
                            struct gamma_gamma_model *model)
{
    enum status status = OK;
    struct problem problem = {0};
    *model = (struct gamma_gamma_model){.log_likelihood = -INFINITY};
    TRY(prepare(comm, customer, customers_local, &problem));
    model->distinct = problem.customers.rows;
    comm_sum_int64(comm, &model->distinct, 1);
    model->customers = (int64_t)problem.customers_total;
    for (int s = 0; s < STARTS && !model->converged; s++) {
        struct gamma_gamma_model next = *model;
        TRY(fit_from(comm, opt, &problem, starts[s], &next));
        if (next.converged || next.log_likelihood > model->log_likelihood) *model = next;
    }
done:
    problem_clear(&problem);
    return status;
}

const char *gamma_gamma_extreme(const struct gamma_gamma_model *model)
{
    if (model->q > 1e4) return "all seem to spend alike (q is very large)";
    if (model->p > 1e4) return "a customer's purchases seem all alike (p is very large)";
    if (model->q <= 1.0) return "spend is so uneven that it has no mean over all (q <= 1)";
    return NULL;
}

double gamma_gamma_spend(const struct gamma_gamma_model *model,
                         const struct gamma_gamma_customer *customer)
{
    double x = customer->frequency, paid = x > 0.0 ? x * customer->spend : 0.0;
    double weight = model->p * x + model->q - 1.0;
    return weight > 0.0 ? model->p * (model->v + paid) / weight : NAN;
}
