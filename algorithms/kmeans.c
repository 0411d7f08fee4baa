/* Lloyd's iterations over distributed rows, restarts, and the use of a model. */
#include "algorithms/kmeans.h"

#include "algorithms/kmeans_labels.h"
#include "algorithms/kmeans_reseed.h"
#include "algorithms/kmeans_start.h"
#include "algorithms/kmeans_sums.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a fit needs beside the model, made once. */
struct work {
    const struct kmeans_kernel *kernel;
    struct kmeans_panels panels;
    struct kmeans_sums sums;
    struct kmeans_labels labels; /* of the restart at hand */
    double *unit;                /* [columns] */
    double *next;                /* [k][columns] sums, then the centroids to come */
    double *partial;             /* [blocks_local] inertia of each block */
    double threshold;            /* sum of squared shifts that counts as standing still */
};

static enum status check_options(const struct rows *x, const struct kmeans_options *opt)
{
    int64_t rows = x->blocks->rows_total;
    if (opt->k < 1 || opt->k > rows || opt->k > INT32_MAX)
        return FAIL(ERR_ARG,
                    "k = %lld clusters of %lld rows; choose k from 1 to the number of rows",
                    (long long)opt->k, (long long)rows);
    if (x->columns < 1 || x->stride < x->columns)
        return FAIL(ERR_ARG, "rows of %lld columns cannot be clustered; give at least one column",
                    (long long)x->columns);
    if (opt->restarts < 1 || opt->max_iterations < 0 || !(opt->tolerance >= 0.0))
        return FAIL(ERR_ARG,
                    "restarts = %lld (at least 1), iterations = %lld and tolerance = %g (at "
                    "least 0) are out of range",
                    (long long)opt->restarts, (long long)opt->max_iterations, opt->tolerance);
    for (int64_t i = 0; opt->init != NULL && i < opt->k * x->columns; i++)
        if (!(fabs(opt->init[i]) <= KMEANS_LIMIT))
            return FAIL(ERR_ARG, "start of centroid %lld is not finite or beyond %g",
                        (long long)(i / x->columns) + 1, KMEANS_LIMIT);
    if (kmeans_kernel_choose(opt->path) == NULL)
        return FAIL(ERR_ARG, "this processor lacks the instruction set asked for");
    return OK;
}

static enum status model_new(int64_t k, int64_t columns, struct kmeans_model **model)
{
    enum status status = OK;
    TRY(memory_new(model, 1, sizeof **model));
    (*model)->k = k;
    (*model)->columns = columns;
    TRY(memory_new(&(*model)->centroids, k * columns, sizeof *(*model)->centroids));
    TRY(memory_new(&(*model)->sizes, k, sizeof *(*model)->sizes));
done:
    if (status != OK) kmeans_free(model);
    return status;
}

void kmeans_free(struct kmeans_model **model)
{
    if (*model == NULL) return;
    free((*model)->centroids);
    free((*model)->sizes);
    free(*model);
    *model = NULL;
}

static void work_clear(struct work *work)
{
    kmeans_panels_clear(&work->panels);
    kmeans_labels_clear(&work->labels);
    kmeans_sums_clear(&work->sums);
    free(work->unit);
    free(work->next);
    free(work->partial);
}

static enum status work_alloc(const struct rows *x, const struct kmeans_options *opt,
                              struct work *work)
{
    enum status status = OK;
    work->kernel = kmeans_kernel_choose(opt->path);
    TRY(memory_new(&work->unit, x->columns, sizeof *work->unit));
    TRY(memory_new(&work->next, opt->k * x->columns, sizeof *work->next));
    TRY(memory_new(&work->partial, x->blocks->blocks_local, sizeof *work->partial));
    TRY(kmeans_panels_init(&work->panels, work->kernel, opt->k, x->columns));
done:
    return status;
}

static enum status work_init(const struct comm *comm, const struct rows *x,
                             const struct kmeans_options *opt, struct work *work)
{
    enum status status = OK;
    TRY_ALL(comm, work_alloc(x, opt, work));
    TRY(kmeans_units(comm, x, work->unit));
    TRY_ALL(comm, kmeans_sums_init(&work->sums, opt->k, x->columns, work->unit));
    if (opt->tolerance > 0.0) {
        double variance = 0;
        TRY(kmeans_mean_variance(comm, x, work->unit, &variance));
        work->threshold = opt->tolerance * variance;
    }
done:
    return status;
}

/* centroids = next, a cluster without rows stays; the sum of squared shifts */
static double move(struct kmeans_model *model, const int64_t *count, const double *next)
{
    double shift = 0;
    for (int64_t c = 0; c < model->k; c++)
        for (int64_t j = 0; j < model->columns && count[c] > 0; j++) {
            double *centroid = &model->centroids[c * model->columns + j];
            double mean = next[c * model->columns + j] / (double)count[c];
            shift += (mean - *centroid) * (mean - *centroid);
            *centroid = mean;
        }
    return shift;
}

