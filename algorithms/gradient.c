/* Buckets of integer sums. */
#include "algorithms/gradient.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
    SUM_BITS = 62,       /* sums stay below 2^62 units */
    EXPECTED_BITS = 46,  /* where the largest sum should lie */
    LEAST_BITS = 28,     /* the largest term must be above, or too few bits are kept of it */
    FINER_BITS = 14,     /* what the unit shrinks by if none is, and */
    COARSER_BITS = 20,   /* grows by if terms did not fit; never so far that the other follows */
    EXPONENT_MOST = 126, /* 2^exponent is a float, and so is its inverse */
    TERMS_MOST = 1 << 18
};

/* What stands behind a bucket's sums: micro-batches with such terms; behind the last one's also
 * loss and weight. */
enum { NOT_FINITE, TOO_LARGE, NOT_ZERO, LARGE_ENOUGH, FLAGS, LOSS_SUMS = 2, TAIL = FLAGS + 6 };

enum status gradient_init(struct gradient *gradient, int64_t buckets, const int64_t *first,
                          int64_t terms)
{
    enum status status = OK;
    *gradient = (struct gradient){.buckets = buckets, .term_limit = (int64_t)1 << SUM_BITS};
    if (terms < 1 || terms > TERMS_MOST)
        status = FAIL(ERR_ARG, "%lld micro-batches in a step; at most %d are possible",
                      (long long)terms, TERMS_MOST);
    if (status != OK) return status;
    for (int64_t t = 1; t < terms; t *= 2) gradient->term_limit /= 2;
    for (int64_t b = 0; b < buckets; b++) {
        struct gradient_bucket *bucket = &gradient->bucket[b];
        bucket->first = first[b];
        bucket->count = first[b + 1] - first[b];
        bucket->request = MPI_REQUEST_NULL;
        if (bucket->count > (int64_t)1 << 29) {
            status = FAIL(ERR_ARG, "%lld weights in one bucket are more than a reduction can carry",
                          (long long)bucket->count);
            goto done;
        }
        TRY(memory_new(&bucket->sum, bucket->count + TAIL, sizeof *bucket->sum));
    }
    const struct gradient_bucket *last = &gradient->bucket[buckets - 1];
    gradient->loss =
        (struct exact_sums){LOSS_SUMS, (struct exact *)(last->sum + last->count + FLAGS)};
done:
    if (status != OK) gradient_clear(gradient);
    return status;
}

void gradient_clear(struct gradient *gradient)
{
    for (int64_t b = 0; b < GRADIENT_BUCKETS_MAX; b++) free(gradient->bucket[b].sum);
    *gradient = (struct gradient){0};
}

static int within(int exponent)
{
    if (exponent > EXPONENT_MOST) return EXPONENT_MOST;
    return exponent < -EXPONENT_MOST ? -EXPONENT_MOST : exponent;
}

void gradient_expect(struct gradient *gradient, int64_t bucket, double largest)
{
    int above = 0; /* largest < 2^above */
    if (largest > 0.0 && isfinite(largest)) frexp(largest, &above);
    gradient->bucket[bucket].exponent = within(EXPECTED_BITS - above);
}

void gradient_reset(struct gradient *gradient)
{
    for (int64_t b = 0; b < gradient->buckets; b++) {
        struct gradient_bucket *bucket = &gradient->bucket[b];
        memset(bucket->sum, 0, (size_t)(bucket->count + TAIL) * sizeof *bucket->sum);
    }
}

/* ---- terms ---- */

/* What a micro-batch's terms were like. */
struct seen {
    bool not_finite, too_large;
    float largest; /* units; of those that fit */
};

static struct seen add_plain(const float *x, int64_t count, float scale, float limit, int64_t *sum)
{
    struct seen seen = {false, false, 0.0f};
    for (int64_t i = 0; i < count; i++) {
        float units = x[i] * scale, size = fabsf(units);
        bool fits = size < limit; /* false for NaN */
        sum[i] += fits ? (int64_t)rintf(units) : 0;
        seen.largest = fits && size > seen.largest ? size : seen.largest;
        seen.not_finite |= !isfinite(x[i]);
        seen.too_large |= !fits;
    }
    return seen;
}

static void mean_plain(const int64_t *sum, int64_t count, double scale, float *out)
{
    for (int64_t i = 0; i < count; i++) out[i] = (float)((double)sum[i] * scale);
}

#if defined(__x86_64__)
#define WIDE __attribute__((target("avx512f,avx512dq,avx512vl")))

