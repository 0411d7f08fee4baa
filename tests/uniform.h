/**
 * Numbers of tests that make their tables from row numbers.
 */
#ifndef REMISE_TESTS_UNIFORM_H
#define REMISE_TESTS_UNIFORM_H

#include <math.h>
#include <stdint.h>

/** Uniform in [0, 1) by SplitMix64, for column `what` < 64 of a row. Local. */
static inline double uniform(int64_t row, int what)
{
    uint64_t x = (uint64_t)row * 64 + (uint64_t)what + 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return ldexp((double)((x ^ (x >> 31)) >> 11), -53);
}

#endif
