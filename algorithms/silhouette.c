/* Silhouettes of a sample of rows, every rank measuring its share of them. */
#include "algorithms/silhouette.h"

#include "algorithms/kmeans_kernel.h"
#include "mpi/exact.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the sample ---- */

void silhouette_sample_clear(struct silhouette_sample *sample)
{
    free(sample->x);
    *sample = (struct silhouette_sample){0};
}

static bool is_drawn(const struct blocks *blocks, int64_t i, uint64_t seed)
{
    double chance = (double)SILHOUETTE_ROWS / (double)blocks->rows_total;
    uint64_t row = (uint64_t)(blocks->row_first + i);
    return chance >= 1 || random_uniform(seed, RANDOM_SILHOUETTE, row, 0) < chance;
}

/* mine out: new, the columns of the rows drawn here */
static enum status take_rows(const struct rows *x, uint64_t seed, float **mine, int64_t *count)
{
    *count = 0;
    for (int64_t i = 0; i < x->blocks->rows_local; i++) *count += is_drawn(x->blocks, i, seed);
    enum status status = memory_new(mine, *count * x->columns, sizeof **mine);
    float *to = *mine;
    for (int64_t i = 0; status == OK && i < x->blocks->rows_local; i++) {
        if (!is_drawn(x->blocks, i, seed)) continue;
        memcpy(to, x->x + i * x->stride, (size_t)x->columns * sizeof *to);
        to += x->columns;
    }
    return status;
}

enum status silhouette_draw(const struct comm *comm, const struct rows *x, uint64_t seed,
                            struct silhouette_sample *sample)
{
    enum status status = OK;
    float *mine = NULL;
    void *all = NULL;
    int64_t count = 0, bytes = 0, row_bytes = x->columns * (int64_t)sizeof *mine;
    *sample = (struct silhouette_sample){.columns = x->columns};
    if (x->columns < 1) return FAIL(ERR_ARG, "rows without columns have no distances");
    TRY_ALL(comm, take_rows(x, seed, &mine, &count));
    TRY(comm_gather_all(comm, mine, count * row_bytes, &all, &bytes));
    sample->count = bytes / row_bytes;
    TRY_ALL(comm, memory_new(&sample->x, sample->count * x->columns, sizeof *sample->x));
    memcpy(sample->x, all, (size_t)bytes);
done:
    free(mine);
    free(all);
    return status;
}

/* ---- the measure ---- */

struct work {
    const struct kmeans_kernel *kernel;
    int64_t *size;   /* [k] rows of the sample in each cluster */
    double *sum;     /* [k] of the distances from one row to them */
    double *squares; /* [count] squared distances from that row */
    double *point;   /* [columns] the row itself */
};

static void work_clear(struct work *work)
{
    free(work->size);
    free(work->sum);
    free(work->squares);
    free(work->point);
}

static enum status work_init(const struct silhouette_sample *sample, const int32_t *labels,
                             int64_t k, struct work *work)
{
    enum status status = OK;
    work->kernel = kmeans_kernel_choose(KMEANS_PATH_BEST);
    TRY(memory_new(&work->size, k, sizeof *work->size));
    TRY(memory_new(&work->sum, k, sizeof *work->sum));
    TRY(memory_new(&work->squares, sample->count, sizeof *work->squares));
    TRY(memory_new(&work->point, sample->columns, sizeof *work->point));
    for (int64_t i = 0; i < sample->count; i++) work->size[labels[i]]++;
done:
    return status;
}

/* sum[c] = sum of the distances from row i to the rows of cluster c, in their order */
static void measure_row(const struct silhouette_sample *sample, const int32_t *labels, int64_t k,
                        int64_t i, struct work *work)
{
    int64_t columns = sample->columns;
    for (int64_t j = 0; j < columns; j++) work->point[j] = (double)sample->x[i * columns + j];
    work->kernel->squares(sample->x, sample->count, columns, columns, NULL, work->point,
                          work->squares);
    for (int64_t r = 0; r < sample->count; r++) work->squares[r] = sqrt(work->squares[r]);
    memset(work->sum, 0, (size_t)k * sizeof *work->sum);
    for (int64_t r = 0; r < sample->count; r++) work->sum[labels[r]] += work->squares[r];
}

/* The silhouette of a row of cluster `own` whose sums are measured. */
static double silhouette(const struct work *work, int64_t k, int64_t own)
{
    double nearest = INFINITY;
    if (work->size[own] == 1) return 0;
    double inside = work->sum[own] / (double)(work->size[own] - 1);
    for (int64_t c = 0; c < k; c++)
        if (c != own && work->size[c] > 0)
            nearest = fmin(nearest, work->sum[c] / (double)work->size[c]);
    double larger = fmax(inside, nearest);
    return larger > 0 ? (nearest - inside) / larger : 0;
}

static int64_t clusters_of(const struct work *work, int64_t k)
{
    int64_t clusters = 0;
    for (int64_t c = 0; c < k; c++) clusters += work->size[c] > 0;
    return clusters;
}

enum status silhouette_mean(const struct comm *comm, const struct silhouette_sample *sample,
                            const int32_t *labels, int64_t k, double *mean)
{
    enum status status = OK;
    struct work work = {0};
    struct exact_sums total = {0};
    *mean = NAN;
    TRY_ALL(comm, work_init(sample, labels, k, &work));
    TRY_ALL(comm, exact_init(&total, 1));
    if (clusters_of(&work, k) > 1) {
        for (int64_t i = comm->rank; i < sample->count; i += comm->ranks) {
            measure_row(sample, labels, k, i, &work);
            exact_add_one(&total, 0, silhouette(&work, k, labels[i]));
        }
        TRY(exact_reduce(comm, &total));
        *mean = exact_get(&total, 0) / (double)sample->count;
    }
done:
    exact_clear(&total);
    work_clear(&work);
    return status;
}
