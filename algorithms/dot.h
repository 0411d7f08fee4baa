/**
 * Inner products in eight lanes, so that the loop can run in vectors: the same bits on every
 * machine, since lanes are added in a fixed order. For use within VECTORISED functions.
 */
#ifndef REMISE_ALGORITHMS_DOT_H
#define REMISE_ALGORITHMS_DOT_H

#include <stdint.h>

enum { DOT_LANES = 8 };

/** Sum of lanes. Local. */
__attribute__((always_inline)) static inline double dot_sum(const double lane[DOT_LANES])
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/** x . y of count numbers. Local. */
__attribute__((always_inline)) static inline double dot_double(const double *x, const double *y,
                                                               int64_t count)
{
    double lane[DOT_LANES] = {0};
    int64_t i = 0;
    for (; i + DOT_LANES <= count; i += DOT_LANES)
        for (int k = 0; k < DOT_LANES; k++) lane[k] += x[i + k] * y[i + k];
    for (int k = 0; i < count; i++, k++) lane[k] += x[i] * y[i];
    return dot_sum(lane);
}

/** The same of floats, in double. Local. */
__attribute__((always_inline)) static inline double dot_float(const float *x, const float *y,
                                                              int64_t count)
{
    double lane[DOT_LANES] = {0};
    int64_t i = 0;
    for (; i + DOT_LANES <= count; i += DOT_LANES)
        for (int k = 0; k < DOT_LANES; k++) lane[k] += (double)x[i + k] * (double)y[i + k];
    for (int k = 0; i < count; i++, k++) lane[k] += (double)x[i] * (double)y[i];
    return dot_sum(lane);
}

#endif
