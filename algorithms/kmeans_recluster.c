/* Clustering the few weighted rows that k-means|| drew. */
#include "algorithms/kmeans_start.h"

#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ITERATIONS = 10 };

struct work {
    const float *points;   /* [count][columns]; not owned */
    const int64_t *weight; /* [count]; not owned */
    int64_t count, columns;
    const struct kmeans_start_options *opt;
    uint64_t draws;     /* random numbers used so far */
    double *square;     /* [count] squared distance to the nearest centroid chosen */
    double *trial;      /* [count] the same with the trial's centroid */
    double *best;       /* [count] of the best trial */
    double *running;    /* [count] running sum of weight * square */
    double *sums;       /* [k][columns] */
    double *sum_weight; /* [k] */
    int32_t *labels;    /* [count] */
    struct kmeans_panels panels;
};

static void work_clear(struct work *work)
{
    free(work->square);
    free(work->trial);
    free(work->best);
    free(work->running);
    free(work->sums);
    free(work->sum_weight);
    free(work->labels);
    kmeans_panels_clear(&work->panels);
}

static enum status work_init(struct work *work)
{
    enum status status = OK;
    int64_t k = work->opt->k;
    TRY(memory_new(&work->square, work->count, sizeof *work->square));
    TRY(memory_new(&work->trial, work->count, sizeof *work->trial));
    TRY(memory_new(&work->best, work->count, sizeof *work->best));
    TRY(memory_new(&work->running, work->count, sizeof *work->running));
    TRY(memory_new(&work->sums, k * work->columns, sizeof *work->sums));
    TRY(memory_new(&work->sum_weight, k, sizeof *work->sum_weight));
    TRY(memory_new(&work->labels, work->count, sizeof *work->labels));
    TRY(kmeans_panels_init(&work->panels, work->opt->kernel, k, work->columns));
done:
    return status;
}

/* Sum of weight * square, the running sum kept. */
static double accumulate(struct work *work)
{
    double sum = 0;
    for (int64_t i = 0; i < work->count; i++) {
        sum += (double)work->weight[i] * work->square[i];
        work->running[i] = sum;
    }
    return sum;
}

/* A point drawn with chance in proportion to its part of the running sum. */
static int64_t pick(struct work *work, double total)
{
    uint64_t draw = (work->opt->restart << 32) + ++work->draws;
    double target = total * random_uniform(work->opt->seed, RANDOM_KMEANS_START, UINT64_MAX, draw);
    int64_t low = 0, high = work->count - 1;
    while (low < high) { /* first point whose running sum is beyond the target */
        int64_t middle = low + (high - low) / 2;
        if (work->running[middle] > target)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* trial[:] = squared distances with `point` as one more centroid; their weighted sum. */
static double try_point(struct work *work, int64_t point, double *centroid)
{
    double sum = 0;
    const float *chosen = work->points + point * work->columns;
    for (int64_t j = 0; j < work->columns; j++) centroid[j] = (double)chosen[j];
    work->opt->kernel->squares(work->points, work->count, work->columns, work->columns, NULL,
                               centroid, work->trial);
    for (int64_t i = 0; i < work->count; i++) {
        work->trial[i] = fmin(work->trial[i], work->square[i]);
        sum += (double)work->weight[i] * work->trial[i];
    }
    return sum;
}

/* The best of a few points drawn by their distance. centroid out [columns] */
static void choose_next(struct work *work, int trials, double *centroid)
{
    double total = accumulate(work), least = INFINITY;
    int64_t chosen = 0;
    if (total <= 0) trials = 1; /* all points are taken: any will do */
    for (int t = 0; t < trials; t++) {
        int64_t point = total > 0 ? pick(work, total) : 0;
        double sum = try_point(work, point, centroid);
        if (sum >= least) continue;
        least = sum;
        chosen = point;
        double *swap = work->best;
        work->best = work->trial;
        work->trial = swap;
    }
    double *swap = work->square;
    work->square = work->best;
    work->best = swap;
    for (int64_t j = 0; j < work->columns; j++)
        centroid[j] = (double)work->points[chosen * work->columns + j];
}

/* Weighted greedy k-means++. */
static void spread(struct work *work, double *centroids)
{
    int trials = 2;
    for (int64_t size = work->opt->k; size > 2; size /= 3) trials++; /* about 2 + ln k */
    for (int64_t i = 0; i < work->count; i++) work->square[i] = 1.0; /* first by weight alone */
    accumulate(work);
    int64_t first = pick(work, work->running[work->count - 1]);
    for (int64_t i = 0; i < work->count; i++) work->square[i] = INFINITY;
    try_point(work, first, centroids);
    memcpy(work->square, work->trial, (size_t)work->count * sizeof *work->square);
    for (int64_t c = 1; c < work->opt->k; c++)
        choose_next(work, trials, centroids + c * work->columns);
}

/* Move the centroids to the weighted means of their points; true if none moved. */
static bool move(struct work *work, double *centroids)
{
    int64_t k = work->opt->k, columns = work->columns;
    bool still = true;
    memset(work->sums, 0, (size_t)(k * columns) * sizeof *work->sums);
    memset(work->sum_weight, 0, (size_t)k * sizeof *work->sum_weight);
    for (int64_t i = 0; i < work->count; i++) {
        double weight = (double)work->weight[i], *sum = work->sums + work->labels[i] * columns;
        work->sum_weight[work->labels[i]] += weight;
        for (int64_t j = 0; j < columns; j++)
            sum[j] += weight * (double)work->points[i * columns + j];
    }
    for (int64_t c = 0; c < k; c++)
        for (int64_t j = 0; j < columns && work->sum_weight[c] > 0; j++) {
            double mean = work->sums[c * columns + j] / work->sum_weight[c];
            still = still && mean == centroids[c * columns + j];
            centroids[c * columns + j] = mean;
        }
    return still;
}

enum status kmeans_recluster(const float *points, const int64_t *weight, int64_t count,
                             int64_t columns, const struct kmeans_start_options *opt,
                             double *centroids)
{
    enum status status = OK;
    struct work work = {
        .points = points, .weight = weight, .count = count, .columns = columns, .opt = opt};
    TRY(work_init(&work));
    spread(&work, centroids);
    for (int64_t i = 0; i < ITERATIONS; i++) {
        kmeans_panels_set(&work.panels, centroids);
        opt->kernel->assign(&work.panels, points, count, columns, work.labels);
        if (move(&work, centroids)) break;
    }
done:
    work_clear(&work);
    return status;
}
