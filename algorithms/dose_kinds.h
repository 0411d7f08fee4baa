/**
 * Shapes of a response to a dose, one for each kind of rows, where kinds are known as chances.
 *
 * Of rows with curves sigmoid(a + b dose) it is asked how the dose counts:
 *
 *     P = sigmoid(scale a + sum over kinds c of chance[c] (shift[c] + b g[c](dose)))
 *
 * where each g is a line that bends at the knots and rises in every piece. Shapes are expected to
 * deviate from the straight one, together and each by itself, by as much as makes the rows most
 * likely (algorithms/dose_prior.h), so that a kind of few rows has nearly the shape of all. What is
 * handed on is not the likeliest shape but the mean of all that the rows leave possible: of rises
 * of which little is known a choice then makes neither too much nor too little. Whether kinds
 * differ at all is told by how much more likely that makes the rows.
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
    const uint8_t *skip;       /* rows that do not count are not 0 */
    const int32_t *unit;       /* whose chances are a row's */
    int64_t kinds;             /* 2 .. DOSE_KINDS_MAX */
    const float *chance;       /* [units][kinds] sum 1 */
};

/**
 * Fit the shapes. Collective.
 * knots    in   at least one; values are not read
 * shapes   out  not scaled: where the rows' b are too high for a kind or all, its dose is lower
 * support  out  log of how much more likely the rows are than if kinds were alike; above 3 is
 *               strong (Kass and Raftery 1995, J. Am. Stat. Assoc. 90)
 * Cost: some 10 passes over the rows, of the square of the pieces that count for a row; on every
 *       rank some 300 times (kinds knots)^3 / 3 flops.
 * Memory: 40 (kinds knots)^2 bytes.
 * Same bits for any number of ranks.
 * Errors: ERR_ARG kinds; ERR_NUMERIC a value of a row is not finite; ERR_MEMORY.
 */
enum status dose_kinds_fit(const struct comm *comm, const struct dose_kinds_rows *rows,
                           const struct dose_shape *knots, struct dose_shapes *shapes,
                           double *support);

#endif
