/* Weighted selection by histograms of digits. */
#include "algorithms/radix.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { TOP_SHIFT = 64 - RADIX_BITS };

enum status radix_init(struct radix *radix)
{
    *radix = (struct radix){.low = RADIX_DIGITS, .high = -1};
    enum status status = memory_new(&radix->mine, RADIX_DIGITS, sizeof *radix->mine);
    if (status == OK) status = memory_new(&radix->all, RADIX_DIGITS, sizeof *radix->all);
    if (status != OK) radix_clear(radix);
    return status;
}

void radix_clear(struct radix *radix)
{
    free(radix->mine);
    free(radix->all);
    *radix = (struct radix){0};
}

/* Only digits in use are emptied, so that small problems stay cheap. */
static void empty(struct radix *radix)
{
    for (int64_t d = radix->low; d <= radix->high; d++) radix->mine[d] = 0;
    radix->low = RADIX_DIGITS;
    radix->high = -1;
}

void radix_begin(struct radix *radix)
{
    empty(radix);
    radix->shift = TOP_SHIFT;
    radix->prefix = 0;
    radix->fits = false;
    radix->threshold = 0;
    radix->above = radix->mine_at = 0;
}

/* Adds up from the top digit; the one that breaks the limit, or -1. */
static int64_t breaking_digit(struct radix *radix, int64_t low, int64_t high, int64_t limit)
{
    for (int64_t d = high; d >= low; d--) {
        if (radix->all[d - low] > limit - radix->above) return d;
        radix->above += radix->all[d - low];
    }
    return -1;
}

bool radix_step(const struct comm *comm, struct radix *radix, int64_t limit)
{
    int64_t range[2] = {-radix->low, radix->high};
    comm_max_int64(comm, range, 2);
    int64_t low = -range[0], high = range[1], digit = -1;
    if (low <= high) {
        size_t bytes = (size_t)(high - low + 1) * sizeof *radix->all;
        memcpy(radix->all, radix->mine + low, bytes);
        comm_sum_int64(comm, radix->all, high - low + 1);
        digit = breaking_digit(radix, low, high, limit);
    }
    radix->fits = digit < 0;
    if (digit >= 0) {
        radix->prefix |= (uint64_t)digit;
        radix->mine_at = radix->mine[digit];
    }
    empty(radix);
    if (radix->fits || radix->shift == 0) {
        radix->threshold = radix->prefix;
        return false;
    }
    radix->prefix <<= RADIX_BITS;
    radix->shift -= RADIX_BITS;
    return true;
}
