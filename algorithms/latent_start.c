/* Profiles of rows, clustered. */
#include "algorithms/latent_start.h"

#include "algorithms/kmeans.h"
#include "algorithms/latent_row.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { ITERATIONS = 20 };

/* A profile is, item by item, how much more often than usual it was met, in logs, and how far its
 * value is from the usual one, in standard deviations; the weight of the former. */
#define WEIGHT_OF_COUNTS 0.7

/* As many meetings as there are subjects are taken to have gone the usual way beside those seen. */
static void put_counts(const struct latent_classes *one, const struct latent_row *row, float *x)
{
    double total[LATENT_GROUPS_MAX] = {0}, usual = (double)one->subjects;
    for (int64_t e = 0; e < row->entries; e++)
        total[row->item[e] / one->subjects] += (double)row->count[e];
    for (int64_t j = 0; j < one->items; j++)
        x[j] = (float)(WEIGHT_OF_COUNTS * log(usual / (total[j / one->subjects] + usual)));
    for (int64_t e = 0; e < row->entries; e++) {
        int64_t j = row->item[e];
        double met = (double)row->count[e] / one->share[j] + usual;
        x[j] = (float)(WEIGHT_OF_COUNTS * log(met / (total[j / one->subjects] + usual)));
    }
}

static void put_values(const struct latent_classes *one, const struct latent_row *row, float *x)
{
    struct latent_verdict v;
    double sd = sqrt(one->within);
    latent_row_judge(one, row, -1, &v);
    for (int64_t s = 0; s < one->subjects; s++) x[s] = 0.0f;
    for (int64_t i = 0; i < v.values; i++) {
        double sure = fabs(1.0 - 2.0 * v.value[i].other[0]);
        x[v.value[i].subject] = (float)(sure * v.value[i].off[0] / sd);
    }
}

static enum status make_profiles(const struct latent_evidence *evidence,
                                 const struct latent_classes *one, float **profile)
{
    int64_t rows = evidence->blocks->rows_local, width = one->items + one->subjects;
    enum status status = memory_new(profile, rows * width, sizeof **profile);
    for (int64_t i = 0; i < rows && status == OK; i++) {
        struct latent_row row = latent_row_at(evidence, i);
        put_counts(one, &row, *profile + width * i);
        put_values(one, &row, *profile + width * i + one->items);
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
        sum[j / one->subjects] += share;
    }
    for (int64_t j = 0; j < one->items; j++) {
        double *share = &model->share[j * model->classes + c];
        *share /= sum[j / one->subjects];
        model->log_share[j * model->classes + c] = log(*share);
    }
}

static void take_clusters(const struct latent_classes *one, const struct kmeans_model *clusters,
                          int64_t rows, struct latent_classes *model)
{
    for (int64_t c = 0; c < model->classes; c++) {
        const double *centroid = clusters->centroids + (one->items + one->subjects) * c;
        model->chance[c] = ((double)clusters->sizes[c] + 1.0) / (double)(rows + model->classes);
        take_shares(one, centroid, c, model);
        for (int64_t s = 0; s < one->subjects; s++)
            model->mean[s * model->classes + c] =
                one->mean[s] + sqrt(one->within) * centroid[one->items + s];
    }
    latent_classes_share(one, model);
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
    int64_t width = one->items + one->subjects;
    struct rows rows = {evidence->blocks, width, width, profile};
    TRY(kmeans_fit(comm, &rows, &opt, &clusters));
    TRY_ALL(comm, latent_classes_new(classes, one->groups, one->subjects, model));
    take_clusters(one, clusters, evidence->blocks->rows_total, *model);
done:
    free(profile);
    kmeans_free(&clusters);
    if (status != OK) latent_classes_free(model);
    return status;
}
