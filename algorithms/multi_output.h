/**
 * Linear least squares of many outputs on the same columns: each output is a line in the columns of
 * a row, and one matrix of normal equations serves them all.
 *
 * Made for outputs that are 0 in most rows, such as what a user bought of each product: a row lists
 * those that are not. Columns are centred and brought to standard deviation 1 inside, and a ridge
 * draws their coefficients there towards 0, the intercept not; a column that is constant gets 0.
 * Rows are sharded, the coefficients are on every rank. Sums are taken in whole numbers and so
 * exact: columns as rounded to 22 binary digits of their range, values to 10 or more of theirs.
 */
#ifndef REMISE_ALGORITHMS_MULTI_OUTPUT_H
#define REMISE_ALGORITHMS_MULTI_OUTPUT_H

#include "partition/blocks.h"

enum { MULTI_OUTPUT_COLUMNS_MAX = 8192 };

/* A ridge of its own for each output, learned from how much the columns tell of it. */
#define MULTI_OUTPUT_LEARN (-1.0)

/* Borrowed. Rows are asked for, several times each, so that they need not all lie in memory. */
struct multi_output_data {
    const struct blocks *blocks;
    int64_t columns;
    void (*row)(const void *context, int64_t row_local,
                float *x); /* x out [columns], zeros before */
    const void *context;
    int64_t outputs;       /* the same on every rank */
    const int64_t *start;  /* [rows_local + 1] first entry of each row */
    const int32_t *output; /* [entries] in [0, outputs); those of a row in any order, repeats add */
    const float *value;    /* [entries] finite; NULL: all 1 */
    /* Of one and the same thing there are so many rows, which tell a learned ridge as much as one;
     * below 1: 1. */
    double repeats;
};

struct multi_output {
    int64_t columns, outputs;
    float *coefficient; /* [outputs][columns + 1] of the columns as given, then the intercept */
};

/**
 * Fit the coefficients.
 *
 * Collective.
 * ridge  in   >= 0: weighs the square of a coefficient as so many rows would; or
 *              MULTI_OUTPUT_LEARN: for each output what is left of it over the variance of its
 *              coefficients, by the method of moments, one of 15 steps from 1 to 1e7 rows; of more
 *              than 384 columns one for all outputs
 * model  out  new; the caller frees it with multi_output_free; NULL unless OK
 * Cost:  rows columns^2 + entries columns flops, outputs columns^2 more, shared by the ranks; a
 *        reduction of 8 bytes for each coefficient in batches of 64 MiB, and a gather of them.
 * Memory: 4 bytes for each coefficient on every rank, two batches and 24 columns^2, or up to
 *         140 with a learned ridge. A row is asked
 *         for four times, and once more for each batch.
 * Same bits for any number of ranks.
 * Errors: ERR_ARG no row, no or too many columns, a negative ridge, an output out of range;
 *         ERR_NUMERIC a number is not finite, or columns depend on each other and ridge is 0;
 *         ERR_MEMORY.
 * Source: Hastie, Tibshirani and Friedman 2009, 3.2.4 and 3.4.1; Golub, Heath and Wahba 1979 (the
 *         ridge as a ratio of variances).
 */
enum status multi_output_fit(const struct comm *comm, const struct multi_output_data *data,
                             double ridge, struct multi_output **model);
/** Free and null; accepts NULL inside. Local. */
void multi_output_free(struct multi_output **model);

/** What one output comes to for a row. Local. x in [columns] */
double multi_output_predict(const struct multi_output *model, const float *x, int64_t output);

/**
 * The coefficients column by column, for rows of which most columns are 0. Local.
 * turned  out  new [columns + 1][stride], the last the intercepts, 0 beyond the outputs; the caller
 *              frees it
 * stride  in   >= outputs
 * Errors: ERR_MEMORY.
 */
enum status multi_output_turn(const struct multi_output *model, int64_t stride, float **turned);

/** sum += times line. Local. line, sum [count] */
void multi_output_add(const float *line, float times, int64_t count, float *sum);

#endif
