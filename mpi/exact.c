/* Fixed-point sums in two limbs. */
#include "mpi/exact.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define HIGH_SCALE 0x1p7  /* high limb: units of 2^-7 */
#define LOW_SCALE 0x1p48  /* low limb: units of 2^-55, in [0, 2^48) between calls */
#define TERM_LIMIT 0x1p47 /* 2^54 in the high limb */
#define SUM_LIMIT ((int64_t)1 << 61)

enum { CHUNK = 256 }; /* values that are taken out together */

enum status exact_init(struct exact_sums *sums, int64_t count)
{
    *sums = (struct exact_sums){0};
    enum status status = memory_new(&sums->sum, count + 1, sizeof *sums->sum);
    if (status == OK) sums->count = count;
    return status;
}

void exact_clear(struct exact_sums *sums)
{
    free(sums->sum);
    *sums = (struct exact_sums){0};
}

void exact_reset(struct exact_sums *sums)
{
    memset(sums->sum, 0, (size_t)(sums->count + 1) * sizeof *sums->sum);
}

static inline void carry(struct exact *sum)
{
    int64_t over = sum->low >> 48;
    sum->high += over;
    sum->low &= ((int64_t)1 << 48) - 1;
}

void exact_add_one(struct exact_sums *sums, int64_t at, double x)
{
    exact_add(sums, at, &x, 1);
}

/* Returns the number of terms refused. */
static int64_t add_plain(struct exact *sum, const double *x, int64_t count)
{
    int64_t refused = 0;
    for (int64_t i = 0; i < count; i++) {
        bool fits = fabs(x[i]) < TERM_LIMIT; /* false for NaN */
        double scaled = (fits ? x[i] : 0.0) * HIGH_SCALE;
        double whole = floor(scaled);
        sum[i].high += (int64_t)whole;
        sum[i].low += (int64_t)rint((scaled - whole) * LOW_SCALE);
        carry(&sum[i]);
        refused += !fits || llabs(sum[i].high) >= SUM_LIMIT;
    }
    return refused;
}

#if defined(__x86_64__)
#define WIDE __attribute__((target("avx512f,avx512dq")))

static bool has_wide(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}

/* Eight terms of add_plain, the same operations in the same order. */
WIDE static inline int64_t add_eight(struct exact *sum, const double *x)
{
    const __m512i even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
    const __m512i odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
    const __m512i front = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
    const __m512i back = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
    __m512i first = _mm512_loadu_si512(sum), second = _mm512_loadu_si512(sum + 4);
    __m512i high = _mm512_permutex2var_epi64(first, even, second);
    __m512i low = _mm512_permutex2var_epi64(first, odd, second);
    __m512d term = _mm512_loadu_pd(x);
    __mmask8 fits = _mm512_cmp_pd_mask(_mm512_abs_pd(term), _mm512_set1_pd(TERM_LIMIT), _CMP_LT_OQ);
    __m512d scaled = _mm512_maskz_mul_pd(fits, term, _mm512_set1_pd(HIGH_SCALE));
    __m512d whole = _mm512_floor_pd(scaled);
    __m512d rest = _mm512_mul_pd(_mm512_sub_pd(scaled, whole), _mm512_set1_pd(LOW_SCALE));
    low = _mm512_add_epi64(low, _mm512_cvtpd_epi64(rest)); /* to nearest, ties to even */
    high = _mm512_add_epi64(high, _mm512_cvttpd_epi64(whole));
    high = _mm512_add_epi64(high, _mm512_srai_epi64(low, 48));
    low = _mm512_and_si512(low, _mm512_set1_epi64(((int64_t)1 << 48) - 1));
    __mmask8 large = _mm512_cmpge_epi64_mask(_mm512_abs_epi64(high), _mm512_set1_epi64(SUM_LIMIT));
    _mm512_storeu_si512(sum, _mm512_permutex2var_epi64(high, front, low));
    _mm512_storeu_si512(sum + 4, _mm512_permutex2var_epi64(high, back, low));
    return __builtin_popcount((unsigned)(large | (__mmask8)~fits) & 0xffu);
}

WIDE static int64_t add_wide(struct exact *sum, const double *x, int64_t count)
{
    int64_t refused = 0, i = 0;
    for (; i + 8 <= count; i += 8) refused += add_eight(sum + i, x + i);
    _mm256_zeroupper(); /* GCC 12 leaves it out; exp and log then take 20 times as long for all */
    return refused + add_plain(sum + i, x + i, count - i);
}
#else
#define add_wide add_plain

