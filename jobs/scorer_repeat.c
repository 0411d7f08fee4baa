/* Repeat purchase: the smoothed share that each product has of the user's own dealings. How much it
 * is smoothed is learned from how often users come back to what they bought. */
#include "jobs/scorer_popularity.h"
#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>

enum { SMOOTHINGS = 18, SMOOTHING_USERS = 20000, DRAW_SMOOTHING = 4 }; /* 1, 2, 4 .. 2^17 */

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

/* ---- smoothing ---- */

static double purchases_of(const struct scorer_data *data, int64_t user)
{
    double total = 0.0;
    for (int64_t i = data->start[user]; i < data->start[user + 1]; i++)
        total += (double)data->bought[i];
    return total;
}

/* Log chance of each of the user's purchases, were it the next after all the others. */
static void add_user(const struct repeat *repeat, const struct scorer_data *data, int64_t user,
                     struct exact_sums *sums)
{
    const float *share = popularity_of(&repeat->popularity, data, user);
    double total = purchases_of(data, user), chance[SMOOTHINGS] = {0};
    for (int64_t i = data->start[user]; i < data->start[user + 1] && total > 1.0; i++) {
        double own = (double)data->bought[i], q = (double)share[data->product[i]];
        for (int k = 0; k < SMOOTHINGS && own > 0.0 && q > 0.0; k++) {
            double s = ldexp(1.0, k);
            chance[k] += own * log((own - 1.0 + s * q) / (total - 1.0 + s)) / total;
        }
    }
    exact_add(sums, 0, chance, SMOOTHINGS);
}

/* The smoothing under which each purchase is likeliest, given the user's others (the concentration
 * of a Dirichlet distribution, by leave-one-out: Minka 2000). */
static enum status learn_smoothing(const struct comm *comm, const struct scorer_data *data,
                                   struct repeat *repeat)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    const struct blocks *blocks = &data->dataset->users.blocks;
    double bar = SMOOTHING_USERS / (double)blocks->rows_total;
    int best = 0;
    TRY_ALL(comm, exact_init(&sums, SMOOTHINGS));
    for (int64_t u = 0; u < blocks->rows_local; u++)
        if (random_uniform(data->shop->seed, RANDOM_SPLIT, (uint64_t)(blocks->row_first + u),
                           DRAW_SMOOTHING) < bar)
            add_user(repeat, data, u, &sums);
    TRY(exact_reduce(comm, &sums));
    for (int k = 1; k < SMOOTHINGS; k++)
        if (exact_get(&sums, k) > exact_get(&sums, best)) best = k;
    repeat->smoothing = ldexp(1.0, best);
    log_debug("  repeat purchases are smoothed by %g", repeat->smoothing);
done:
    exact_clear(&sums);
    return status;
}

/* ---- the scorer ---- */

static enum status fit(const struct comm *comm, const struct scorer_data *data, const double *knob,
                       void **model)
{
    enum status status = OK;
    struct repeat *repeat = NULL;
    TRY_ALL(comm, memory_new(&repeat, 1, sizeof *repeat));
    *model = repeat;
    repeat->smoothing = knob[0];
    TRY(popularity_make(comm, data, &repeat->popularity));
    if (repeat->smoothing == 0.0) TRY(learn_smoothing(comm, data, repeat));
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
    .knob = {{.key = "recommend.smoothing", .tries = {0, 10, 100, 1000}, .count = 4}},
    .fit = fit,
    .panel = panel,
    .bytes = bytes,
    .free = release,
};
