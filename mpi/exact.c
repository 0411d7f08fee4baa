/* Fixed-point sums in two limbs. */
#include "mpi/exact.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HIGH_SCALE 0x1p7  /* high limb: units of 2^-7 */
#define LOW_SCALE 0x1p48  /* low limb: units of 2^-55, in [0, 2^48) between calls */
#define TERM_LIMIT 0x1p47 /* 2^54 in the high limb */
#define SUM_LIMIT ((int64_t)1 << 61)

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

void exact_add(struct exact_sums *sums, int64_t first, const double *x, int64_t count)
{
    struct exact *sum = sums->sum + first;
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
    sums->sum[sums->count].high += refused;
}

/* A rank's sums must leave room for those of the others. */
static void refuse_overflow(const struct comm *comm, struct exact_sums *sums)
{
    int64_t refused = 0;
    for (int64_t i = 0; i < sums->count; i++)
        refused += llabs(sums->sum[i].high) >= SUM_LIMIT / comm->ranks;
    sums->sum[sums->count].high += refused;
}

static enum status finish(struct exact_sums *sums)
{
    for (int64_t i = 0; i < sums->count; i++) carry(&sums->sum[i]);
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
    __extension__ __int128 whole = ((__int128)sum->high << 48) + sum->low;
    return ldexp((double)whole, -55);
}

void exact_get_all(const struct exact_sums *sums, int64_t first, double *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) x[i] = exact_get(sums, first + i);
}
