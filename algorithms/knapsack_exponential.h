/**
 * Chances from worths: the exponential that smoothing needs.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_EXPONENTIAL_H
#define REMISE_ALGORITHMS_KNAPSACK_EXPONENTIAL_H

#include <stdint.h>
#include <string.h>

/** exp(x) for x <= 0, to 1e-9, the same bits wherever IEEE arithmetic is; below -600 as there. */
static inline double knapsack_exponential(double x)
{
    const double ln2_high = 0x1.62e42fefa0000p-1, ln2_low = 0x1.cf79abc9e3b3ap-40;
    x = x < -600.0 ? -600.0 : x;
    double shifted = x * 0x1.71547652b82fep0 + 0x1.8p52;
    double n = shifted - 0x1.8p52, r = x - n * ln2_high - n * ln2_low;
    double p = 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    uint64_t power = (bits + 1023) << 52;
    double two;
    memcpy(&two, &power, sizeof two);
    return p * two;
}

#endif
