/**
 * Isotonic regression: the rising step function of a score that is nearest to the outcomes.
 *
 * Exact, whatever the number of rows and ranks: rows are sorted over the ranks by their score,
 * every rank pools its stretch of the order (pool adjacent violators), and what is left of all
 * ranks, a few pools, is pooled once more on each. Weights and outcomes are rounded once to
 * multiples of one power of two, so that sums and comparisons of pools are those of integers: the
 * same pools, to the last bit, in any order. The map is given by its knots, both ends of every
 * pool, and is linear between them: rising, and within the range of the outcomes.
 */
#ifndef REMISE_ALGORITHMS_ISOTONIC_H
#define REMISE_ALGORITHMS_ISOTONIC_H

#include "partition/blocks.h"

/* Arrays are borrowed and of [blocks->rows_local]. */
struct isotonic_rows {
    const struct blocks *blocks;
    const double *score; /* finite */
    const float *y;      /* finite */
    const float *weight; /* >= 0; NULL: 1 each */
    const uint8_t *skip; /* rows that do not count are not 0; NULL: all count */
};

struct isotonic {
    int64_t knots;                    /* 0: no row counted */
    double *x;                        /* [knots] rising */
    double *y;                        /* [knots] never falling */
    double weight_first, weight_last; /* of the lowest and the highest pool */
};

/**
 * Fit the map.
 *
 * Collective.
 * map  out  the same on every rank; free with isotonic_clear
 * Accuracy: a row's weight and outcome are rounded to 2^-60 of the sum of all.
 * Cost: a distributed sort of 24 bytes a row, a gather of 48 bytes for each pool of each rank.
 * Memory: 72 bytes a row.
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC a score, outcome or weight is not finite, or a weight is below 0, with its
 *         row; ERR_MEMORY.
 * Source: Ayer et al. 1955, Ann. Math. Stat. 26(4); Best and Chakravarti 1990.
 */
enum status isotonic_fit(const struct comm *comm, const struct isotonic_rows *rows,
                         struct isotonic *map);
/** Free; accepts a zeroed struct. Local. */
void isotonic_clear(struct isotonic *map);

/** Where the map leads a score: linear between knots, flat beyond them; NaN without knots. Local.
 */
double isotonic_apply(const struct isotonic *map, double score);

/**
 * The rising values nearest to a few values, by weights > 0, in place. Local. Cost: O(count^2).
 */
void isotonic_rise(int64_t count, const double *weight, double *y);

/** Raise what is below `low` to it and lower what is above `high`. Local. */
void isotonic_clamp(struct isotonic *map, double low, double high);

#endif
