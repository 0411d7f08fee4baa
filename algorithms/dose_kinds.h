/**
 * Shapes of a response to a dose, one for each kind of rows, where kinds are known as chances.
 *
 * Of rows with curves sigmoid(a + b dose) it is asked how the dose counts:
 *
 *     P = sigmoid(scale a + sum over kinds c of chance[c] (shift[c] + b g[c](dose)))
 *
 * where each g is a line that bends at the knots and rises in every piece. How much a kind rises in
 * a piece beyond what all do is held back by a ridge, so that a kind of few rows has the shape of
 * all. Halves of the rows are judged by the fit of the other, against the same
 * with one shape for all; the ridge that serves them best is taken.
 */
#ifndef REMISE_ALGORITHMS_DOSE_KINDS_H
#define REMISE_ALGORITHMS_DOSE_KINDS_H

#include "algorithms/dose.h"
#include "partition/blocks.h"

/* Curves that rows were not fitted to. Borrowed; of [blocks->rows_local] but for chance. */
struct dose_kinds_rows {
    const struct blocks *blocks;
    const float *a, *b, *dose; /* finite, b and dose >= 0 */
    const float *y;            /* from 0 to 1 */
    const float *weight;       /* >= 0 */
    const uint8_t *half;       /* 0 or 1, by what rows may depend on; else no row to use */
    const int32_t *unit;       /* whose chances are a row's */
    int64_t kinds;             /* 2 .. DOSE_KINDS_MAX */
    const float *chance;       /* [units][kinds] sum 1 */
};

/* What the halves said. */
struct dose_kinds_check {
    double loss;             /* log loss with one shape for all */
    double gain, gain_error; /* by which it is lower with one for each kind; standard error */
};

/**
 * Fit the shapes. Collective.
 * knots   in   at least one; values are not read
 * shapes  out  scaled so that, on average over the rows, the highest knot stays where it is
 * Cost: some 800 passes over half of the rows, of kinds x knots steps a row.
 * Memory: 16 (kinds + 1)^2 knots^2 bytes.
 * Same bits for any number of ranks.
 * Errors: ERR_ARG kinds; ERR_NUMERIC a value of a row is not finite; ERR_MEMORY.
 */
enum status dose_kinds_fit(const struct comm *comm, const struct dose_kinds_rows *rows,
                           const struct dose_shape *knots, struct dose_shapes *shapes,
                           struct dose_kinds_check *check);

#endif
