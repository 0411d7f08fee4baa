/* Non-negative least squares on pairs of users and products. */
#include "jobs/content_weights.h"

#include "algorithms/definite.h"
#include "mpi/exact.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 30000, BOUGHT_MOST = 5, DRAWN = 4 };

/* Of a pair: 1, the likenesses, and whether it was bought. */
struct pairs {
    const struct scorer_data *data;
    const struct past_windows *past;
    const struct content_portrait *made;
    int64_t width; /* fields + 2 */
    float *portrait, *likeness;
    double *sum; /* [width][width] of a block, upper triangle */
};

static void add_pair(struct pairs *p, int32_t product, double bought)
{
    int64_t fields = p->width - 2;
    double v[CONTENT_FIELDS_MAX + 2];
    content_likeness(p->made->content, product, p->portrait, p->likeness);
    v[0] = 1.0;
    for (int64_t f = 0; f < fields; f++) v[f + 1] = (double)p->likeness[f];
    v[fields + 1] = bought;
    for (int64_t i = 0; i < p->width; i++)
        for (int64_t j = i; j < p->width; j++) p->sum[i * p->width + j] += v[i] * v[j];
}

static bool is_next(const struct past_windows *past, int64_t row, int32_t product)
{
    for (int64_t i = past->next_start[row]; i < past->next_start[row + 1]; i++)
        if (past->next[i] == product) return true;
    return false;
}

/* Products drawn for the row, but those bought next. */
static void add_drawn(struct pairs *p, int64_t row, int64_t count)
{
    uint64_t products = (uint64_t)p->data->dataset->products.count;
    for (int64_t n = 0; n < count; n++) {
        int32_t product = (int32_t)random_below(p->data->shop->seed, RANDOM_NEGATIVES,
                                                p->past->entity[row], (uint64_t)n, products);
        if (p->data->shop->offerable[product] && !is_next(p->past, row, product))
            add_pair(p, product, 0.0);
    }
}

static void add_row(struct pairs *p, int64_t row)
{
    const struct past_windows *past = p->past;
    int64_t bought = past->next_start[row + 1] - past->next_start[row];
    const float *x = past->x + row * past->columns + p->data->columns;
    bool known = x[p->made->portrait->columns] == 0.0f;
    const struct sitter sitter = {.attribute = known ? x : x + p->made->portrait->columns + 1,
                                  .count = past->start[row + 1] - past->start[row],
                                  .product = past->product + past->start[row],
                                  .liking = past->liking + past->start[row]};
    if (bought == 0) return;
    if (bought > BOUGHT_MOST) bought = BOUGHT_MOST;
    content_portrait_paint(p->made, &sitter, p->portrait);
    for (int64_t i = 0; i < bought; i++) add_pair(p, past->next[past->next_start[row] + i], 1.0);
    add_drawn(p, row, DRAWN * bought);
}

static enum status sum_pairs(const struct comm *comm, struct pairs *p)
{
    enum status status = OK;
    const struct blocks *blocks = &p->past->blocks;
    struct exact_sums sums = {0};
    int64_t size = p->width * p->width;
    uint64_t folds = (uint64_t)(blocks->rows_total / ROWS) + 1;
    TRY_ALL(comm, exact_init(&sums, size));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        memset(p->sum, 0, (size_t)size * sizeof *p->sum);
        for (int64_t r = blocks->start[b]; r < blocks->start[b + 1]; r++)
            if (p->past->entity[r] % folds == 0) add_row(p, r);
        exact_add(&sums, 0, p->sum, size);
    }
    TRY(exact_reduce(comm, &sums));
    exact_get_all(&sums, 0, p->sum, size);
done:
    exact_clear(&sums);
    return status;
}

/* ---- the weights ---- */

/* Weights of the fields that are still in, from sums about their means; false: no solution. */
static bool solve(const struct pairs *p, const int64_t *in, int64_t count, double *x)
{
    double a[CONTENT_FIELDS_MAX * CONTENT_FIELDS_MAX];
    const double *sum = p->sum;
    int64_t w = p->width, y = w - 1;
    for (int64_t i = 0; i < count; i++) {
        for (int64_t j = i; j < count; j++)
            a[i * count + j] = sum[in[i] * w + in[j]] - sum[in[i]] * sum[in[j]] / sum[0];
        x[i] = sum[in[i] * w + y] - sum[in[i]] * sum[y] / sum[0];
        a[i * count + i] = a[i * count + i] * (1.0 + 1e-6) + 1e-6 * sum[0];
    }
    return definite_solve(a, count, count, x);
}

/* The field of the lowest weight goes as long as that is below 0. */
static void find_weights(const struct pairs *p, float *weight)
{
    int64_t fields = p->width - 2, count = fields, in[CONTENT_FIELDS_MAX];
    double x[CONTENT_FIELDS_MAX];
    for (int64_t f = 0; f < fields; f++) {
        weight[f] = 0.0f;
        in[f] = f + 1;
    }
    while (count > 0 && p->sum[0] > 0.0 && solve(p, in, count, x)) {
        int64_t least = 0;
        for (int64_t i = 1; i < count; i++)
            if (x[i] < x[least]) least = i;
        if (x[least] >= 0.0) {
            for (int64_t i = 0; i < count; i++) weight[in[i] - 1] = (float)x[i];
            return;
        }
        count--;
        memmove(in + least, in + least + 1, (size_t)(count - least) * sizeof *in);
    }
    for (int64_t f = 0; f < fields; f++) weight[f] = 1.0f;
}

enum status content_weights_learn(const struct comm *comm, const struct scorer_data *data,
                                  const struct past_windows *past,
                                  const struct content_portrait *made, float *weight)
{
    enum status status = OK;
    int64_t width = made->content->fields + 2;
    struct pairs p = {.data = data, .past = past, .made = made, .width = width};
    TRY_ALL(comm, memory_new(&p.portrait, made->content->dimensions, sizeof *p.portrait));
    TRY_ALL(comm, memory_new(&p.likeness, width, sizeof *p.likeness));
    TRY_ALL(comm, memory_new(&p.sum, width * width, sizeof *p.sum));
    TRY(sum_pairs(comm, &p));
    find_weights(&p, weight);
done:
    free(p.portrait);
    free(p.likeness);
    free(p.sum);
    return status;
}
