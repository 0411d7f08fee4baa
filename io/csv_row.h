/**
 * One row of an indexed CSV text: its fields, and what is wrong with it. All local.
 */
#ifndef REMISE_IO_CSV_ROW_H
#define REMISE_IO_CSV_ROW_H

#include "io/csv.h"
#include "io/csv_window.h"

struct csv_split {
    int64_t columns;         /* fields there is room for */
    struct csv_field *field; /* [columns] the first fields, still escaped; not owned */
    int64_t fields;          /* found, may exceed columns */
    int64_t end;             /* position of the line end behind the row */
    bool escaped;            /* some field holds doubled quotes */
    bool stray; /* a quote in mid-field: text, but a hint that the delimiter is another */
    enum csv_reason reason; /* CSV_GOOD, CSV_QUOTE_OPEN or CSV_TEXT_AFTER_QUOTE, the first seen */
    int64_t lines;          /* line ends inside quotes */
    int64_t column;         /* 1-based, where */
};

/**
 * Split the row at `start`, whose first mark is window->index[*cursor].
 * cursor  inout  moves behind the row's line end; unchanged if the result is false
 * Returns false if the row goes on behind the window.
 * Cost: O(marks in the row).
 */
bool csv_row_split(const struct csv_window *window, int64_t start, int64_t *cursor,
                   struct csv_split *split);

/**
 * Find the first thing that is wrong with a row: an open quote, length, text behind a quote or a
 * long field, bytes, the number of fields, in this order.
 * bad  out  filled unless CSV_GOOD is returned; line is left to the caller
 */
enum csv_reason csv_row_check(const struct csv_window *window, int64_t start,
                              const struct csv_split *split, const struct csv_options *options,
                              struct csv_bad *bad);

/** Halve the doubled quotes of the fields that hold some, in place in the window. */
void csv_row_unescape(struct csv_split *split);

/** Fill bad->value with at most CSV_VALUE_MAX of these bytes. */
void csv_bad_value(struct csv_bad *bad, const char *text, int64_t bytes);

#endif
