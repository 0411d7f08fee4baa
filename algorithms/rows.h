/**
 * Rows of numbers in memory, as the algorithms take them: a float32 matrix cut into fixed blocks.
 */
#ifndef REMISE_ALGORITHMS_ROWS_H
#define REMISE_ALGORITHMS_ROWS_H

#include "partition/blocks.h"

struct rows {
    const struct blocks *blocks; /* not owned; blocks->rows_local rows on this rank, possibly 0 */
    int64_t columns;
    int64_t stride; /* floats from one row to the next, >= columns */
    const float *x; /* not owned; [rows_local][stride], finite, 64-byte aligned */
};

#endif
