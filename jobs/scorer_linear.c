/* A line for each product in what is known of the user: p(product | user) = sum of alpha u + beta.
 */
#include "algorithms/gemm.h"
#include "algorithms/multi_output.h"
#include "jobs/past_windows.h"
#include "jobs/scorer.h"
#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RIDGE, PRODUCTS, HALF_LIFE };

/* The columns of a line: the user's portrait, then the liking of each of the products bought most.
 * A liking of the product itself has a slope of its own, beside these, one for all products. */
struct model {
    struct portrait portrait;
    double half_life;
    int64_t dense, columns;
    int32_t *column; /* [products] of its liking among the columns, -1: none */
    int64_t stride;
    float *slope; /* [columns + 1][stride] the last the intercepts */
    float own[2]; /* slope of the liking of the product itself: of those without a column, with */
};

static void release(void **model)
{
    struct model *m = *model;
    if (m != NULL) {
        portrait_clear(&m->portrait);
        free(m->column);
        free(m->slope);
    }
    free(m);
    *model = NULL;
}

/* ---- columns ---- */

struct counted {
    int64_t count;
    int32_t product;
};

static int by_count(const void *a, const void *b)
{
    const struct counted *left = a, *right = b;
    if (left->count != right->count) return left->count > right->count ? -1 : 1;
    return (left->product > right->product) - (left->product < right->product);
}

static void rank_products(const int64_t *count, int64_t products, int64_t columns,
                          struct counted *rank, struct model *m)
{
    for (int64_t p = 0; p < products; p++) rank[p] = (struct counted){count[p], (int32_t)p};
    qsort(rank, (size_t)products, sizeof *rank, by_count);
    for (int64_t i = 0; i < products; i++) {
        bool has = i < columns && rank[i].count > 0;
        m->column[rank[i].product] = has ? (int32_t)m->columns : -1;
        m->columns += has;
    }
}

/* The products that most purchases were of. */
static enum status choose_columns(const struct comm *comm, const struct scorer_data *data,
                                  int64_t columns, struct model *m)
{
    enum status status = OK;
    int64_t products = data->dataset->products.count, *count = NULL;
    struct counted *rank = NULL;
    TRY_ALL(comm, memory_new(&m->column, products, sizeof *m->column));
    TRY_ALL(comm, memory_new(&count, products, sizeof *count));
    TRY_ALL(comm, memory_new(&rank, products, sizeof *rank));
    for (int64_t i = 0; i < data->start[data->dataset->users.blocks.rows_local]; i++)
        count[data->product[i]] += data->bought[i];
    comm_sum_int64(comm, count, products);
    rank_products(count, products, columns, rank, m);
done:
    free(count);
    free(rank);
    return status;
}

/* ---- fit ---- */

struct learning {
    const struct past_windows *past;
    const struct model *model;
};

static void row_of(const void *context, int64_t row, float *x)
{
    const struct learning *l = context;
    const struct past_windows *past = l->past;
    memcpy(x, past->x + row * past->columns, (size_t)past->columns * sizeof *x);
    for (int64_t i = past->start[row]; i < past->start[row + 1]; i++) {
        int32_t column = l->model->column[past->product[i]];
        if (column >= 0) x[column] = past->liking[i];
    }
}

static bool bought_next(const struct past_windows *past, int64_t row, int32_t product)
{
    for (int64_t i = past->next_start[row]; i < past->next_start[row + 1]; i++)
        if (past->next[i] == product) return true;
    return false;
}

/* What the lines leave of a user's own products, against the liking of these. */
static void add_own(const struct learning *l, const struct multi_output *lines, int64_t row,
                    float *x, double sum[4])
{
    const struct past_windows *past = l->past;
    memset(x, 0, (size_t)l->model->columns * sizeof *x);
    row_of(l, row, x);
    for (int64_t i = past->start[row]; i < past->start[row + 1]; i++) {
        int32_t p = past->product[i];
        double liking = (double)past->liking[i];
        double rest = (bought_next(past, row, p) ? 1.0 : 0.0) - multi_output_predict(lines, x, p);
        int at = l->model->column[p] >= 0 ? 2 : 0;
        sum[at] += rest * liking;
        sum[at + 1] += liking * liking;
    }
}

static enum status fit_own(const struct comm *comm, const struct learning *l,
                           const struct multi_output *lines, float own[2])
{
    enum status status = OK;
    const struct blocks *blocks = &l->past->blocks;
    struct exact_sums sums = {0};
    float *x = NULL;
    TRY_ALL(comm, exact_init(&sums, 4));
    TRY_ALL(comm, memory_new(&x, l->model->columns, sizeof *x));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        double sum[4] = {0};
        for (int64_t r = blocks->start[b]; r < blocks->start[b + 1]; r++)
            add_own(l, lines, r, x, sum);
        exact_add(&sums, 0, sum, 4);
    }
    TRY(exact_reduce(comm, &sums));
    for (int k = 0; k < 2; k++) {
        double square = exact_get(&sums, 2 * k + 1);
        own[k] = square > 0.0 ? (float)(exact_get(&sums, 2 * k) / square) : 0.0f;
    }
