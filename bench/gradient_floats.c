/* Gradients averaged as most programs do, as floats: the same functions as algorithms/gradient.c,
 * which they stand in for in bench_mlp_floats, so that the price of exact sums can be measured.
 * What comes out depends on the number of ranks. */
#include "algorithms/gradient.h"

#include "algorithms/layer.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static float *floats_of(const struct gradient *gradient, int64_t bucket)
{
    return (float *)gradient->bucket[bucket].sum;
}

/* Floats of a bucket: its weights, then loss and weight of the rows. */
static int64_t length(const struct gradient *gradient, int64_t bucket)
{
    return gradient->bucket[bucket].count + 2;
}

enum status gradient_init(struct gradient *gradient, int64_t buckets, const int64_t *first,
                          int64_t terms)
{
    enum status status = OK;
    *gradient = (struct gradient){.buckets = buckets};
    (void)terms;
    for (int64_t b = 0; b < buckets; b++) {
        gradient->bucket[b] = (struct gradient_bucket){
            .first = first[b], .count = first[b + 1] - first[b], .request = MPI_REQUEST_NULL};
        TRY(memory_new(&gradient->bucket[b].sum, length(gradient, b), sizeof(int64_t)));
    }
done:
    return status;
}

void gradient_clear(struct gradient *gradient)
{
    for (int64_t b = 0; b < GRADIENT_BUCKETS_MAX; b++) free(gradient->bucket[b].sum);
    *gradient = (struct gradient){0};
}

void gradient_expect(struct gradient *gradient, int64_t bucket, double largest)
{
    (void)gradient;
    (void)bucket;
    (void)largest;
}

void gradient_reset(struct gradient *gradient)
{
    for (int64_t b = 0; b < gradient->buckets; b++)
        memset(floats_of(gradient, b), 0, (size_t)length(gradient, b) * sizeof(float));
}

void gradient_add(struct gradient *gradient, int64_t bucket, int64_t at, const float *x,
                  int64_t count)
{
    float *sum = floats_of(gradient, bucket) + (at - gradient->bucket[bucket].first);
    layer_add_rows(x, 0, 1, count, sum);
}

void gradient_add_loss(struct gradient *gradient, struct loss_sums sums)
{
    int64_t last = gradient->buckets - 1;
    float *beside = floats_of(gradient, last) + gradient->bucket[last].count;
    beside[0] += (float)sums.loss;
    beside[1] += (float)sums.weight;
}

void gradient_begin(const struct comm *comm, struct gradient *gradient, int64_t bucket)
{
    MPI_Iallreduce(MPI_IN_PLACE, floats_of(gradient, bucket), (int)length(gradient, bucket),
                   MPI_FLOAT, MPI_SUM, comm->handle, &gradient->bucket[bucket].request);
}

enum status gradient_end(struct gradient *gradient, int64_t bucket)
{
    comm_wait(&gradient->bucket[bucket].request);
    double loss = gradient_loss(gradient).loss;
    return isfinite(loss) ? OK : FAIL(ERR_NUMERIC, "the loss is not finite");
}

struct loss_sums gradient_loss(const struct gradient *gradient)
{
    int64_t last = gradient->buckets - 1;
    const float *beside = floats_of(gradient, last) + gradient->bucket[last].count;
    return (struct loss_sums){beside[0], beside[1]};
}

bool gradient_fits(struct gradient *gradient)
{
    (void)gradient;
    return true;
}

void gradient_mean(const struct gradient *gradient, int64_t bucket, double divisor, float *out)
{
    const float *sum = floats_of(gradient, bucket);
    float factor = (float)(1.0 / divisor);
    for (int64_t i = 0; i < gradient->bucket[bucket].count; i++) out[i] = sum[i] * factor;
}
