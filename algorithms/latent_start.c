/* Profiles of rows, clustered. */
#include "algorithms/latent_start.h"

#include "algorithms/kmeans.h"
#include "algorithms/latent_pass.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { ITERATIONS = 20 };

/* A profile is, item by item, how much more often than usual it was met, in logs, and how far its
 * value is from the usual one, in standard deviations; the weight of the former. */
#define WEIGHT_OF_COUNTS 0.7

/* Meetings, as many as there are items, are taken to have gone the usual way beside those seen. */
static double smoothed(const struct latent_classes *one, int32_t group)
{
    double items = 0.0;
    for (int64_t j = 0; j < one->items; j++) items += one->group[j] == group ? 1.0 : 0.0;
    return items;
}

static void put_counts(const struct latent_classes *one, const struct latent_row *row,
                       const double *usual, float *x)
{
    double total[LATENT_GROUPS_MAX] = {0};
    for (int64_t e = 0; e < row->entries; e++)
        total[one->group[row->item[e]]] += (double)row->count[e];
    for (int64_t j = 0; j < one->items; j++) {
        int32_t g = one->group[j];
        x[j] = (float)(WEIGHT_OF_COUNTS * log(usual[g] / (total[g] + usual[g])));
    }
    for (int64_t e = 0; e < row->entries; e++) {
        int32_t j = row->item[e], g = one->group[j];
        double met = (double)row->count[e] / one->share[j] + usual[g];
        x[j] = (float)(WEIGHT_OF_COUNTS * log(met / (total[g] + usual[g])));
    }
}

static void put_values(const struct latent_classes *one, const struct latent_row *row, float *x)
{
    double chance, level, sd = sqrt(one->within);
    latent_pass_row(one, row, -1, &chance, &level);
    for (int64_t j = 0; j < one->items; j++) x[j] = 0.0f;
    for (int64_t e = 0; e < row->entries; e++) {
        int32_t j = row->item[e];
        double off = ((double)row->value[e] - one->mean[j] - level) / sd;
        if (row->value_weight[e] > 0.0f)
            x[j] = (float)(fmin((double)row->value_weight[e], 1.0) * off);
    }
}

static enum status make_profiles(const struct latent_evidence *evidence,
                                 const struct latent_classes *one, float **profile)
{
    int64_t rows = evidence->blocks->rows_local, items = one->items;
    double usual[LATENT_GROUPS_MAX];
    enum status status = memory_new(profile, rows * 2 * items, sizeof **profile);
    for (int32_t g = 0; g < LATENT_GROUPS_MAX; g++) usual[g] = smoothed(one, g);
    for (int64_t i = 0; i < rows && status == OK; i++) {
        struct latent_row row = latent_row_at(evidence, i);
        put_counts(one, &row, usual, *profile + 2 * items * i);
        put_values(one, &row, *profile + 2 * items * i + items);
    }
    return status;
}

/* Shares of a class by the centroid of its profiles, which add up to 1 in each group. */
static void take_shares(const struct latent_classes *one, const double *centroid, int64_t c,
                        struct latent_classes *model)
{
    double sum[LATENT_GROUPS_MAX] = {0};
    for (int64_t j = 0; j < one->items; j++) {
        double share = one->share[j] * exp(centroid[j] / WEIGHT_OF_COUNTS);
        model->share[j * model->classes + c] = share;
        sum[one->group[j]] += share;
    }
    for (int64_t j = 0; j < one->items; j++) {
        double *share = &model->share[j * model->classes + c];
        *share /= sum[one->group[j]];
        model->log_share[j * model->classes + c] = log(*share);
    }
}

static void take_clusters(const struct latent_classes *one, const struct kmeans_model *clusters,
                          int64_t rows, struct latent_classes *model)
{
    for (int64_t c = 0; c < model->classes; c++) {
        const double *centroid = clusters->centroids + 2 * one->items * c;
        model->chance[c] = ((double)clusters->sizes[c] + 1.0) / (double)(rows + model->classes);
        take_shares(one, centroid, c, model);
        for (int64_t j = 0; j < one->items; j++)
            model->mean[j * model->classes + c] =
                one->mean[j] + sqrt(one->within) * centroid[one->items + j];
    }
    model->within = one->within;
    model->between = one->between;
}

enum status latent_start(const struct comm *comm, const struct latent_evidence *evidence,
                         const struct latent_classes *one, int64_t classes, uint64_t seed,
                         struct latent_classes **model)
{
    enum status status = OK;
    float *profile = NULL;
    struct kmeans_model *clusters = NULL;
    struct kmeans_options opt = KMEANS_OPTIONS_DEFAULTS;
    *model = NULL;
    opt.k = classes;
    opt.seed = seed;
    opt.max_iterations = ITERATIONS;
    TRY_ALL(comm, make_profiles(evidence, one, &profile));
    struct rows rows = {evidence->blocks, 2 * one->items, 2 * one->items, profile};
    TRY(kmeans_fit(comm, &rows, &opt, &clusters));
    TRY_ALL(comm, latent_classes_new(classes, one->items, one->group, model));
    take_clusters(one, clusters, evidence->blocks->rows_total, *model);
done:
    free(profile);
    kmeans_free(&clusters);
    if (status != OK) latent_classes_free(model);
    return status;
}
