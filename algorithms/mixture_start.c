/* The start of a mixture by k-means on standardised rows. */
#include "algorithms/mixture_start.h"

#include "algorithms/kmeans.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <stdlib.h>
#include <string.h>

enum { ITERATIONS = 50, RESTARTS = 4 };
enum { SAMPLE_ROWS = 1 << 18, SAMPLE_K = SAMPLE_ROWS / 64 }; /* more components take all rows */

/* The rows used: all, or those drawn, in blocks that follow those of the rows. */
struct sample {
    double share; /* of the rows */
    uint64_t seed;
    struct blocks blocks;
    float *z; /* [blocks.rows_local][columns] */
};

static void sample_clear(struct sample *s)
{
    blocks_clear(&s->blocks);
    free(s->z);
}

static bool drawn(const struct sample *s, int64_t row)
{
    return s->share >= 1.0 ||
           random_uniform(s->seed, RANDOM_MIXTURE_START, (uint64_t)row, 0) < s->share;
}

/* Blocks of the rows drawn, but for what depends on other ranks. */
static enum status cut(const struct blocks *from, struct sample *s)
{
    struct blocks *to = &s->blocks;
    enum status status = memory_new(&to->start, from->blocks_local + 1, sizeof *to->start);
    if (status != OK) return status;
    to->blocks_total = from->blocks_total;
    to->block_first = from->block_first;
    to->blocks_local = from->blocks_local;
    for (int64_t b = 0; b < from->blocks_local; b++) {
        for (int64_t i = from->start[b]; i < from->start[b + 1]; i++)
            to->rows_local += drawn(s, from->row_first + i);
        to->start[b + 1] = to->rows_local;
    }
    return OK;
}

static enum status fill(const struct mixture_rows *x, const struct mixture_model *model,
                        struct sample *s)
{
    int64_t d = x->columns;
    enum status status = memory_new(&s->z, s->blocks.rows_local * d, sizeof *s->z);
    if (status != OK) return status;
    float *to = s->z;
    for (int64_t i = 0; i < x->blocks->rows_local; i++) {
        if (!drawn(s, x->blocks->row_first + i)) continue;
        for (int64_t j = 0; j < d; j++) {
            double value =
                x->full != NULL ? x->full[i * d + j] : (double)x->single[i * x->stride + j];
            *to++ = (float)((value - model->centre[j]) / model->scale[j]);
        }
    }
    return OK;
}

static enum status sample_init(const struct comm *comm, const struct mixture_rows *x,
                               const struct mixture_options *opt, const struct mixture_model *model,
                               struct sample *s)
{
    enum status status = OK;
    int64_t rows = x->blocks->rows_total;
    bool all = rows <= 2 * SAMPLE_ROWS || opt->k > SAMPLE_K;
    s->share = all ? 1.0 : (double)SAMPLE_ROWS / (double)rows;
    s->seed = opt->seed;
    TRY_ALL(comm, cut(x->blocks, s));
    s->blocks.rows_total = s->blocks.rows_local;
    comm_sum_int64(comm, &s->blocks.rows_total, 1);
    s->blocks.row_first = comm_prefix_int64(comm, s->blocks.rows_local);
    TRY_ALL(comm, fill(x, model, s));
done:
    return status;
}

enum status mixture_start(const struct comm *comm, const struct mixture_rows *x,
                          const struct mixture_options *opt, int64_t number,
                          struct mixture_model *model)
{
    enum status status = OK;
    struct sample sample = {0};
    struct kmeans_model *clusters = NULL;
    struct kmeans_options kmeans = KMEANS_OPTIONS_DEFAULTS;
    kmeans.k = opt->k;
    kmeans.seed = opt->seed + (uint64_t)number;
    kmeans.restarts = number == 0 ? RESTARTS : 1;
    kmeans.max_iterations = ITERATIONS;
    TRY(sample_init(comm, x, opt, model, &sample));
    struct rows rows = {&sample.blocks, x->columns, x->columns, sample.z};
    TRY(kmeans_fit(comm, &rows, &kmeans, &clusters));
    memcpy(model->means, clusters->centroids,
           (size_t)(model->k * model->columns) * sizeof *model->means);
done:
    kmeans_free(&clusters);
    sample_clear(&sample);
    return status;
}
