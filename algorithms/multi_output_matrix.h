/**
 * The columns of algorithms/multi_output.h in whole numbers, and the matrix they make.
 */
#ifndef REMISE_ALGORITHMS_MULTI_OUTPUT_MATRIX_H
#define REMISE_ALGORITHMS_MULTI_OUTPUT_MATRIX_H

#include "algorithms/multi_output.h"

/* A column enters as rint((x - mean) / unit), at most 2^bits in size, and a value likewise. Their
 * products sum up without error over a chunk in a double, over all rows in an int64. */
struct output_matrix {
    int64_t columns, rows;
    double *mean, *unit, *per_unit; /* [columns] units are powers of two */
    double value_unit;
    double *sum;         /* [columns] of z */
    double *sd;          /* [columns] in units; 0 for a constant */
    double *correlation; /* [columns][columns]; a constant has a row of its own */
    float *x;            /* [columns] of a row */
    double *whole;       /* [columns] the same in whole numbers */
    int32_t *z;          /* [columns + 1] the same, then 1 */
};

/**
 * Measure the columns and values, and sum the products of columns.
 * Collective. Clear with output_matrix_clear, also on failure.
 * Errors: ERR_NUMERIC a number is not finite; ERR_MEMORY.
 */
enum status output_matrix_make(const struct comm *comm, const struct multi_output_data *data,
                               struct output_matrix *m);
/** Free; accepts a zeroed struct. Local. */
void output_matrix_clear(struct output_matrix *m);

/** Take a row: m->z. Local. */
void output_matrix_row(const struct multi_output_data *data, int64_t row,
                       const struct output_matrix *m);

#endif
