/**
 * Are chances what they say? Predicted against observed, in bins of as many rows each, and for each
 * level of a dose.
 *
 * The expected calibration error (ECE) is the mean over bins of |observed - predicted|. It is above
 * zero also for perfect predictions, since outcomes are drawn; `ece_noise` is what it would be
 * then, so an ECE near its noise says that nothing wrong is seen. Everything is counted in integers
 * or exact sums of block partials: the same bits at any number of ranks.
 */
#ifndef REMISE_ALGORITHMS_RELIABILITY_H
#define REMISE_ALGORITHMS_RELIABILITY_H

#include "partition/blocks.h"

enum { RELIABILITY_BINS = 20, RELIABILITY_LEVELS = 16 };

/* Arrays are borrowed and of [blocks->rows_local]. */
struct reliability_rows {
    const struct blocks *blocks;
    const float *predicted; /* from 0 to 1 */
    const float *y;         /* from 0 to 1 */
    const float *weight;    /* >= 0; NULL: 1 each */
    const float *dose;      /* finite; NULL: no levels */
    const uint8_t *skip;    /* rows that do not count are not 0; NULL: all count */
};

struct reliability_bin {
    int64_t rows;               /* over all ranks */
    double weight;              /* their sum */
    double predicted, observed; /* weighted means; 0 without weight */
    double std_error;           /* of observed, were the predictions right */
};

struct reliability_table {
    int64_t bins; /* 0: no row counted */
    struct reliability_bin bin[RELIABILITY_BINS];
    struct reliability_bin all;
    double ece, ece_noise;
};

struct reliability_level {
    double dose; /* weighted mean */
    struct reliability_table table;
};

struct reliability {
    struct reliability_table table;
    int64_t levels; /* different doses, or intervals of as many rows each where there are more than
                       RELIABILITY_LEVELS */
    struct reliability_level level[RELIABILITY_LEVELS];
    double log_loss; /* weighted mean; chances kept 2^-23 from 0 and 1 */
};

/**
 * Compare predictions with outcomes.
 *
 * Collective.
 * bins    in   of a table, 2 .. RELIABILITY_BINS; fewer where predictions are equal
 * result  out  the same on every rank
 * Memory: 6 bytes a row.
 * Cost: some ten passes, and as many again for each level.
 * Same bits for any number of ranks.
 * Errors: ERR_ARG bins; ERR_DATA a chance or outcome outside 0 .. 1, a weight below 0, with its
 *         row; ERR_MEMORY.
 * Source: Guo et al. 2017 (ECE); Nixon et al. 2019 (bins of equal counts).
 */
enum status reliability_make(const struct comm *comm, const struct reliability_rows *rows,
                             int64_t bins, struct reliability *result);

#endif
