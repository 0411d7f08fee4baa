/* Alternating least squares: users, items, loss, and again. */
#include "algorithms/als.h"

#include "algorithms/als_halves.h"
#include "algorithms/dot.h"
#include "algorithms/vector.h"
#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

VECTORISED static double inner(const float *x, const float *y, int64_t count)
{
    return dot_float(x, y, count);
}

/* ---- the fit ---- */

static enum status check(const struct als_data *data, const struct als_options *opt)
{
    if (opt->factors < 1 || opt->factors > ALS_FACTORS_MAX)
        return FAIL(ERR_ARG, "%lld factors; there may be 1 to %d", (long long)opt->factors,
                    ALS_FACTORS_MAX);
    if (!(opt->lambda > 0.0) || (!opt->implicit && !(opt->bias_lambda > 0.0)))
        return FAIL(ERR_ARG, "lambda must be above 0, or factors have no bounds");
    if (opt->implicit && !(opt->alpha > 0.0)) return FAIL(ERR_ARG, "alpha must be above 0");
    for (int64_t r = 0; r < data->start[data->blocks->rows_local]; r++)
        if (!isfinite(data->value[r]) || (opt->implicit && data->value[r] < 0.0f))
            return FAIL(ERR_ARG, "a value of %g; %s", (double)data->value[r],
                        opt->implicit ? "implicit ones say how often, and are not below 0"
                                      : "ratings must be finite");
    return OK;
}

static enum status new_model(const struct als_data *data, const struct als_options *opt,
                             struct als_model **model)
{
    enum status status = OK;
    struct als_model *m = NULL;
    TRY(memory_new(model, 1, sizeof *m));
    m = *model;
    m->implicit = opt->implicit;
    m->factors = opt->factors;
    m->items = data->items;
    m->users_local = data->blocks->rows_local;
    m->stride = vector_padded(opt->factors + 1);
    TRY(memory_new(&m->user, m->users_local * m->stride, sizeof *m->user));
    m->lambda = opt->lambda;
    m->bias_lambda = opt->bias_lambda;
    m->alpha = opt->alpha;
    TRY(memory_new(&m->loss, opt->iterations, sizeof *m->loss));
done:
    return status;
}

/* Mean and range of the values; where implicit ones begin is 0. */
static enum status describe(const struct comm *comm, const struct als_data *data,
                            const struct als_options *opt, struct als_model *m)
{
    enum status status = OK;
    struct exact_sums sum = {0};
    double range[2] = {-INFINITY, -INFINITY}; /* of -value, and of value */
    const struct blocks *blocks = data->blocks;
    m->ratings = data->start[blocks->rows_local];
    TRY_ALL(comm, exact_init(&sum, 1));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        double total = 0.0;
        for (int64_t r = data->start[blocks->start[b]]; r < data->start[blocks->start[b + 1]];
             r++) {
            total += (double)data->value[r];
            range[0] = fmax(range[0], -(double)data->value[r]);
            range[1] = fmax(range[1], (double)data->value[r]);
        }
        exact_add_one(&sum, 0, total);
    }
    comm_sum_int64(comm, &m->ratings, 1);
    comm_max_double(comm, range, 2);
    TRY(exact_reduce(comm, &sum));
    if (m->ratings == 0) TRY_ALL(comm, FAIL(ERR_ARG, "there are no ratings"));
    m->low = -range[0];
    m->high = range[1];
    m->mean = opt->implicit ? 0.0 : exact_get(&sum, 0) / (double)m->ratings;
    if (opt->implicit && !(m->high > 0.0))
        TRY_ALL(comm,
                FAIL(ERR_ARG,
                     "all values are 0, so nobody wants anything; a pair that was seen has 1 or "
                     "more"));
done:
    exact_clear(&sum);
    return status;
}

/* Small random factors; biases begin at 0. */
static enum status start_items(const struct comm *comm, const struct als_halves *h)
{
    struct als_model *m = h->model;
    const struct als_owned *o = &h->owned;
    const int64_t row = m->stride * (int64_t)sizeof *m->item;
    double size = 0.1 / sqrt((double)m->factors);
    for (int64_t i = o->first; i < o->first + o->count; i++)
        for (int64_t k = 0; k < m->factors; k++)
            m->item[i * m->stride + k] = (float)(size * random_normal(h->opt->seed, RANDOM_WEIGHTS,
                                                                      (uint64_t)i, (uint64_t)k));
    return shared_publish(comm, &h->nodes, &m->item_memory, o->first * row, o->count * row);
}

static bool settled(const struct als_options *opt, const struct als_model *m)
{
    int64_t n = m->iterations;
    return n > 1 && opt->tolerance > 0.0 &&
           m->loss[n - 2] - m->loss[n - 1] <= opt->tolerance * m->loss[n - 1];
}

/* An error of eps of the loss in one half changes what the next gains by some sqrt(eps gain): the
 * less there is to gain, the less it matters. */
static double precision_now(const struct als_options *opt, const struct als_model *m)
{
    static const double explicit = 1e-9, implicit = 5e-9, most = 1e-7;
    double least = opt->implicit ? implicit : explicit;
    int64_t n = m->iterations;
    if (opt->precision > 0.0) least = opt->precision;
    if (n < 2) return least;
    double gain = (m->loss[n - 2] - m->loss[n - 1]) / m->loss[n - 1];
    return fmax(least, fmin(most, fmax(least, least / gain)));
}

static enum status iterate(const struct comm *comm, struct als_halves *h)
{
    enum status status = OK;
    struct als_model *m = h->model;
    while (m->iterations < h->opt->iterations && !m->converged) {
        als_solver_set_tolerance(h->solver, precision_now(h->opt, m));
        TRY(als_solve_users(comm, h));
        TRY(als_solve_items(comm, h));
        TRY(als_loss(comm, h, &m->loss[m->iterations]));
        m->iterations++;
        log_progress("alternating", m->iterations, h->opt->iterations);
        m->converged = settled(h->opt, m);
    }
done:
    return status;
}

enum status als_fit(const struct comm *comm, const struct als_data *data,
                    const struct als_options *opt, struct als_model **model)
{
    enum status status = OK;
    struct als_halves halves = {0};
    struct als_model *m = NULL;
    TRY_ALL(comm, check(data, opt));
    TRY_ALL(comm, new_model(data, opt, &m));
    TRY(describe(comm, data, opt, m));
    TRY(als_halves_init(comm, data, opt, m, &halves));
    TRY(start_items(comm, &halves));
    TRY(iterate(comm, &halves));
    *model = m;
    m = NULL;
done:
    als_halves_clear(&halves);
    als_free(&m);
    return status;
}

int64_t als_bytes(const struct als_options *opt, int64_t users_local, int64_t ratings_local,
                  int64_t items)
{
    enum { EXCHANGE = 24, ITEM_ROWS = 2, USER_ROWS = 2 };
    int64_t row = (int64_t)sizeof(float) * vector_padded(opt->factors + 1);
    return EXCHANGE * ratings_local + row * (ITEM_ROWS * items + USER_ROWS * users_local);
}

void als_free(struct als_model **model)
{
    if (*model == NULL) return;
    free((*model)->user);
    shared_free(&(*model)->item_memory);
    free((*model)->loss);
    free(*model);
    *model = NULL;
}

double als_predict(const struct als_model *m, int64_t user_local, int64_t item)
{
    const float *x = m->user + user_local * m->stride, *y = m->item + item * m->stride;
    double fit = inner(x, y, m->factors);
    if (m->implicit) return fit;
    return fmin(fmax(m->mean + (double)x[m->factors] + (double)y[m->factors] + fit, m->low),
                m->high);
}
