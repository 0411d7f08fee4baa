/* Factors of users and products by alternating least squares on interest. */
#include "algorithms/als.h"
#include "algorithms/gemm.h"
#include "algorithms/vector.h"
#include "jobs/scorer_popularity.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FACTORS, LAMBDA, ALPHA, ITERATIONS };

struct model {
    struct als_model *als;
    float *item;                  /* [factors][scorer_stride] */
    struct popularity popularity; /* for users without history */
};

/* Pairs of which there is interest. */
struct wanted {
    int64_t *start; /* [users_local + 1] */
    int32_t *item;
    float *value;
};

static void wanted_clear(struct wanted *wanted)
{
    free(wanted->start);
    free(wanted->item);
    free(wanted->value);
}

static enum status take_wanted(const struct scorer_data *data, struct wanted *wanted)
{
    enum status status = OK;
    int64_t users = data->dataset->users.blocks.rows_local, count = 0;
    for (int64_t i = 0; i < data->start[users]; i++) count += data->interest[i] > 0.0f;
    TRY(memory_new(&wanted->start, users + 1, sizeof *wanted->start));
    TRY(memory_new(&wanted->item, count, sizeof *wanted->item));
    TRY(memory_new(&wanted->value, count, sizeof *wanted->value));
    for (int64_t u = 0, at = 0; u < users; u++) {
        for (int64_t i = data->start[u]; i < data->start[u + 1]; i++) {
            if (!(data->interest[i] > 0.0f)) continue;
            wanted->item[at] = data->product[i];
            wanted->value[at++] = data->interest[i];
        }
        wanted->start[u + 1] = at;
    }
done:
    return status;
}

/* The largest singular value that a table of users and products would have by chance alone, were
 * each pair wanted with the same probability: what is below it is noise, and a penalty of that size
 * takes it away (the penalty is a threshold of singular values: Srebro, Rennie and Jaakkola 2005).
 */
static double noise(double pairs, double users, double products, double alpha)
{
    double share = pairs / (users * products);
    return (1.0 + alpha) * sqrt(share) * (sqrt(users) + sqrt(products));
}

static enum status turn_items(const struct als_model *als, int64_t stride, float **item)
{
    enum status status = memory_new(item, als->factors * stride, sizeof **item);
    for (int64_t i = 0; i < als->items && status == OK; i++)
        for (int64_t k = 0; k < als->factors; k++)
            (*item)[k * stride + i] = als->item[i * als->stride + k];
    return status;
}

static void release(void **model)
{
    struct model *m = *model;
    if (m != NULL) {
        als_free(&m->als);
        free(m->item);
        popularity_clear(&m->popularity);
    }
    free(m);
    *model = NULL;
}

static struct als_options options(const struct scorer_data *data, int64_t pairs, const double *knob)
{
    double users = (double)data->dataset->users.blocks.rows_total,
           products = (double)data->dataset->products.count;
    struct als_options opt = ALS_DEFAULTS;
    opt.implicit = true;
    opt.factors = llround(knob[FACTORS]);
    opt.lambda = knob[LAMBDA] * noise((double)pairs, users, products, knob[ALPHA]);
    opt.alpha = knob[ALPHA];
    opt.iterations = llround(knob[ITERATIONS]);
    opt.seed = data->shop->seed;
    return opt;
}

static enum status fit(const struct comm *comm, const struct scorer_data *data, const double *knob,
                       void **model)
{
    enum status status = OK;
    struct model *m = NULL;
    struct wanted wanted = {0};
    const struct blocks *blocks = &data->dataset->users.blocks;
    struct als_options opt;
    int64_t pairs;
    TRY_ALL(comm, memory_new(&m, 1, sizeof *m));
    *model = m;
    TRY_ALL(comm, take_wanted(data, &wanted));
    pairs = wanted.start[blocks->rows_local];
    comm_sum_int64(comm, &pairs, 1);
    if (pairs == 0) TRY_ALL(comm, FAIL(ERR_DATA, "nobody bought, or looked at, anything"));
    opt = options(data, pairs, knob);
    const struct als_data ratings = {.blocks = blocks,
                                     .items = data->dataset->products.count,
                                     .start = wanted.start,
                                     .item = wanted.item,
                                     .value = wanted.value};
    TRY(als_fit(comm, &ratings, &opt, &m->als));
    TRY_ALL(comm, turn_items(m->als, scorer_stride(data), &m->item));
    TRY(popularity_make(comm, data, &m->popularity));
done:
    wanted_clear(&wanted);
    if (status != OK) release(model);
    return status;
}

static bool has_factors(const struct als_model *als, const float *x)
{
    for (int64_t k = 0; k < als->factors; k++)
        if (x[k] != 0.0f) return true;
    return false;
}

static enum status panel(const void *model, const struct scorer_data *data, const int64_t *user,
                         int64_t users, float *score)
{
    const struct model *m = model;
    const struct als_model *als = m->als;
    int64_t stride = scorer_stride(data);
    float *x = NULL;
    enum status status = memory_new(&x, users * als->stride, sizeof *x);
    if (status != OK) return status;
    for (int64_t u = 0; u < users; u++)
        memcpy(x + u * als->stride, als->user + user[u] * als->stride,
               (size_t)als->stride * sizeof *x);
    gemm_run(&(struct gemm){.rows = users,
                            .columns = stride,
                            .depth = als->factors,
                            .a = x,
                            .a_row = als->stride,
                            .a_depth = 1,
                            .b = m->item,
                            .b_stride = stride,
                            .c = score,
                            .c_stride = stride});
    for (int64_t u = 0; u < users; u++)
        if (!has_factors(als, x + u * als->stride))
            memcpy(score + u * stride, popularity_of(&m->popularity, data, user[u]),
                   (size_t)stride * sizeof *score);
    free(x);
    return OK;
}

static int64_t bytes(const struct scorer_data *data, const double *knob)
{
    int64_t factors = vector_padded(llround(knob[FACTORS]) + 1);
    int64_t users = data->dataset->users.blocks.rows_local;
    return 4 * factors * (users + 2 * data->dataset->products.count) + 24 * data->start[users] +
           scorer_popularity.bytes(data, knob);
}

const struct scorer scorer_als = {
    .name = "als",
    .does = "factors of users and products by alternating least squares on interest",
    .knobs = 4,
    .knob = {[FACTORS] = {.key = "recommend.als.factors", .tries = {16, 32, 64}, .count = 3},
             [LAMBDA] = {.key = "recommend.als.lambda", .tries = {0.3, 1, 3}, .count = 3},
             [ALPHA] = {.key = "recommend.als.alpha", .tries = {1, 5, 20}, .count = 3},
             [ITERATIONS] = {.key = "recommend.als.iterations", .tries = {10, 20}, .count = 2}},
    .fit = fit,
    .panel = panel,
    .bytes = bytes,
    .free = release,
};
