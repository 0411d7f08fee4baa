/**
 * Bins of columns: each column's values cut into at most 255 intervals that hold about as many rows
 * each, so that a value becomes one byte.
 *
 * bins_make finds where the intervals end, exactly, from integer histograms of all ranks' rows: a
 * column with no more different values than bins has a bin for each, any other has its quantiles.
 * bins_code then names the bin of every value. Trees (algorithms/forest.h) are grown from these
 * bytes alone. A missing value (NaN) has a bin of its own, behind the others.
 */
#ifndef REMISE_ALGORITHMS_BINS_H
#define REMISE_ALGORITHMS_BINS_H

#include "algorithms/rows.h"

enum { BINS_MAX = 255 }; /* of values; with the missing ones a code is a byte */

struct bins {
    int64_t columns;
    int64_t *start; /* [columns + 1] first edge of each column in edge */
    float *edge;    /* ascending in a column: bin b holds edge[b - 1] < x <= edge[b], and the last
                       bin all above */
    bool *missing;  /* [columns] some row counted had no value */
};

/** Bins of values of a column, at least 1; also the code of a missing value. Local. */
static inline int64_t bins_count(const struct bins *bins, int64_t column)
{
    return bins->start[column + 1] - bins->start[column] + 1;
}

/** The upper end of a bin, INFINITY for the last one of its column. Local. */
float bins_edge(const struct bins *bins, int64_t column, int64_t bin);

/**
 * Find the bins of all columns.
 *
 * Collective.
 * x     in   finite or NaN; 0 and -0 are one value
 * skip  in   [rows_local] rows that are not counted are not 0; NULL: all count
 * most  in   bins of values per column, 2 to BINS_MAX
 * bins  out  new; the caller frees it with bins_free; NULL unless OK
 * With at most `most` different values, edges lie midway between neighbours. Else the edges are
 * values: those at ranks ceil(k n / most) of the n values in order, each once, less the largest.
 * Memory: 6 MiB at most.
 * Cost: three passes over the rows; for each 8 columns three reductions: of 2^19 bytes a column,
 *       then twice of 2^11 for each longer beginning of a key that is followed up (`most` at most),
 *       and one more.
 * Same bits for any number of ranks.
 * Errors: ERR_ARG; ERR_NUMERIC a value is infinite; ERR_MEMORY.
 */
enum status bins_make(const struct comm *comm, const struct rows *x, const uint8_t *skip,
                      int64_t most, struct bins **bins);
/** Free and null; accepts NULL inside. Local. */
void bins_free(struct bins **bins);

/**
 * The bin of every value, column by column.
 * Local.
 * codes  out  [columns][rows_local], the caller's; bins_count(j) where the value is missing
 * Memory: 66 KiB per column. Cost: O(rows_local columns).
 * Errors: ERR_ARG x has other columns; ERR_MEMORY.
 */
enum status bins_code(const struct bins *bins, const struct rows *x, uint8_t *codes);

#endif
