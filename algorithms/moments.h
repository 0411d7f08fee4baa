/**
 * Weights, means and centred sums of squares and products of a few variables, in one flat array, so
 * that they can be sent, merged and stored as they are.
 *
 * Moments of v variables are [sum of weights, mean of each of v, centred products of v (v + 1) / 2
 * pairs]; pair (i, j) with i <= j stands at moments_pair(v, i, j). Centred sums keep their digits
 * where means are large, and are exactly 0 for a variable that is constant. All local.
 */
#ifndef REMISE_ALGORITHMS_MOMENTS_H
#define REMISE_ALGORITHMS_MOMENTS_H

#include <stdint.h>

/** Length of the array for v variables. */
static inline int64_t moments_width(int64_t v)
{
    return 1 + v + v * (v + 1) / 2;
}

/** Place of the centred product of variables i <= j. */
static inline int64_t moments_pair(int64_t v, int64_t i, int64_t j)
{
    return 1 + v + i * v - i * (i - 1) / 2 + (j - i);
}

/** The centred product of variables i and j, in either order. */
static inline double moments_product(const double *moments, int64_t v, int64_t i, int64_t j)
{
    return moments[i < j ? moments_pair(v, i, j) : moments_pair(v, j, i)];
}

/* Rows of variables; borrowed. */
struct moments_rows {
    int64_t variables;
    const double *x;      /* [..][variables - 1] row-major */
    const double *y;      /* [..] the last variable */
    const double *weight; /* [..] > 0; NULL: all 1, so that weights count rows */
};

/**
 * Moments of some rows, by two passes from the first row on.
 * row      in   [count] their numbers
 * moments  out  [moments_width(v)]
 */
void moments_of_rows(const int64_t *row, int64_t count, const struct moments_rows *rows,
                     double *moments);

/** Add other moments to these (Chan, Golub and LeVeque 1983, Am. Stat. 37(3)). */
void moments_merge(double *moments, const double *other, int64_t v);

#endif
