/**
 * Centre and scale columns by their mean and standard deviation over all rows.
 *
 * Means and deviations are exact sums of block partials: the same bits at any number of ranks.
 */
#ifndef REMISE_ALGORITHMS_STANDARDISE_H
#define REMISE_ALGORITHMS_STANDARDISE_H

#include "algorithms/rows.h"

/**
 * Mean and standard deviation (divisor n) of each column over the rows of all ranks.
 *
 * Collective.
 * x     in   [blocks->rows_local][columns] row-major, finite, of any magnitude
 * mean  out  [columns]
 * sd    out  [columns]; 0 for a constant column
 * Cost: three passes over the rows, three reductions.
 * Errors: ERR_NUMERIC a value is not finite; ERR_MEMORY.
 */
enum status standardise_measure(const struct comm *comm, const struct blocks *blocks,
                                const double *x, int64_t columns, double *mean, double *sd);

/**
 * The same for float32 rows: mean and standard deviation of each column.
 * Collective. Cost, errors and bits as standardise_measure.
 */
enum status standardise_measure_rows(const struct comm *comm, const struct rows *rows, double *mean,
                                     double *sd);

/**
 * x[i][j] = (x[i][j] - mean[j]) / sd[j] in place, kept within +-limit; a constant column gives
 * zeros. Local.
 * limit  in   in standard deviations; INFINITY for none. A model that has seen a column near its
 *             mean is not asked to extrapolate far beyond it.
 */
void standardise_in_place(float *x, int64_t rows, int64_t columns, int64_t stride,
                          const double *mean, const double *sd, float limit);

/**
 * out = (x - mean) / sd as float32; a constant column gives zeros. Local.
 * out  out  [rows][stride], stride >= columns; the padding is left as it is
 */
void standardise_apply(const double *x, int64_t rows, int64_t columns, const double *mean,
                       const double *sd, float *out, int64_t stride);

#endif