/* One iteration: label, sum, one reduction, move. shift out: sum of squared shifts */
static enum status iterate(const struct comm *comm, const struct rows *x, struct work *work,
                           struct kmeans_model *model, double *shift)
{
    enum status status = OK;
    kmeans_labels_pass(&work->labels, model->centroids);
    TRY(kmeans_sums_reduce(comm, &work->sums, work->next));
    TRY(kmeans_reseed(comm, x, &work->panels, model->centroids, work->sums.count, work->next));
    *shift = move(model, work->sums.count, work->next);
done:
    return status;
}

static enum status lloyd(const struct comm *comm, const struct rows *x,
                         const struct kmeans_options *opt, struct work *work,
                         struct kmeans_model *model)
{
    enum status status = OK;
    while (!model->converged && model->iterations < opt->max_iterations) {
        double shift = 0;
        TRY(iterate(comm, x, work, model, &shift));
        model->iterations++;
        model->settled = shift == 0.0;
        model->converged = shift <= work->threshold;
        log_progress("k-means", model->iterations, opt->max_iterations);
    }
    model->stopped = !model->converged;
done:
    return status;
}

/* Inertia and sizes of the rows [first, end) of one block. */
static double measure_block(const struct rows *x, int64_t first, int64_t end,
                            const struct work *work, struct kmeans_model *model)
{
    int32_t labels[KMEANS_STRIP];
    double squares[KMEANS_STRIP], sum = 0;
    for (int64_t i = first; i < end; i += KMEANS_STRIP) {
        int64_t rows = end - i < KMEANS_STRIP ? end - i : KMEANS_STRIP;
        const float *strip = x->x + i * x->stride;
        kmeans_labels_get(&work->labels, i, rows, labels);
        work->kernel->squares(strip, rows, x->stride, x->columns, labels, model->centroids,
                              squares);
        for (int64_t r = 0; r < rows; r++) {
            sum += squares[r];
            model->sizes[labels[r]]++;
        }
    }
    return sum;
}

static enum status measure(const struct comm *comm, const struct rows *x, struct work *work,
                           struct kmeans_model *model)
{
    enum status status = OK;
    kmeans_labels_pass(&work->labels, model->centroids);
    for (int64_t b = 0; b < x->blocks->blocks_local; b++)
        work->partial[b] =
            measure_block(x, x->blocks->start[b], x->blocks->start[b + 1], work, model);
    comm_sum_int64(comm, model->sizes, model->k);
    TRY(kmeans_total(comm, work->partial, x->blocks->blocks_local, &model->inertia));
done:
    return status;
}

/* One restart from its start to its inertia. */
static enum status restart(const struct comm *comm, const struct rows *x,
                           const struct kmeans_options *opt, int64_t number, struct work *work,
                           struct kmeans_model **model)
{
    enum status status = OK;
    TRY_ALL(comm, model_new(opt->k, x->columns, model));
    if (opt->init != NULL) {
        size_t bytes = (size_t)(opt->k * x->columns) * sizeof *opt->init;
        memcpy((*model)->centroids, opt->init, bytes);
    } else {
        struct kmeans_start_options start = {opt->k, opt->seed, (uint64_t)number, work->kernel};
        TRY(kmeans_start(comm, x, &start, (*model)->centroids));
    }
    TRY_ALL(comm, kmeans_labels_init(&work->labels, x, &work->panels, &work->sums));
    TRY(lloyd(comm, x, opt, work, *model));
    TRY(measure(comm, x, work, *model));
    kmeans_labels_clear(&work->labels);
    log_debug("k-means restart %lld: inertia %.9g after %lld iterations", (long long)number + 1,
              (*model)->inertia, (long long)(*model)->iterations);
done:
    return status;
}

enum status kmeans_fit(const struct comm *comm, const struct rows *x,
                       const struct kmeans_options *opt, struct kmeans_model **model)
{
    enum status status = OK;
    struct work work = {0};
    struct kmeans_model *tried = NULL;
    *model = NULL;
    TRY_ALL(comm, check_options(x, opt));
    TRY(work_init(comm, x, opt, &work));
    for (int64_t r = 0; r < (opt->init != NULL ? 1 : opt->restarts); r++) {
        TRY(restart(comm, x, opt, r, &work, &tried));
        if (*model == NULL || tried->inertia < (*model)->inertia) {
            struct kmeans_model *swap = *model;
            *model = tried;
            tried = swap;
        }
        kmeans_free(&tried);
    }
done:
    work_clear(&work);
    kmeans_free(&tried);
    if (status != OK) kmeans_free(model);
    return status;
}
