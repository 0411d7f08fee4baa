/* Buckets of integer sums. */
#include "algorithms/gradient.h"

#include <assert.h>
#include <math.h>
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

/* What stands behind a bucket's sums: how often terms were such; behind the last one's also loss
 * and weight. */
enum { NOT_FINITE, TOO_LARGE, NOT_ZERO, LARGE_ENOUGH, FLAGS, LOSS_SUMS = 2, TAIL = FLAGS + 6 };

static enum status check(int64_t buckets, const int64_t *first, int64_t terms)
{
    if (terms < 1 || terms > TERMS_MOST)
        return FAIL(ERR_ARG, "%lld micro-batches in a step; at most %d are possible",
                    (long long)terms, TERMS_MOST);
    for (int64_t b = 0; b < buckets; b++)
        if (first[b + 1] - first[b] > (int64_t)1 << 29)
            return FAIL(ERR_ARG, "%lld weights in one bucket are more than a reduction can carry",
                        (long long)(first[b + 1] - first[b]));
    return OK;
}

enum status gradient_init(const struct comm *comm, int64_t buckets, const int64_t *first,
                          int64_t terms, struct gradient *gradient)
{
    enum status status = OK;
    int64_t at = 0;
    *gradient = (struct gradient){.buckets = buckets, .term_limit = (int64_t)1 << SUM_BITS};
    TRY_ALL(comm, check(buckets, first, terms));
    for (int64_t t = 1; t < terms; t *= 2) gradient->term_limit /= 2;
    for (int64_t b = 0; b < buckets; b++) {
        gradient->bucket[b] =
            (struct gradient_bucket){.first = first[b], .count = first[b + 1] - first[b], .at = at};
        at += gradient->bucket[b].count + TAIL;
    }
    TRY(shared_sums_init(comm, at, &gradient->sums));
done:
    if (status != OK) gradient_clear(gradient);
    return status;
}

void gradient_clear(struct gradient *gradient)
{
    shared_sums_clear(&gradient->sums);
    *gradient = (struct gradient){0};
}

/* What stands behind a bucket's weights in sums of all buckets. */
static int64_t *tail_of(const struct gradient_bucket *bucket, int64_t *sums)
{
    return sums + bucket->at + bucket->count;
}

/* Loss and weight behind the last bucket. */
static struct exact_sums loss_of(const struct gradient *gradient, int64_t *sums)
{
    const struct gradient_bucket *last = &gradient->bucket[gradient->buckets - 1];
    return (struct exact_sums){LOSS_SUMS, (struct exact *)(tail_of(last, sums) + FLAGS)};
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
        bucket->empty = bucket->count;
        memset(tail_of(bucket, gradient->sums.mine), 0, TAIL * sizeof(int64_t));
    }
}

/* ---- terms ---- */

/* What a micro-batch's terms were like. */
struct seen {
    bool not_finite, too_large;
    float largest; /* units; of those that fit */
};

/* How terms become units, and whether they begin their sums or are added to them. */
struct scaling {
    float scale, limit;
    bool begin;
};

