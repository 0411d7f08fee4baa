/**
 * Sums of outer products of rows: square += panel' panel, the inner loop of the normal equations.
 *
 * The panel lies in strips of 24 columns so that tiles of the square stay in registers and nothing
 * is packed. Every element is one chain of fused multiply-adds in order of rows: the same bits on
 * every machine that has them.
 */
#ifndef REMISE_ALGORITHMS_SYRK_H
#define REMISE_ALGORITHMS_SYRK_H

#include <stdint.h>

enum { SYRK_STRIP = 24 };

/**
 * Add the outer products of `rows` rows to the upper triangle of square. Local.
 * panel   in     [strips][strip_rows][SYRK_STRIP], 64-byte aligned, strip_rows >= rows
 * square  inout  [strips * SYRK_STRIP][strips * SYRK_STRIP]; below the diagonal strips it is not
 *                touched
 * Cost: rows * (strips * SYRK_STRIP)^2 flops.
 */
void syrk_add(const double *panel, int64_t strips, int64_t rows, int64_t strip_rows,
              double *square);

#endif
