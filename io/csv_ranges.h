/**
 * The bytes of a table's files each rank reads, and the reader's state where they begin.
 *
 * The files stand one behind the other, and their bytes are divided equally; a plain file is cut
 * anywhere, and a gzip file, which cannot be, goes whole to the range in which it begins. So the
 * ranges of a rank are at most one of each file for each division, in the order of the files.
 */
#ifndef REMISE_IO_CSV_RANGES_H
#define REMISE_IO_CSV_RANGES_H

#include "io/csv.h"
#include "io/csv_scan.h"

/* Bytes [first, end) of the text of one file; the rows that start there are read here. */
struct csv_range {
    int64_t file;
    int64_t first, end;   /* end INT64_MAX: all of it */
    enum csv_state state; /* at `first` */
    char before;          /* the byte before it; a line end where the rows of the file begin */
    int64_t line;         /* at `first` */
};

struct csv_ranges {
    int64_t count;
    struct csv_range *range; /* [count], none of them empty */
};

/**
 * Divide the files, and find the state where each range begins.
 *
 * Collective.
 * ranges  out  those of this rank, maybe none; free with csv_ranges_clear; empty unless OK
 * Cost: one pass at memory speed over ranges that end within a file; none on one rank.
 * Errors: ERR_NO_INPUT, ERR_IO, ERR_MEMORY.
 */
enum status csv_ranges_find(const struct comm *comm, const struct csv *csv,
                            struct csv_ranges *ranges);

/**
 * Ranges of about `bytes` together, from places all over the files; the parts of files that are
 * compressed are their beginnings. Each is taken to begin outside of quotes. Local.
 * ranges  out  as of csv_ranges_find; the line of the first row of place p is p * 2^24 + 1
 * whole   out  the files are no larger, and these are all of them
 * Errors: ERR_NO_INPUT, ERR_IO, ERR_MEMORY.
 */
enum status csv_ranges_sample(const struct csv *csv, int64_t bytes, struct csv_ranges *ranges,
                              bool *whole);

/** Compare a file's size with what it was at csv_open. Errors: ERR_IO. Local. */
enum status csv_check_unchanged(const struct csv *csv, int64_t file, int64_t bytes);

/** Free; accepts a zeroed struct. Local. */
void csv_ranges_clear(struct csv_ranges *ranges);

#endif