static bool has_wide(void)
{
    return false;
}
#endif

void exact_add(struct exact_sums *sums, int64_t first, const double *x, int64_t count)
{
    struct exact *sum = sums->sum + first;
    int64_t refused = count >= 8 && has_wide() ? add_wide(sum, x, count) : add_plain(sum, x, count);
    sums->sum[sums->count].high += refused;
}

/* ---- loops that compilers make wide by themselves ---- */

#define INLINE static inline __attribute__((always_inline))

INLINE int64_t count_above(const struct exact *sum, int64_t count, int64_t limit)
{
    int64_t above = 0;
    for (int64_t i = 0; i < count; i++) above += sum[i].high >= limit || sum[i].high <= -limit;
    return above;
}

INLINE void carry_all(struct exact *sum, int64_t count)
{
    for (int64_t i = 0; i < count; i++) carry(&sum[i]);
}

/* Values whose limbs are both exact in a double: one rounding. Returns false if any is not. */
INLINE bool get_plain(const struct exact *sum, int64_t count, double *x)
{
    const int64_t limit = (int64_t)1 << 53;
    int64_t inexact = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t high = sum[i].high, low = sum[i].low;
        inexact |= (int64_t)(high >= limit) | (int64_t)(high <= -limit) | low >> 48;
        x[i] = (double)high / HIGH_SCALE + (double)low * 0x1p-55;
    }
    return inexact == 0;
}

#if defined(__x86_64__)
WIDE static int64_t count_above_wide(const struct exact *sum, int64_t count, int64_t limit)
{
    return count_above(sum, count, limit);
}

WIDE static void carry_all_wide(struct exact *sum, int64_t count)
{
    carry_all(sum, count);
}

WIDE static bool get_wide(const struct exact *sum, int64_t count, double *x)
{
    return get_plain(sum, count, x);
}
#else
#define count_above_wide count_above
#define carry_all_wide carry_all
#define get_wide get_plain
#endif

/* A rank's sums must leave room for those of the others. */
static void refuse_overflow(const struct comm *comm, struct exact_sums *sums)
{
    int64_t limit = SUM_LIMIT / comm->ranks, count = sums->count;
    sums->sum[count].high += has_wide() ? count_above_wide(sums->sum, count, limit)
                                        : count_above(sums->sum, count, limit);
}

static enum status finish(struct exact_sums *sums)
{
    if (has_wide())
        carry_all_wide(sums->sum, sums->count);
    else
        carry_all(sums->sum, sums->count);
    if (sums->sum[sums->count].high == 0) return OK;
    return FAIL(ERR_NUMERIC,
                "%lld terms of a sum are not finite or beyond 1e14; check the scale of "
                "the columns and look for missing values",
                (long long)sums->sum[sums->count].high);
}

enum status exact_reduce(const struct comm *comm, struct exact_sums *sums)
{
    refuse_overflow(comm, sums);
    comm_sum_int64(comm, (int64_t *)sums->sum, 2 * (sums->count + 1));
    return finish(sums);
}

void exact_reduce_begin(const struct comm *comm, struct exact_sums *sums, MPI_Request *request)
{
    refuse_overflow(comm, sums);
    comm_sum_int64_begin(comm, (int64_t *)sums->sum, (int)(2 * (sums->count + 1)), request);
}

enum status exact_reduce_end(struct exact_sums *sums, MPI_Request *request)
{
    comm_wait(request);
    return finish(sums);
}

double exact_get(const struct exact_sums *sums, int64_t at)
{
    const struct exact *sum = &sums->sum[at];
    if (llabs(sum->high) < (int64_t)1 << 53 &&
        sum->low >> 48 == 0) /* both limbs exact: one rounding */
        return (double)sum->high / HIGH_SCALE + (double)sum->low * 0x1p-55;
    __extension__ __int128 whole = (__int128)sum->high * ((int64_t)1 << 48) + sum->low;
    return ldexp((double)whole, -55);
}

void exact_get_all(const struct exact_sums *sums, int64_t first, double *x, int64_t count)
{
    const struct exact *sum = sums->sum + first;
    for (int64_t at = 0; at < count; at += CHUNK) {
        int64_t size = count - at < CHUNK ? count - at : CHUNK;
        bool exact =
            has_wide() ? get_wide(sum + at, size, x + at) : get_plain(sum + at, size, x + at);
        for (int64_t i = at; i < at + size && !exact; i++) x[i] = exact_get(sums, first + i);
    }
}
