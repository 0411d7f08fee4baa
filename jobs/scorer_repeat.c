/* Repeat purchase: the smoothed share that each product has of the user's own dealings. */
#include "jobs/scorer_popularity.h"
#include "mpi/memory.h"

#include <stdlib.h>

struct repeat {
    struct popularity popularity;
    double smoothing; /* purchases by which the segment speaks beside the user's own history */
};

static void release(void **model)
{
    struct repeat *repeat = *model;
    if (repeat != NULL) popularity_clear(&repeat->popularity);
    free(repeat);
    *model = NULL;
}

static enum status fit(const struct comm *comm, const struct scorer_data *data, const double *knob,
                       void **model)
{
    enum status status = OK;
    struct repeat *repeat = NULL;
    TRY_ALL(comm, memory_new(&repeat, 1, sizeof *repeat));
    *model = repeat;
    repeat->smoothing = knob[0];
    TRY(popularity_make(comm, data, &repeat->popularity));
done:
    if (status != OK) release(model);
    return status;
}

/* (interest + smoothing x share in the segment) / (all interest + smoothing) */
static void score_user(const struct repeat *repeat, const struct scorer_data *data, int64_t user,
                       float *score)
{
    const float *share = popularity_of(&repeat->popularity, data, user);
    double total = 0.0;
    for (int64_t i = data->start[user]; i < data->start[user + 1]; i++)
        total += (double)data->interest[i];
    double whole = (total > 0.0 ? total : 0.0) + repeat->smoothing;
    float part = (float)(repeat->smoothing / whole);
    for (int64_t p = 0; p < repeat->popularity.stride; p++) score[p] = part * share[p];
    for (int64_t i = data->start[user]; i < data->start[user + 1]; i++)
        score[data->product[i]] += (float)((double)data->interest[i] / whole);
}

static enum status panel(const void *model, const struct scorer_data *data, const int64_t *user,
                         int64_t users, float *score)
{
    const struct repeat *repeat = model;
    for (int64_t u = 0; u < users; u++)
        score_user(repeat, data, user[u], score + u * repeat->popularity.stride);
    return OK;
}

static int64_t bytes(const struct scorer_data *data, const double *knob)
{
    return scorer_popularity.bytes(data, knob);
}

const struct scorer scorer_repeat = {
    .name = "repeat",
    .does = "what the user bought before, and what is bought most in the segment",
    .knobs = 1,
    .knob = {{.key = "recommend.smoothing", .tries = {5, 20, 80}, .count = 3}},
    .fit = fit,
    .panel = panel,
    .bytes = bytes,
    .free = release,
};
