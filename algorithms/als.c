/* Alternating least squares: users, items, loss, and again. */
#include "algorithms/als.h"

#include "algorithms/als_sides.h"
#include "algorithms/dot.h"
#include "algorithms/gemm.h"
#include "algorithms/vector.h"
#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- ratings by item ---- */

static bool counts(const struct als_options *opt, float value)
{
    return !opt->implicit || value > 0.0f;
}

static void order_by_item(struct als_sides *s)
{
    const struct als_data *d = s->data;
    for (int64_t r = 0; r < d->start[d->blocks->rows_local]; r++)
        if (counts(s->opt, d->value[r])) s->by_item[d->item[r] + 1]++;
    for (int64_t i = 0; i < d->items; i++) {
        s->item_count[i] = s->by_item[i + 1];
        s->by_item[i + 1] += s->by_item[i];
    }
    for (int64_t u = 0; u < d->blocks->rows_local; u++)
        for (int64_t r = d->start[u]; r < d->start[u + 1]; r++) {
            if (!counts(s->opt, d->value[r])) continue;
            int64_t at = s->by_item[d->item[r]]++;
            s->rater[at] = (int32_t)u;
            s->rating[at] = d->value[r];
        }
    memmove(s->by_item + 1, s->by_item, (size_t)d->items * sizeof *s->by_item);
    s->by_item[0] = 0;
}

static void find_ranges(const struct comm *comm, struct als_sides *s)
{
    int64_t items = s->data->items;
    for (int64_t i = 0; i < items; i++) {
        s->least[i] = INFINITY;
        s->most[i] = 0.0;
        for (int64_t r = s->by_item[i]; r < s->by_item[i + 1]; r++) {
            s->least[i] = fmin(s->least[i], (double)s->rating[r]);
            s->most[i] = fmax(s->most[i], (double)s->rating[r]);
        }
    }
    comm_min_double(comm, s->least, items);
    comm_max_double(comm, s->most, items);
}

enum status als_sides_init(const struct comm *comm, const struct als_data *data,
                           const struct als_options *opt, struct als_model *model,
                           struct als_sides *s)
{
    enum status status = OK;
    int64_t ratings = data->start[data->blocks->rows_local], items = data->items;
    *s = (struct als_sides){.data = data, .opt = opt, .model = model};
    s->columns = opt->implicit ? opt->factors : opt->factors + 1;
    TRY_ALL(comm, memory_new(&s->by_item, items + 1, sizeof *s->by_item));
    TRY_ALL(comm, memory_new(&s->rater, ratings, sizeof *s->rater));
    TRY_ALL(comm, memory_new(&s->rating, ratings, sizeof *s->rating));
    TRY_ALL(comm, memory_new(&s->item_count, items, sizeof *s->item_count));
    TRY_ALL(comm, memory_new(&s->least, items, sizeof *s->least));
    TRY_ALL(comm, memory_new(&s->most, items, sizeof *s->most));
    order_by_item(s);
    if (opt->implicit) find_ranges(comm, s);
    comm_sum_int64(comm, s->item_count, items);
    for (int64_t i = 0; i < items; i++)
        if (s->item_count[i] > s->count_most) s->count_most = s->item_count[i];
    TRY_ALL(comm, als_users_new(s, &s->users));
    TRY_ALL(comm, als_items_new(s, &s->items));
done:
    return status;
}

void als_sides_clear(struct als_sides *s)
{
    free(s->by_item);
    free(s->rater);
    free(s->rating);
    free(s->item_count);
    free(s->least);
    free(s->most);
    als_users_free(&s->users);
    als_items_free(&s->items);
    *s = (struct als_sides){0};
}

enum status als_square(const float *x, int64_t rows, int64_t stride, int64_t columns,
                       double *square)
{
    enum { CHUNK = 256 };
    float *part = NULL;
    enum status status = memory_new(&part, columns * stride, sizeof *part);
    if (status != OK) return status;
    memset(square, 0, (size_t)(columns * columns) * sizeof *square);
    for (int64_t first = 0; first < rows; first += CHUNK) {
        gemm_run(&(struct gemm){.rows = columns,
                                .columns = stride,
                                .depth = rows - first < CHUNK ? rows - first : CHUNK,
                                .a = x + first * stride,
                                .a_row = 1,
                                .a_depth = stride,
                                .b = x + first * stride,
                                .b_stride = stride,
                                .c = part,
                                .c_stride = stride});
        for (int64_t k = 0; k < columns; k++)
            for (int64_t j = 0; j < columns; j++)
                square[k * columns + j] += (double)part[k * stride + j];
    }
    free(part);
    return OK;
}

/* ---- the loss ---- */

VECTORISED static double inner(const float *x, const float *y, int64_t count)
{
    return dot_float(x, y, count);
}

static double fit_of(const struct als_model *m, const float *user, const float *item)
{
    return inner(user, item, m->factors);
}

static double length(const struct als_model *m, const float *x)
{
    return fit_of(m, x, x);
}

/* What a user's own row and ratings add. */
static double explicit_user_loss(const struct als_sides *s, int64_t user)
{
    const struct als_data *d = s->data;
    const struct als_model *m = s->model;
    const float *x = m->user + user * m->stride;
    double bias = (double)x[m->factors], loss = s->opt->bias_lambda * bias * bias;
    loss += s->opt->lambda * (double)(d->start[user + 1] - d->start[user]) * length(m, x);
    for (int64_t r = d->start[user]; r < d->start[user + 1]; r++) {
        const float *y = m->item + d->item[r] * m->stride;
        double left =
            (double)d->value[r] - m->mean - bias - (double)y[m->factors] - fit_of(m, x, y);
        loss += left * left;
    }
    return loss;
}

