/* Gradients averaged as most programs do, as floats: the same functions as algorithms/gradient.c,
 * which they stand in for in bench_mlp_floats, so that the price of exact sums can be measured.
 * What comes out depends on the number of ranks. */
#include "algorithms/gradient.h"

#include "algorithms/layer.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BESIDE = 2 }; /* behind the weights of a bucket: loss and weight of the rows */

static float *floats_of(const struct gradient *gradient, int64_t bucket)
{
    return (float *)gradient->sums.mine + gradient->bucket[bucket].at;
}

static float *beside_last(const struct gradient *gradient)
{
    int64_t last = gradient->buckets - 1;
    return floats_of(gradient, last) + gradient->bucket[last].count;
}

enum status gradient_init(const struct comm *comm, int64_t buckets, const int64_t *first,
                          int64_t terms, struct gradient *gradient)
{
    enum status status = OK;
    int64_t at = 0;
    *gradient = (struct gradient){.buckets = buckets};
    (void)terms;
    for (int64_t b = 0; b < buckets; b++) {
        gradient->bucket[b] =
            (struct gradient_bucket){.first = first[b], .count = first[b + 1] - first[b], .at = at};
        at += gradient->bucket[b].count + BESIDE;
    }
    TRY_ALL(comm, memory_new(&gradient->sums.mine, at, sizeof(int64_t)));
done:
    return status;
}

void gradient_clear(struct gradient *gradient)
{
    free(gradient->sums.mine);
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
    for (int64_t b = 0; b < gradient->buckets; b++) {
        struct gradient_bucket *bucket = &gradient->bucket[b];
        bucket->empty = bucket->count;
        memset(floats_of(gradient, b) + bucket->count, 0, BESIDE * sizeof(float));
    }
}

/* The first terms are stored, as in algorithms/gradient.c. */
void gradient_add(struct gradient *gradient, int64_t bucket, int64_t at, const float *x,
                  int64_t count)
{
    struct gradient_bucket *to = &gradient->bucket[bucket];
    int64_t first = at - to->first, begun = first < to->empty ? to->empty - first : 0;
    float *sum = floats_of(gradient, bucket) + first;
    layer_add_rows(x + begun, 0, 1, count - begun, sum + begun);
    memcpy(sum, x, (size_t)begun * sizeof *x);
    to->empty -= begun;
}

void gradient_add_loss(struct gradient *gradient, struct loss_sums sums)
{
    float *beside = beside_last(gradient);
    beside[0] += (float)sums.loss;
    beside[1] += (float)sums.weight;
}

void gradient_begin(const struct comm *comm, struct gradient *gradient, int64_t bucket)
{
    const struct gradient_bucket *b = &gradient->bucket[bucket];
    memset(floats_of(gradient, bucket), 0, (size_t)b->empty * sizeof(float));
    MPI_Iallreduce(MPI_IN_PLACE, floats_of(gradient, bucket), (int)(b->count + BESIDE), MPI_FLOAT,
                   MPI_SUM, comm->handle, &gradient->sums.request[bucket]);
}

enum status gradient_end(struct gradient *gradient)
{
    for (int64_t b = 0; b < gradient->buckets; b++) comm_wait(&gradient->sums.request[b]);
    double loss = gradient_loss(gradient).loss;
    return isfinite(loss) ? OK : FAIL(ERR_NUMERIC, "the loss is not finite");
}

struct loss_sums gradient_loss(const struct gradient *gradient)
{
    const float *beside = beside_last(gradient);
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
