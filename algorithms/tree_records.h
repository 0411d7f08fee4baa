/**
 * The rows that trees are grown from, as bytes: each row's target as an integer and its bins, side
 * by side, so that one access brings all of a row.
 *
 * A target is rounded once to a multiple of a power of two, so sums of targets are exact integers:
 * the same in any order and at any number of ranks. With at most 2^22 rows the unit is 2^-30 of the
 * range of the targets, with more the sum of all still fits 52 bits.
 */
#ifndef REMISE_ALGORITHMS_TREE_RECORDS_H
#define REMISE_ALGORITHMS_TREE_RECORDS_H

#include "algorithms/forest.h"

#include <string.h>

enum { TREE_TARGET_BYTES = 4 }; /* before the bins of a record */

struct tree_records {
    int64_t rows; /* local */
    int64_t columns;
    int64_t classes;     /* 0: targets are values */
    int64_t stats;       /* integers that describe a set of rows: rows and sum, or rows by class */
    int64_t stride;      /* bytes from one record to the next */
    uint8_t *record;     /* [rows][stride]: int32 target, then [columns] bins */
    const uint8_t *code; /* [columns][rows] the bins again, not owned */
    double unit, offset; /* target = offset + unit * integer */
    int64_t rows_used;   /* over all ranks */
};

/**
 * Make the records. Collective.
 * Errors: ERR_NUMERIC a target is not finite; ERR_ARG a label is out of range, or no row is used;
 *         ERR_MEMORY.
 */
enum status tree_records_make(const struct comm *comm, const struct forest_data *data,
                              struct tree_records *records);
/** Free; accepts a zeroed struct. Local. */
void tree_records_clear(struct tree_records *records);

/** The record of a local row. Local. */
static inline const uint8_t *tree_record(const struct tree_records *records, int64_t row)
{
    return records->record + row * records->stride;
}

/** The integer target, or label, of a record. Local. */
static inline int32_t tree_record_target(const uint8_t *record)
{
    int32_t target;
    memcpy(&target, record, sizeof target);
    return target;
}

#endif
