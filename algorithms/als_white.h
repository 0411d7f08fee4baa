/**
 * Coordinates in which all pairs of implicit feedback together weigh as the identity.
 *
 * The problem of user x is  x' (G + lambda) x + a sum over its ratings, G the sum of y y' over all
 * items. With u' u = G + lambda the first term is |v|^2 of v = u x, and y . x = z . v where
 * z = u'^-1 y: conjugate gradients on v need no product with G, and few steps. Rows are transformed
 * from the right: v = x u', x = v u'^-1, z = y u^-1.
 */
#ifndef REMISE_ALGORITHMS_ALS_WHITE_H
#define REMISE_ALGORITHMS_ALS_WHITE_H

#include "mpi/status.h"

#include <stdint.h>

struct als_white {
    int64_t columns, wide;
    double *square, *inverse; /* [columns][wide] u, and its inverse */
    float *rows;              /* [columns][wide] u^-1 */
    float *there, *back;      /* [columns][wide] u' and u'^-1 */
};

/** Work space. Local. Cleared with als_white_clear, also on failure. Errors: ERR_MEMORY. */
enum status als_white_init(int64_t columns, int64_t wide, struct als_white *white);
/** Free; accepts a zeroed struct. Local. */
void als_white_clear(struct als_white *white);

/**
 * Take white->square, whose upper triangle the caller has filled with G. Local.
 * Cost: columns^3 flops.
 * Errors: ERR_NUMERIC G + lambda is not positive definite in double.
 */
enum status als_white_set(struct als_white *white, double lambda);

/**
 * Rows transformed: those of the other side, z = y u^-1. Local.
 * from  in   [count][from_stride]
 * to    out  [count][to_stride], of which `wide` floats are set
 * Cost: count columns^2 flops, somewhat more of few columns.
 */
void als_white_rows(const struct als_white *white, const float *from, int64_t count,
                    int64_t from_stride, float *to, int64_t to_stride);
/** Those that are solved for, v = x u'. Likewise. */
void als_white_there(const struct als_white *white, const float *from, int64_t count,
                     int64_t from_stride, float *to, int64_t to_stride);
/** And back, x = v u'^-1. Likewise. */
void als_white_back(const struct als_white *white, const float *from, int64_t count,
                    int64_t from_stride, float *to, int64_t to_stride);

#endif
