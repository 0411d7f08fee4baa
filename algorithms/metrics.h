/**
 * How good predictions are, counted over the ranks: errors of values, and the usual measures of
 * probabilities.
 *
 * Everything is counted in integers or exact sums of block partials, so a measure has the same bits
 * at any number of ranks. All functions look at the rows of one part (training, validation, test)
 * and skip the others.
 */
#ifndef REMISE_ALGORITHMS_METRICS_H
#define REMISE_ALGORITHMS_METRICS_H

#include "partition/blocks.h"

/* The rows to judge; arrays are borrowed and of [blocks->rows_local]. */
struct metrics_rows {
    const struct blocks *blocks;
    const float *y;         /* truth: any value for metrics_mse, else 0 or 1 */
    const float *predicted; /* values, or probabilities in [0, 1] */
    const uint8_t *part;    /* NULL: all rows */
    uint8_t chosen;         /* only rows with part[row] == chosen */
};

/* Of probabilities; a measure whose denominator is 0 is 0, except auc: NaN if a class is
 * missing. */
struct metrics_binary {
    int64_t rows, positives;                 /* over all ranks */
    int64_t true_positives, false_positives; /* predicted >= 0.5 */
    double log_loss; /* natural log; probabilities kept 2^-23 from 0 and 1 */
    double accuracy, precision, recall, f1;
    double auc; /* P(a positive ranks above a negative), ties count one half */
};

/* One bin of predicted probabilities. */
struct metrics_bin {
    int64_t count;
    double predicted, observed; /* means; 0 in an empty bin */
};

/**
 * Mean squared error of values.
 * Collective.
 * mse   out  0 without rows
 * rows  out  over all ranks
 * Cost: one pass, one reduction.
 * Errors: ERR_NUMERIC a value is not finite; ERR_MEMORY.
 * Same bits for any number of ranks.
 */
enum status metrics_mse(const struct comm *comm, const struct metrics_rows *rows, double *mse,
                        int64_t *rows_counted);

/**
 * All measures of probabilities against outcomes of 0 and 1.
 * Collective.
 * Cost: as metrics_mse and metrics_auc.
 * Errors: ERR_DATA a truth that is not 0 or 1, or a probability outside [0, 1], with its row;
 *         ERR_MEMORY.
 * Same bits for any number of ranks.
 */
enum status metrics_binary(const struct comm *comm, const struct metrics_rows *rows,
                           struct metrics_binary *out);

/**
 * Area under the ROC curve of any finite scores, exactly: equal scores count one half.
 * Collective.
 * auc  out  NaN if a class is missing. y is 1 for a positive, anything else a negative.
 * Cost: one local radix sort and one exchange of each distinct score (16 bytes), balanced over the
 *       ranks by a histogram of 2^16 bins of the scores' top bits.
 * Memory: 32 bytes per row. At most 2^31 rows of a class.
 * Errors: ERR_NUMERIC a score is not a number; ERR_MEMORY.
 * Same bits for any number of ranks.
 * Source: Mann and Whitney 1947, Ann. Math. Stat. 18(1).
 */
enum status metrics_auc(const struct comm *comm, const struct metrics_rows *rows, double *auc);

/**
 * Are probabilities what they say? Rows by equal bins of the prediction over [0, 1].
 * Collective.
 * table  out  [bins]
 * Cost: one pass, one reduction.
 * Errors: as metrics_binary; ERR_ARG bins < 1.
 */
enum status metrics_calibration(const struct comm *comm, const struct metrics_rows *rows,
                                int64_t bins, struct metrics_bin *table);

#endif
