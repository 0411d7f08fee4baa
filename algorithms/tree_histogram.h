/**
 * Histograms of a node's rows: for every bin of the columns counted, how many rows it holds and the
 * sum of their targets, or how many of each class.
 *
 * While a node has under 2^15 rows over all ranks its histogram is packed: rows and sum share one
 * 64-bit integer (the rows are its low 16 bits), or up to four classes do, so that counting a row
 * is one addition per column, and half as much is sent. A larger node's rows are counted packed,
 * some 2^15 at a time, and added to the unpacked histogram. All of it is integers: any order and
 * any ranks give the same.
 */
#ifndef REMISE_ALGORITHMS_TREE_HISTOGRAM_H
#define REMISE_ALGORITHMS_TREE_HISTOGRAM_H

#include "algorithms/tree_list.h"

/* Fewer rows than a field could hold, so that the last one never reaches the sign. */
enum {
    TREE_PACKED_ROWS = 32767,
    TREE_PACKED_BITS = 16,
    TREE_PACKED_MASK = 65535,
    TREE_PACKED_CLASSES = 4
};

/* What a bin takes. */
struct tree_shape {
    int64_t columns;
    int64_t classes; /* 0: values */
    int64_t stats;   /* integers of an unpacked bin: rows and sum, or rows of each class */
    int64_t words;   /* 64-bit integers of a packed bin */
    int64_t *bins;   /* [columns] with the one of the missing values, where there are any */
    bool *missing;   /* [columns] the last bin is that of the missing values */
};

/* Columns of a histogram, ascending, and where in it they start. */
struct tree_columns {
    int64_t count;
    int32_t *column; /* [count] */
    int64_t *start;  /* [count + 1] in bins */
};

/** Errors: ERR_MEMORY. Local; free with tree_shape_clear. */
enum status tree_shape_init(struct tree_shape *shape, const struct forest_data *data);
/** Free; accepts a zeroed struct. Local. */
void tree_shape_clear(struct tree_shape *shape);

/** Integers of a node's histogram for one bin. Local. */
static inline int64_t tree_width(const struct tree_shape *shape, bool packed)
{
    return packed ? shape->words : shape->stats;
}

/**
 * Add rows to a histogram. Local.
 * entry      in     [count] of a tree_list
 * histogram  inout  [columns->start[columns->count]][tree_width], all 0 before the first rows
 * room       inout  as many bins packed, all 0; stays so. Not used if packed.
 */
void tree_histogram_add(const struct tree_records *records, const struct tree_shape *shape,
                        const struct tree_columns *columns, const uint32_t *entry, int64_t count,
                        bool packed, int64_t *histogram, int64_t *room);

/**
 * larger = parent - smaller: histograms of two siblings of the same columns. Local.
 * Each as packed as it is said to be.
 */
void tree_histogram_subtract(const struct tree_shape *shape, int64_t bins, const int64_t *parent,
                             bool parent_packed, const int64_t *smaller, bool smaller_packed,
                             int64_t *larger, bool larger_packed);

/** Statistic s of a bin. Local. */
static inline int64_t tree_statistic(const struct tree_shape *shape, const int64_t *bin,
                                     bool packed, int64_t s)
{
    if (!packed) return bin[s];
    if (shape->classes > 0)
        return bin[s / TREE_PACKED_CLASSES] >> (s % TREE_PACKED_CLASSES * TREE_PACKED_BITS) &
               TREE_PACKED_MASK;
    return s == 0 ? bin[0] & TREE_PACKED_MASK : bin[0] >> TREE_PACKED_BITS;
}

#endif
