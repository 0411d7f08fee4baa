/* Buckets of exact sums. */
#include "algorithms/gradient.h"

#include "algorithms/vector.h"

#define SCALE 0x1p10 /* moves the window of the exact sums to 2^-65 .. 2^37 */

enum { CHUNK = 256, SUMS_BESIDE = 2 };

enum status gradient_init(struct gradient *gradient, int64_t buckets, const int64_t *first)
{
    enum status status = OK;
    *gradient = (struct gradient){.buckets = buckets};
    for (int64_t b = 0; b <= buckets; b++) gradient->first[b] = first[b];
    for (int64_t b = 0; b < buckets; b++) {
        int64_t count = first[b + 1] - first[b] + (b == buckets - 1 ? SUMS_BESIDE : 0);
        gradient->request[b] = MPI_REQUEST_NULL;
        if (count > (int64_t)1 << 29) {
            status = FAIL(ERR_ARG, "%lld weights in one bucket are more than a reduction can carry",
                          (long long)count);
            goto done;
        }
        TRY(exact_init(&gradient->sums[b], count));
    }
done:
    if (status != OK) gradient_clear(gradient);
    return status;
}

void gradient_clear(struct gradient *gradient)
{
    for (int64_t b = 0; b < GRADIENT_BUCKETS_MAX; b++) exact_clear(&gradient->sums[b]);
    *gradient = (struct gradient){0};
}

void gradient_reset(struct gradient *gradient)
{
    for (int64_t b = 0; b < gradient->buckets; b++) exact_reset(&gradient->sums[b]);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

VECTORISED static void widen(const float *restrict x, int64_t count, double *restrict out)
{
    for (int64_t i = 0; i < count; i++) out[i] = (double)x[i] * SCALE;
}

VECTORISED static void narrow(const double *restrict x, int64_t count, double scale,
                              float *restrict out)
{
    for (int64_t i = 0; i < count; i++) out[i] = (float)(x[i] / scale);
}

void gradient_add(struct gradient *gradient, int64_t bucket, int64_t at, const float *x,
                  int64_t count)
{
    double chunk[CHUNK];
    int64_t place = at - gradient->first[bucket];
    for (int64_t i = 0; i < count; i += CHUNK) {
        int64_t size = smaller(CHUNK, count - i);
        widen(x + i, size, chunk);
        exact_add(&gradient->sums[bucket], place + i, chunk, size);
    }
}

static struct exact_sums *last_bucket(struct gradient *gradient)
{
    return &gradient->sums[gradient->buckets - 1];
}

void gradient_add_loss(struct gradient *gradient, struct loss_sums sums)
{
    struct exact_sums *last = last_bucket(gradient);
    exact_add_one(last, last->count - 2, sums.loss);
    exact_add_one(last, last->count - 1, sums.weight);
}

void gradient_begin(const struct comm *comm, struct gradient *gradient, int64_t bucket)
{
    exact_reduce_begin(comm, &gradient->sums[bucket], &gradient->request[bucket]);
}

enum status gradient_end(struct gradient *gradient, int64_t bucket)
{
    return exact_reduce_end(&gradient->sums[bucket], &gradient->request[bucket]);
}

struct loss_sums gradient_loss(const struct gradient *gradient)
{
    const struct exact_sums *last = &gradient->sums[gradient->buckets - 1];
    return (struct loss_sums){exact_get(last, last->count - 2), exact_get(last, last->count - 1)};
}

void gradient_mean(const struct gradient *gradient, int64_t bucket, double divisor, float *out)
{
    double chunk[CHUNK], scale = SCALE * divisor;
    int64_t count = gradient->first[bucket + 1] - gradient->first[bucket];
    for (int64_t i = 0; i < count; i += CHUNK) {
        int64_t size = smaller(CHUNK, count - i);
        exact_get_all(&gradient->sums[bucket], i, chunk, size);
        narrow(chunk, size, scale, out + i);
    }
}
