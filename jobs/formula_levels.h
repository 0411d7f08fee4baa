/**
 * The levels of a factor: its distinct values in the rows that are used, numbered in order.
 *
 * Levels that only rows left out have are none. Every rank knows all of them, and the level of each
 * of its rows.
 */
#ifndef REMISE_JOBS_FORMULA_LEVELS_H
#define REMISE_JOBS_FORMULA_LEVELS_H

#include "io/table.h"

struct formula_levels {
    int64_t count;
    int32_t *level;                 /* [rows] */
    double *number;                 /* [count] ascending; NULL for texts */
    int64_t *code;                  /* [count] of the column's texts, ascending; NULL for numbers */
    const struct dictionary *texts; /* not owned; NULL for numbers */
};

/**
 * The levels of a column of texts.
 *
 * Collective.
 * used    in   [table rows] rows that count
 * levels  out  free with formula_levels_clear
 * Cost: a reduction of 8 bytes for each text of the column.
 * Errors: ERR_MEMORY.
 */
enum status formula_levels_of_text(const struct comm *comm, const struct table_column *column,
                                   const struct blocks *blocks, const bool *used,
                                   struct formula_levels *levels);

/**
 * The levels of numbers.
 *
 * Collective.
 * value  in   [rows] finite
 * Cost: every rank gets the distinct values of all.
 * Errors: ERR_MEMORY; ERR_ARG more than 2^31 - 1 distinct values.
 */
enum status formula_levels_of_numbers(const struct comm *comm, const double *value, int64_t rows,
                                      struct formula_levels *levels);

/** A level's name in at most `room` bytes: the text, or the number in its shortest form. Local. */
void formula_levels_name(const struct formula_levels *levels, int64_t level, char *name,
                         size_t room);

/** Free; accepts a zeroed struct. Local. */
void formula_levels_clear(struct formula_levels *levels);

#endif
