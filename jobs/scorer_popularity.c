/* Popularity in the segment, for itself a scorer. */
#include "jobs/scorer_popularity.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

static void count_purchases(const struct scorer_data *data, int64_t *count)
{
    int64_t products = data->dataset->products.count;
    for (int64_t u = 0; u < data->dataset->users.blocks.rows_local; u++)
        for (int64_t i = data->start[u]; i < data->start[u + 1]; i++)
            count[data->segment[u] * products + data->product[i]] += data->bought[i];
}

static void take_shares(const struct scorer_data *data, const int64_t *count,
                        struct popularity *popularity)
{
    int64_t products = data->dataset->products.count;
    for (int64_t s = 0; s < data->shop->segments; s++) {
        int64_t total = 0;
        for (int64_t p = 0; p < products; p++)
            total += count[s * products + p] + data->shop->offerable[p];
        for (int64_t p = 0; p < products && total > 0; p++)
            popularity->share[s * popularity->stride + p] =
                (float)((double)(count[s * products + p] + data->shop->offerable[p]) /
                        (double)total);
    }
}

enum status popularity_make(const struct comm *comm, const struct scorer_data *data,
                            struct popularity *popularity)
{
    enum status status = OK;
    int64_t cells = data->shop->segments * data->dataset->products.count, *count = NULL;
    *popularity = (struct popularity){.stride = scorer_stride(data)};
    TRY_ALL(comm, memory_new(&count, cells, sizeof *count));
    TRY_ALL(comm, memory_new(&popularity->share, data->shop->segments * popularity->stride,
                             sizeof *popularity->share));
    count_purchases(data, count);
    comm_sum_int64(comm, count, cells);
    take_shares(data, count, popularity);
done:
    free(count);
    if (status != OK) popularity_clear(popularity);
    return status;
}

void popularity_clear(struct popularity *popularity)
{
    free(popularity->share);
    *popularity = (struct popularity){0};
}

const float *popularity_of(const struct popularity *popularity, const struct scorer_data *data,
                           int64_t user)
{
    return popularity->share + data->segment[user] * popularity->stride;
}

/* ---- the scorer ---- */

static void release(void **model)
{
    if (*model != NULL) popularity_clear(*model);
    free(*model);
    *model = NULL;
}

static enum status fit(const struct comm *comm, const struct scorer_data *data, const double *knob,
                       void **model)
{
    enum status status = OK;
    (void)knob;
    TRY_ALL(comm, memory_new(model, 1, sizeof(struct popularity)));
    TRY(popularity_make(comm, data, *model));
done:
    if (status != OK) release(model);
    return status;
}

static enum status panel(const void *model, const struct scorer_data *data, const int64_t *user,
                         int64_t users, float *score)
{
    const struct popularity *popularity = model;
    for (int64_t u = 0; u < users; u++)
        memcpy(score + u * popularity->stride, popularity_of(popularity, data, user[u]),
               (size_t)popularity->stride * sizeof *score);
    return OK;
}

static int64_t bytes(const struct scorer_data *data, const double *knob)
{
    (void)knob;
    return 12 * data->shop->segments * scorer_stride(data);
}

const struct scorer scorer_popularity = {
    .name = "popularity",
    .does = "what is bought most in the user's segment",
    .fit = fit,
    .panel = panel,
    .bytes = bytes,
    .free = release,
};
