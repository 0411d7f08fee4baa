/**
 * Sums of outer products of float32 rows, in double.
 */
#ifndef REMISE_ALGORITHMS_ALS_GRAM_H
#define REMISE_ALGORITHMS_ALS_GRAM_H

#include <stdint.h>

enum { ALS_GRAM_ROWS = 256 }; /* summed up in float32 before they go to double */

/**
 * Add the outer products of rows to the upper triangle of square, in the order of rows. Local.
 * x       in     [rows][stride]
 * part    in     [columns][wide] work space
 * square  inout  [columns][wide] only its upper triangle means anything
 * Cost: rows columns^2 flops, twice that of few columns.
 */
void als_gram_add(const float *x, int64_t rows, int64_t stride, int64_t columns, int64_t wide,
                  float *part, double *square);

#endif