/* square: sum of y y' over all items */
static double implicit_user_loss(const struct als_sides *s, int64_t user, const double *square)
{
    const struct als_data *d = s->data;
    const struct als_model *m = s->model;
    const float *x = m->user + user * m->stride;
    double loss = s->opt->lambda * length(m, x);
    for (int64_t k = 0; k < m->factors; k++) {
        double row = 0.0;
        for (int64_t j = 0; j < m->factors; j++) row += square[k * m->factors + j] * (double)x[j];
        loss += row * (double)x[k];
    }
    for (int64_t r = d->start[user]; r < d->start[user + 1]; r++) {
        double fit = fit_of(m, x, m->item + d->item[r] * m->stride);
        if (d->value[r] > 0.0f)
            loss +=
                (1.0 + s->opt->alpha * (double)d->value[r]) * (1.0 - fit) * (1.0 - fit) - fit * fit;
    }
    return loss;
}

static double items_loss(const struct als_sides *s)
{
    const struct als_model *m = s->model;
    double loss = 0.0;
    for (int64_t i = 0; i < m->items; i++) {
        const float *y = m->item + i * m->stride;
        double bias = (double)y[m->factors];
        if (s->opt->implicit)
            loss += s->opt->lambda * length(m, y);
        else
            loss += s->opt->lambda * (double)s->item_count[i] * length(m, y) +
                    s->opt->bias_lambda * bias * bias;
    }
    return loss;
}

static void users_loss(const struct als_sides *s, const double *square, struct exact_sums *sum)
{
    const struct blocks *blocks = s->data->blocks;
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        double loss = 0.0;
        for (int64_t u = blocks->start[b]; u < blocks->start[b + 1]; u++)
            loss += s->opt->implicit ? implicit_user_loss(s, u, square) : explicit_user_loss(s, u);
        exact_add_one(sum, 0, loss);
    }
}

enum status als_loss(const struct comm *comm, const struct als_sides *s, double *loss)
{
    enum status status = OK;
    struct exact_sums sum = {0};
    double *square = NULL;
    const struct als_model *m = s->model;
    TRY_ALL(comm, memory_new(&square, m->factors * m->factors, sizeof *square));
    TRY_ALL(comm, exact_init(&sum, 1));
    if (s->opt->implicit)
        TRY_ALL(comm, als_square(m->item, m->items, m->stride, m->factors, square));
    users_loss(s, square, &sum);
    TRY(exact_reduce(comm, &sum));
    *loss = exact_get(&sum, 0) + items_loss(s);
done:
    exact_clear(&sum);
    free(square);
    return status;
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
    TRY(memory_new(&m->item, m->items * m->stride, sizeof *m->item));
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
        TRY_ALL(comm, FAIL(ERR_ARG, "all values are 0, so nobody wants anything"));
done:
    exact_clear(&sum);
    return status;
}

/* Small random factors; biases begin at 0. */
static void start_items(const struct als_options *opt, struct als_model *m)
{
    double size = 0.1 / sqrt((double)m->factors);
    for (int64_t i = 0; i < m->items; i++)
        for (int64_t k = 0; k < m->factors; k++)
            m->item[i * m->stride + k] =
                (float)(size * random_normal(opt->seed, RANDOM_WEIGHTS, (uint64_t)i, (uint64_t)k));
}

static bool settled(const struct als_options *opt, const struct als_model *m)
{
    int64_t n = m->iterations;
    return n > 1 && opt->tolerance > 0.0 &&
           m->loss[n - 2] - m->loss[n - 1] <= opt->tolerance * m->loss[n - 1];
}

static enum status iterate(const struct comm *comm, const struct als_sides *s)
{
    enum status status = OK;
    struct als_model *m = s->model;
    while (m->iterations < s->opt->iterations && !m->converged) {
        TRY_ALL(comm, als_users_solve(s));
        TRY(als_items_solve(comm, s));
        TRY(als_loss(comm, s, &m->loss[m->iterations]));
        m->iterations++;
        log_progress("alternating", m->iterations, s->opt->iterations);
        m->converged = settled(s->opt, m);
    }
done:
    return status;
}

enum status als_fit(const struct comm *comm, const struct als_data *data,
                    const struct als_options *opt, struct als_model **model)
{
    enum status status = OK;
    struct als_sides sides = {0};
    struct als_model *m = NULL;
    TRY_ALL(comm, check(data, opt));
    TRY_ALL(comm, new_model(data, opt, &m));
    TRY(describe(comm, data, opt, m));
    start_items(opt, m);
    TRY(als_sides_init(comm, data, opt, m, &sides));
    TRY(iterate(comm, &sides));
    *model = m;
    m = NULL;
done:
    als_sides_clear(&sides);
    als_free(&m);
    return status;
}

void als_free(struct als_model **model)
{
    if (*model == NULL) return;
    free((*model)->user);
    free((*model)->item);
    free((*model)->loss);
    free(*model);
    *model = NULL;
}

double als_predict(const struct als_model *m, int64_t user_local, int64_t item)
{
    const float *x = m->user + user_local * m->stride, *y = m->item + item * m->stride;
    double fit = fit_of(m, x, y);
    if (m->implicit) return fit;
    return fmin(fmax(m->mean + (double)x[m->factors] + (double)y[m->factors] + fit, m->low),
                m->high);
}