static struct seen add_plain(const float *x, int64_t count, struct scaling by, int64_t *sum)
{
    struct seen seen = {false, false, 0.0f};
    for (int64_t i = 0; i < count; i++) {
        float units = x[i] * by.scale, size = fabsf(units);
        bool fits = size < by.limit; /* false for NaN */
        sum[i] = (by.begin ? 0 : sum[i]) + (fits ? (int64_t)rintf(units) : 0);
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

/* As add_plain, eight at a time; `begin` is a constant once inlined. */
WIDE static inline __attribute__((always_inline)) struct seen
add_eights(const float *x, int64_t count, struct scaling scaling, const bool begin, int64_t *sum)
{
    const __m256 by = _mm256_set1_ps(scaling.scale), below = _mm256_set1_ps(scaling.limit);
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 largest = _mm256_setzero_ps();
    __mmask8 refused = 0;
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m256 units = _mm256_mul_ps(_mm256_loadu_ps(x + i), by);
        __m256 size = _mm256_andnot_ps(sign, units);
        __mmask8 fits = _mm256_cmp_ps_mask(size, below, _CMP_LT_OQ);
        __m512i term = _mm512_maskz_cvtps_epi64(fits, units); /* to nearest, ties to even */
        if (!begin) term = _mm512_add_epi64(_mm512_loadu_si512(sum + i), term);
        _mm512_storeu_si512(sum + i, term);
        largest = _mm256_mask_max_ps(largest, fits, largest, size);
        refused |= (__mmask8)~fits;
    }
    struct seen seen = add_plain(x + i, count - i, scaling, sum + i);
    float lane[8];
    _mm256_storeu_ps(lane, largest);
    for (int64_t k = 0; k < 8; k++) seen.largest = fmaxf(seen.largest, lane[k]);
    seen.too_large |= refused != 0;
    for (int64_t k = 0; k < i && refused != 0; k++) seen.not_finite |= !isfinite(x[k]);
    return seen;
}

WIDE static struct seen add_wide(const float *x, int64_t count, struct scaling by, int64_t *sum)
{
    return by.begin ? add_eights(x, count, by, true, sum) : add_eights(x, count, by, false, sum);
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

/* Add some terms, or begin sums with them; takes note of what they were like. */
static void take(const float *x, int64_t count, struct scaling by, int64_t *sum, int64_t *flags)
{
    if (count == 0) return;
    struct seen seen = has_wide() ? add_wide(x, count, by, sum) : add_plain(x, count, by, sum);
    flags[NOT_FINITE] += seen.not_finite;
    flags[TOO_LARGE] += seen.too_large;
    flags[NOT_ZERO] += seen.largest > 0.0f;
    flags[LARGE_ENOUGH] += seen.largest >= (float)((int64_t)1 << LEAST_BITS);
}

void gradient_add(struct gradient *gradient, int64_t bucket, int64_t at, const float *x,
                  int64_t count)
{
    struct gradient_bucket *to = &gradient->bucket[bucket];
    int64_t first = at - to->first, begun = 0; /* the first `begun` terms begin their sums */
    int64_t *sum = gradient->sums.mine + to->at + first, *flags = tail_of(to, gradient->sums.mine);
    struct scaling by = {.scale = ldexpf(1.0f, to->exponent), .limit = (float)gradient->term_limit};
    assert(first + count >= to->empty);
    if (first < to->empty) {
        begun = to->empty - first;
        to->empty = first;
    }
    take(x + begun, count - begun, by, sum + begun, flags);
    by.begin = true;
    take(x, begun, by, sum, flags);
}

void gradient_add_loss(struct gradient *gradient, struct loss_sums sums)
{
    struct exact_sums mine = loss_of(gradient, gradient->sums.mine);
    exact_add_one(&mine, 0, sums.loss);
    exact_add_one(&mine, 1, sums.weight);
}

/* ---- over the ranks ---- */

void gradient_begin(const struct comm *comm, struct gradient *gradient, int64_t bucket)
{
    const struct gradient_bucket *b = &gradient->bucket[bucket];
    memset(gradient->sums.mine + b->at, 0, (size_t)b->empty * sizeof(int64_t));
    shared_sums_begin(comm, &gradient->sums, b->at, b->count + TAIL);
}

enum status gradient_end(struct gradient *gradient)
{
    shared_sums_end(&gradient->sums);
    int64_t refused = loss_of(gradient, gradient->sums.total).sum[LOSS_SUMS].high;
    for (int64_t b = 0; b < gradient->buckets; b++)
        refused += tail_of(&gradient->bucket[b], gradient->sums.total)[NOT_FINITE];
    return refused == 0 ? OK : FAIL(ERR_NUMERIC, "a loss or a gradient is not finite");
}

struct loss_sums gradient_loss(const struct gradient *gradient)
{
    struct exact_sums total = loss_of(gradient, gradient->sums.total);
    return (struct loss_sums){exact_get(&total, 0), exact_get(&total, 1)};
}

/* A unit for the terms that were met; returns whether the old one will do. */
static bool keep_unit(struct gradient_bucket *bucket, const int64_t *flags)
{
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
    for (int64_t b = 0; b < gradient->buckets; b++) {
        struct gradient_bucket *bucket = &gradient->bucket[b];
        fits &= keep_unit(bucket, tail_of(bucket, gradient->sums.total));
    }
    return fits;
}

void gradient_mean(const struct gradient *gradient, int64_t bucket, double divisor, float *out)
{
    const struct gradient_bucket *b = &gradient->bucket[bucket];
    const int64_t *sum = gradient->sums.total + b->at;
    double scale = ldexp(1.0, -b->exponent) / divisor;
    if (has_wide())
        mean_wide(sum, b->count, scale, out);
    else
        mean_plain(sum, b->count, scale, out);
}
