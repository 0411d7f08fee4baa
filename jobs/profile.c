/* The profile stage: features of the users, standardised; their segments by k-means, and rules that
 * say in words what these are; the components of a mixture that they belong to; their lifetime
 * value; how the protected group stands to all that; a report, and sequences of their events. */
#include "algorithms/standardise.h"
#include "jobs/features.h"
#include "jobs/kmeans_choices.h"
#include "jobs/profile_groups.h"
#include "jobs/profile_report.h"
#include "jobs/profiles.h"
#include "jobs/run.h"
#include "jobs/suppress.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdlib.h>

enum { ALIGN_FLOATS = 16 };

static enum status standardised(const struct comm *comm, const struct dataset *dataset,
                                const struct features *features, struct profiles *profiles,
                                float **x, int64_t *stride)
{
    enum status status = OK;
    int64_t columns = features->columns, users = dataset->users.blocks.rows_local;
    *stride = (columns + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
    TRY_ALL(comm, memory_new(&profiles->mean, columns, sizeof *profiles->mean));
    TRY_ALL(comm, memory_new(&profiles->sd, columns, sizeof *profiles->sd));
    TRY_ALL(comm, memory_new(x, users * *stride, sizeof **x));
    TRY(standardise_measure(comm, &dataset->users.blocks, features->x, columns, profiles->mean,
                            profiles->sd));
    standardise_apply(features->x, users, columns, profiles->mean, profiles->sd, *x, *stride);
done:
    return status;
}

/* Sizes of the segments, less those of few users. */
static enum status say(const struct run *run, const struct kmeans_model *model, int64_t users)
{
    int64_t least = config_integer(run->config, "privacy.min_users");
    bool *hidden = NULL;
    enum status status = memory_new(&hidden, model->k, sizeof *hidden);
    if (status != OK) return status;
    suppress_cells(model->sizes, model->k, least, hidden);
    int64_t empty = 0;
    if (users >= least)
        log_info("  %lld segments after %lld iterations, inertia %.4f a user", (long long)model->k,
                 (long long)model->iterations, model->inertia / (double)users);
    for (int64_t c = 0; c < model->k; c++)
        if (model->sizes[c] == 0)
            empty++;
        else if (hidden[c])
            log_info("    segment %lld: suppressed, as a segment has fewer than %lld users",
                     (long long)c, (long long)least);
        else
            log_info("    segment %lld: %lld users", (long long)c, (long long)model->sizes[c]);
    if (empty > 0)
        log_warning("    %lld of %lld segments are empty: fewer kinds of users differ at all",
                    (long long)empty, (long long)model->k);
    free(hidden);
    return OK;
}

/* Segments of the rows; fewer than asked for where there are fewer users. */
static enum status cluster(const struct comm *comm, const struct run *run, const struct rows *rows,
                           struct profiles *profiles)
{
    enum status status = OK;
    struct kmeans_options options = KMEANS_OPTIONS_DEFAULTS;
    struct kmeans_model *model = NULL;
    options.k = config_integer(run->config, "profile.segments");
    options.restarts = config_integer(run->config, "profile.restarts");
    options.max_iterations = config_integer(run->config, "profile.max_iterations");
    options.seed = run->seed;
    int64_t most = config_integer(run->config, "profile.segments_most");
    if (rows->blocks->rows_total < config_integer(run->config, "privacy.min_users"))
        most = 0; /* what is said of each number of segments would be of few users */
    TRY(kmeans_choices_fit(comm, rows, &options, most, &profiles->choice, &profiles->choices,
                           &model));
    TRY_ALL(comm,
            memory_new(&profiles->segment, rows->blocks->rows_local, sizeof *profiles->segment));
    TRY_ALL(comm, kmeans_apply(model, rows, profiles->segment, NULL));
    TRY_ALL(comm, say(run, model, rows->blocks->rows_total));
    profiles->segments = model->k;
    profiles->inertia = model->inertia;
    profiles->centroid = model->centroids;
    model->centroids = NULL;
    profiles->size = model->sizes;
    model->sizes = NULL;
done:
    kmeans_free(&model);
    return status;
}

static enum status look_at_groups(const struct comm *comm, const struct run *run,
                                  const struct dataset *dataset, const struct features *features,
                                  const struct profiles *profiles, struct profile_groups *groups)
{
    const struct profile_groups_source source = {
        .users = &dataset->users,
        .features = features,
        .segment = profiles->segment,
        .segments = profiles->segments,
        .min_users = config_integer(run->config, "privacy.min_users"),
        .seed = run->seed};
    return profile_groups_fit(comm, &source, groups);
}

static enum status profile_run(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct dataset *dataset = NULL;
    struct features features = {0};
    struct profiles profiles = {0};
    struct profile_groups groups = {0};
    float *x = NULL;
    int64_t stride = 0;
    TRY(dataset_read(comm, run_path(run, "dataset.h5"), DATASET_USERS | DATASET_EVENTS, &dataset));
    /* a feature takes 8 bytes as it is, and for rules 6, and 16 a user (standardised it takes 4,
     * before that); there are at most 25; and a component of a user takes 16 */
    int64_t user = 25 * (8 + 6) + 16 + PROFILE_MIXTURE_KEEP * 16;
    log_need(comm, dataset_bytes(dataset) + dataset->users.blocks.rows_local * user);
    TRY(features_make(comm, dataset, &features));
    TRY(standardised(comm, dataset, &features, &profiles, &x, &stride));
    struct rows rows = {&dataset->users.blocks, features.columns, stride, x};
    TRY(cluster(comm, run, &rows, &profiles));
    free(x);
    x = NULL;
    TRY(profile_rules_fit(comm, run, rows.blocks, &features, profiles.segment, profiles.segments,
                          &profiles.rules));
    TRY(profile_mixture_fit(comm, run, rows.blocks, &features, &profiles.mixture));
    TRY(profile_lifetime_fit(comm, dataset,
                             (double)config_integer(run->config, "profile.horizon_days"),
                             config_integer(run->config, "privacy.min_users"), &profiles.lifetime));
    TRY(look_at_groups(comm, run, dataset, &features, &profiles, &groups));
    TRY(profiles_write(comm, run_path(run, "profiles.h5"), dataset, &features, &profiles,
                       config_integer(run->config, "profile.sequence")));
    TRY(profile_report_write(comm, run, rows.blocks, &features, &profiles, &groups));
done:
    free(x);
    profile_groups_clear(&groups);
    profiles_clear(&profiles);
    features_clear(&features);
    dataset_free(&dataset);
    return status;
}

static const char *const keys[] = {"profile", "privacy.min_users", NULL};
static const char *const needs[] = {"ingest", NULL};
static const char *const outputs[] = {"profiles.h5", "profiles.json", NULL};

const struct stage stage_profile = {
    .name = "profile",
    .does = "features, segments and lifetime value of the users",
    .keys = keys,
    .needs = needs,
    .outputs = outputs,
    .run = profile_run,
};
