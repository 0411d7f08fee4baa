/* k-means for several k, and the choice between them. */
#include "algorithms/kmeans_range.h"

#include "algorithms/silhouette.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

static enum status measure(const struct comm *comm, const struct silhouette_sample *sample,
                           const struct kmeans_model *model, int32_t *labels, double *silhouette)
{
    enum status status = OK;
    struct blocks blocks = {.rows_local = sample->count};
    struct rows rows = {&blocks, sample->columns, sample->columns, sample->x};
    TRY_ALL(comm, kmeans_apply(model, &rows, labels, NULL));
    TRY(silhouette_mean(comm, sample, labels, model->k, silhouette));
done:
    return status;
}

static void find_elbow(struct kmeans_choice *choices, int64_t count)
{
    double start = choices[0].inertia, fall = start - choices[count - 1].inertia;
    for (int64_t i = 0; i < count && fall > 0; i++) {
        double along = (double)i / (double)(count - 1);
        choices[i].elbow = (start - choices[i].inertia) / fall - along;
    }
}

int64_t kmeans_range_elbow(const struct kmeans_choice *choices, int64_t count)
{
    int64_t at = -1;
    for (int64_t i = 1; i + 1 < count; i++)
        if (choices[i].elbow > (at < 0 ? 0 : choices[at].elbow)) at = i;
    return at;
}

/* Fit one k, and keep the model in `best` if its silhouette is above `highest`. */
static enum status try_k(const struct comm *comm, const struct rows *x,
                         const struct kmeans_options *opt, const struct silhouette_sample *sample,
                         int32_t *labels, struct kmeans_choice *choice, double *highest,
                         struct kmeans_model **best)
{
    enum status status = OK;
    struct kmeans_model *model = NULL;
    TRY(kmeans_fit(comm, x, opt, &model));
    *choice = (struct kmeans_choice){.k = opt->k,
                                     .iterations = model->iterations,
                                     .inertia = model->inertia,
                                     .converged = model->converged};
    TRY(measure(comm, sample, model, labels, &choice->silhouette));
    if (*best == NULL || choice->silhouette > *highest) {
        struct kmeans_model *swap = *best;
        *best = model;
        model = swap;
        *highest = isnan(choice->silhouette) ? -INFINITY : choice->silhouette;
    }
done:
    kmeans_free(&model);
    return status;
}

enum status kmeans_fit_range(const struct comm *comm, const struct rows *x,
                             const struct kmeans_options *opt, int64_t first, int64_t last,
                             struct kmeans_choice *choices, struct kmeans_model **model)
{
    enum status status = OK;
    struct silhouette_sample sample = {0};
    struct kmeans_options options = *opt;
    int32_t *labels = NULL;
    double highest = -INFINITY;
    *model = NULL;
    if (first < 1 || last < first || last > x->blocks->rows_total || opt->init != NULL)
        return FAIL(
            ERR_ARG,
            "k = %lld to %lld clusters of %lld rows; choose a range from 1 to the number of "
            "rows, without a start",
            (long long)first, (long long)last, (long long)x->blocks->rows_total);
    TRY(silhouette_draw(comm, x, opt->seed, &sample));
    TRY_ALL(comm, memory_new(&labels, sample.count, sizeof *labels));
    for (int64_t k = first; k <= last; k++) {
        options.k = k;
        TRY(try_k(comm, x, &options, &sample, labels, &choices[k - first], &highest, model));
    }
    find_elbow(choices, last - first + 1);
done:
    silhouette_sample_clear(&sample);
    free(labels);
    if (status != OK) kmeans_free(model);
    return status;
}