done:
    exact_clear(&sums);
    free(x);
    return status;
}

static enum status fit_lines(const struct comm *comm, const struct scorer_data *data, double ridge,
                             const struct past_windows *past, struct model *m)
{
    enum status status = OK;
    struct multi_output *lines = NULL;
    const struct learning learning = {past, m};
    const struct multi_output_data rows = {.blocks = &past->blocks,
                                           .columns = m->columns,
                                           .row = row_of,
                                           .context = &learning,
                                           .outputs = data->dataset->products.count,
                                           .start = past->next_start,
                                           .output = past->next,
                                           .repeats = 1.25 * (double)past->windows};
    TRY(multi_output_fit(comm, &rows, ridge > 0.0 ? ridge : MULTI_OUTPUT_LEARN, &lines));
    TRY(fit_own(comm, &learning, lines, m->own));
    TRY_ALL(comm, multi_output_turn(lines, m->stride, &m->slope));
    log_info("  linear: %lld rows of %lld windows of %.0f days, %lld columns",
             (long long)past->blocks.rows_total, (long long)past->windows,
             (double)past->seconds / 86400.0, (long long)m->columns);
done:
    multi_output_free(&lines);
    return status;
}

static enum status fit(const struct comm *comm, const struct scorer_data *data, const double *knob,
                       void **model)
{
    enum status status = OK;
    struct model *m = NULL;
    struct past_windows past = {0};
    TRY_ALL(comm, memory_new(&m, 1, sizeof *m));
    *model = m;
    m->half_life = knob[HALF_LIFE];
    m->stride = scorer_stride(data);
    TRY(portrait_make(comm, &data->dataset->users, &m->portrait));
    m->dense = m->columns = past_windows_columns(data, &m->portrait);
    TRY(choose_columns(comm, data, llround(knob[PRODUCTS]), m));
    TRY(past_windows_make(comm, data, &m->portrait, m->half_life, &past));
    TRY(fit_lines(comm, data, knob[RIDGE], &past, m));
done:
    past_windows_clear(&past);
    if (status != OK) release(model);
    return status;
}

/* ---- scores ---- */

static void add_likings(const struct model *m, const struct scorer_data *data, int64_t user,
                        float *liking, float *score)
{
    const int32_t *product = data->product + data->start[user];
    portrait_liking(data, user, m->half_life, liking);
    for (int64_t i = 0; i < data->start[user + 1] - data->start[user]; i++) {
        int32_t column = m->column[product[i]];
        if (column >= 0 && liking[i] > 0.0f)
            multi_output_add(m->slope + column * m->stride, liking[i], m->stride, score);
        score[product[i]] += m->own[column >= 0] * liking[i];
    }
}

static enum status panel(const void *model, const struct scorer_data *data, const int64_t *user,
                         int64_t users, float *score)
{
    enum status status = OK;
    const struct model *m = model;
    float *x = NULL, *liking = NULL;
    TRY(memory_new(&x, users * m->dense, sizeof *x));
    TRY(memory_new(&liking, portrait_longest(data), sizeof *liking));
    for (int64_t u = 0; u < users; u++)
        past_windows_row(data, &m->portrait, user[u], true, x + u * m->dense);
    gemm_run(&(struct gemm){.rows = users,
                            .columns = m->stride,
                            .depth = m->dense,
                            .a = x,
                            .a_row = m->dense,
                            .a_depth = 1,
                            .b = m->slope,
                            .b_stride = m->stride,
                            .start = m->slope + m->columns * m->stride,
                            .c = score,
                            .c_stride = m->stride});
    for (int64_t u = 0; u < users; u++)
        add_likings(m, data, user[u], liking, score + u * m->stride);
done:
    free(x);
    free(liking);
    return status;
}

static int64_t bytes(const struct scorer_data *data, const double *knob)
{
    int64_t users = data->dataset->users.blocks.rows_local, pairs = data->start[users];
    int64_t columns =
        data->columns + 12 * data->dataset->users.attributes + llround(knob[PRODUCTS]);
    int64_t lines = 8 * (columns + 1) * scorer_stride(data);
    return lines + PAST_WINDOWS_MAX * (4 * columns * users + 12 * pairs) + 38 * pairs;
}

const struct scorer scorer_linear = {
    .name = "linear",
    .does = "a line for each product in the user's portrait, attributes and likings",
    .knobs = 3,
    .knob = {[RIDGE] = {.key = "recommend.linear.ridge", .tries = {0, 100, 1000}, .count = 3},
             [PRODUCTS] = {.key = "recommend.linear.products", .tries = {0, 200}, .count = 2},
             [HALF_LIFE] = {.key = "recommend.linear.half_life",
                            .tries = {30, 120, 1000},
                            .count = 3}},
    .fit = fit,
    .panel = panel,
    .bytes = bytes,
    .free = release,
};