static bool has_wide(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

/* As add_plain, eight at a time. */
WIDE static struct seen add_wide(const float *x, int64_t count, float scale, float limit,
                                 int64_t *sum)
{
    const __m256 by = _mm256_set1_ps(scale), below = _mm256_set1_ps(limit);
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 largest = _mm256_setzero_ps();
    __mmask8 refused = 0;
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m256 units = _mm256_mul_ps(_mm256_loadu_ps(x + i), by);
        __m256 size = _mm256_andnot_ps(sign, units);
        __mmask8 fits = _mm256_cmp_ps_mask(size, below, _CMP_LT_OQ);
        __m512i term = _mm512_maskz_cvtps_epi64(fits, units); /* to nearest, ties to even */
        _mm512_storeu_si512(sum + i, _mm512_add_epi64(_mm512_loadu_si512(sum + i), term));
        largest = _mm256_mask_max_ps(largest, fits, largest, size);
        refused |= (__mmask8)~fits;
    }
    struct seen seen = add_plain(x + i, count - i, scale, limit, sum + i);
    float lane[8];
    _mm256_storeu_ps(lane, largest);
    for (int64_t k = 0; k < 8; k++) seen.largest = fmaxf(seen.largest, lane[k]);
    seen.too_large |= refused != 0;
    for (int64_t k = 0; k < i && refused != 0; k++) seen.not_finite |= !isfinite(x[k]);
    return seen;
}

WIDE static void mean_wide(const int64_t *sum, int64_t count, double scale, float *out)
{
    const __m512d by = _mm512_set1_pd(scale);
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m512d units = _mm512_cvtepi64_pd(_mm512_loadu_si512(sum + i));
        _mm256_storeu_ps(out + i, _mm512_cvtpd_ps(_mm512_mul_pd(units, by)));
    }
    mean_plain(sum + i, count - i, scale, out + i);
}
#else
#define add_wide add_plain
#define mean_wide mean_plain

static bool has_wide(void)
{
    return false;
}
#endif

void gradient_add(struct gradient *gradient, int64_t bucket, int64_t at, const float *x,
                  int64_t count)
{
    struct gradient_bucket *to = &gradient->bucket[bucket];
    int64_t *sum = to->sum + (at - to->first), *flags = to->sum + to->count;
    float scale = ldexpf(1.0f, to->exponent), limit = (float)gradient->term_limit;
    struct seen seen =
        has_wide() ? add_wide(x, count, scale, limit, sum) : add_plain(x, count, scale, limit, sum);
    flags[NOT_FINITE] += seen.not_finite;
    flags[TOO_LARGE] += seen.too_large;
    flags[NOT_ZERO] += seen.largest > 0.0f;
    flags[LARGE_ENOUGH] += seen.largest >= (float)((int64_t)1 << LEAST_BITS);
}

void gradient_add_loss(struct gradient *gradient, struct loss_sums sums)
{
    exact_add_one(&gradient->loss, 0, sums.loss);
    exact_add_one(&gradient->loss, 1, sums.weight);
}

/* ---- over the ranks ---- */

void gradient_begin(const struct comm *comm, struct gradient *gradient, int64_t bucket)
{
    struct gradient_bucket *b = &gradient->bucket[bucket];
    bool last = bucket == gradient->buckets - 1;
    int64_t count = b->count + (last ? TAIL : FLAGS);
    comm_sum_int64_begin(comm, b->sum, (int)count, &b->request);
}

enum status gradient_end(struct gradient *gradient, int64_t bucket)
{
    struct gradient_bucket *b = &gradient->bucket[bucket];
    comm_wait(&b->request);
    bool last = bucket == gradient->buckets - 1;
    int64_t refused = b->sum[b->count + NOT_FINITE];
    if (last) refused += gradient->loss.sum[LOSS_SUMS].high;
    return refused == 0 ? OK : FAIL(ERR_NUMERIC, "a loss or a gradient is not finite");
}

struct loss_sums gradient_loss(const struct gradient *gradient)
{
    return (struct loss_sums){exact_get(&gradient->loss, 0), exact_get(&gradient->loss, 1)};
}

/* A unit for the terms that were met; returns whether the old one will do. */
static bool keep_unit(struct gradient_bucket *bucket)
{
    const int64_t *flags = bucket->sum + bucket->count;
    int before = bucket->exponent;
    if (flags[TOO_LARGE] > 0)
        bucket->exponent = within(before - COARSER_BITS);
    else if (flags[NOT_ZERO] > 0 && flags[LARGE_ENOUGH] == 0)
        bucket->exponent = within(before + FINER_BITS);
    return bucket->exponent == before;
}

bool gradient_fits(struct gradient *gradient)
{
    bool fits = true;
    for (int64_t b = 0; b < gradient->buckets; b++) fits &= keep_unit(&gradient->bucket[b]);
    return fits;
}

void gradient_mean(const struct gradient *gradient, int64_t bucket, double divisor, float *out)
{
    const struct gradient_bucket *b = &gradient->bucket[bucket];
    double scale = ldexp(1.0, -b->exponent) / divisor;
    if (has_wide())
        mean_wide(b->sum, b->count, scale, out);
    else
        mean_plain(b->sum, b->count, scale, out);
}
