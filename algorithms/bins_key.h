/**
 * Floats as integers that order like them, for histograms and searches of bins.
 */
#ifndef REMISE_ALGORITHMS_BINS_KEY_H
#define REMISE_ALGORITHMS_BINS_KEY_H

#include <stdint.h>
#include <string.h>

/* Top 16 bits of the keys of finite numbers; those of NaN lie before or behind. */
enum { KEY_FIRST = 0x0080, KEY_END = 0xff80 };

/** Keys order as the values do; 0 and -0 have one key. Local. */
static inline uint32_t bins_key(float x)
{
    uint32_t bits;
    x += 0.0f;
    memcpy(&bits, &x, sizeof bits);
    return bits ^ ((0u - (bits >> 31)) | UINT32_C(0x80000000));
}

/** The value of a key. Local. */
static inline float bins_value(uint32_t key)
{
    float x;
    uint32_t bits = key ^ (((key >> 31) - 1u) | UINT32_C(0x80000000));
    memcpy(&x, &bits, sizeof x);
    return x;
}

#endif
