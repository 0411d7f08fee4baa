/**
 * Amounts as whole numbers: every cell of a table is rounded some ten times.
 */
#ifndef REMISE_JOBS_ROUNDING_H
#define REMISE_JOBS_ROUNDING_H

#include <stdint.h>

/**
 * The whole number nearest to x, halves away from zero, as llround has it, without a call.
 * Local.
 * x  in  finite, |x| < 2^63
 */
static inline int64_t rounded(double x)
{
    int64_t whole = (int64_t)x; /* toward zero, so that what is left is exact */
    double left = x - (double)whole;
    return whole + (left >= 0.5) - (left <= -0.5);
}

#endif
