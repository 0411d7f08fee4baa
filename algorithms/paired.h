/**
 * Is one prediction better than another, row by row? The weighted mean of what each row gains, and
 * its standard error.
 *
 * Sums are the caller's: block by block, then by mpi/exact.h.
 */
#ifndef REMISE_ALGORITHMS_PAIRED_H
#define REMISE_ALGORITHMS_PAIRED_H

#include <math.h>

enum { PAIRED_SUMS = 5 };

struct paired {
    double weight, mean, std_error;
};

/** Add a row to sums [PAIRED_SUMS]. Local. */
static inline void paired_add(double *sum, double weight, double gain)
{
    double square = weight * weight;
    sum[0] += weight;
    sum[1] += weight * gain;
    sum[2] += square;
    sum[3] += square * gain;
    sum[4] += square * gain * gain;
}

/** What the sums say; zeros without weight. Local. */
static inline struct paired paired_of(const double *sum)
{
    if (!(sum[0] > 0.0)) return (struct paired){0.0, 0.0, 0.0};
    double mean = sum[1] / sum[0];
    double spread = sum[4] - 2.0 * mean * sum[3] + mean * mean * sum[2];
    return (struct paired){sum[0], mean, sqrt(fmax(spread, 0.0)) / sum[0]};
}

/** Log loss of a chance for an outcome from 0 to 1; chances are kept 2^-40 from 0 and 1. Local. */
static inline double paired_log_loss(double chance, double y)
{
    double p = fmin(fmax(chance, 0x1p-40), 1.0 - 0x1p-40);
    return -(y * log(p) + (1.0 - y) * log1p(-p));
}

#endif
