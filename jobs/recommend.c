/* The recommend stage: the products that each user may want most, as a scorer has it. */
#include "algorithms/ranking.h"
#include "io/dataset.h"
#include "jobs/candidates.h"
#include "jobs/run.h"
#include "jobs/scorer.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

/* Leave out what may not be offered. */
static void mask(const struct scorer_data *data, float *score)
{
    for (int64_t p = 0; p < data->dataset->products.count; p++)
        if (!data->shop->offerable[p]) score[p] = -INFINITY;
}

static enum status take_best(const struct scorer *scorer, const void *model,
                             const struct scorer_data *data, struct candidates *candidates)
{
    enum status status = OK;
    float *score = NULL;
    int64_t *user = NULL, users = data->dataset->users.blocks.rows_local, slots = candidates->slots;
    int64_t chunk = scorer_chunk(data), stride = scorer_stride(data);
    TRY(memory_new(&score, chunk * stride, sizeof *score));
    TRY(memory_new(&user, chunk, sizeof *user));
    for (int64_t first = 0; first < users; first += chunk) {
        int64_t now = users - first < chunk ? users - first : chunk;
        for (int64_t u = 0; u < now; u++) user[u] = first + u;
        TRY(scorer->panel(model, data, user, now, score));
        for (int64_t u = 0; u < now; u++) {
            int64_t at = (first + u) * slots;
            mask(data, score + u * stride);
            ranking_best(score + u * stride, data->dataset->products.count, slots,
                         candidates->product + at, candidates->score + at);
        }
        log_progress("scoring users", first + now, users);
    }
done:
    free(user);
    free(score);
    return status;
}

static enum status score_users(const struct comm *comm, const struct scorer *scorer,
                               const struct scorer_data *data, struct candidates *candidates)
{
    enum status status = OK;
    void *model = NULL;
    double knob[SCORER_KNOBS];
    int64_t rows = data->dataset->users.blocks.rows_local * candidates->slots;
    scorer_knobs(scorer, data->shop->config, knob);
    TRY(scorer->fit(comm, data, knob, &model));
    TRY_ALL(comm, memory_new(&candidates->product, rows, sizeof *candidates->product));
    TRY_ALL(comm, memory_new(&candidates->score, rows, sizeof *candidates->score));
    TRY_ALL(comm, take_best(scorer, model, data, candidates));
done:
    scorer->free(&model);
    return status;
}

static int64_t bytes_needed(const struct dataset *dataset, int64_t slots)
{
    int64_t users = dataset->users.blocks.rows_local;
    return dataset_bytes(dataset) + users * (8 * slots + 350) + 12 * dataset->events.start[users];
}

static enum status recommend_run(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct dataset *dataset = NULL;
    struct scorer_shop shop = {0};
    struct scorer_data data = {0};
    struct candidates candidates = {.slots = config_integer(run->config, "recommend.slots")};
    TRY(dataset_read(comm, run_path(run, "dataset.h5"), DATASET_USERS | DATASET_EVENTS, &dataset));
    log_need(comm, bytes_needed(dataset, candidates.slots));
    TRY(scorer_shop_open(comm, run, dataset, &shop));
    TRY(scorer_data_make(comm, &shop, INT64_MAX, NULL, &data));
    TRY(score_users(comm, &scorer_repeat, &data, &candidates));
    TRY(candidates_write(comm, run_path(run, "candidates.h5"), &dataset->users.blocks,
                         &candidates));
done:
    candidates_clear(&candidates);
    scorer_data_clear(&data);
    scorer_shop_clear(&shop);
    dataset_free(&dataset);
    return status;
}

static const char *const keys[] = {"recommend", "allocate.margin_floor", NULL};
static const char *const needs[] = {"profile", NULL};
static const char *const outputs[] = {"candidates.h5", NULL};

const struct stage stage_recommend = {
    .name = "recommend",
    .does = "the products each user may want",
    .keys = keys,
    .needs = needs,
    .outputs = outputs,
    .run = recommend_run,
};
