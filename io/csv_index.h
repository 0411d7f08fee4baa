/**
 * Where the bytes that structure a CSV text stand: 64 bytes at a time, by the widest vectors the
 * machine has.
 *
 * Two questions are answered: the positions of delimiters, quotes and line ends, from which rows
 * are split, and the positions of quotes with the number of line ends, from which ranges of a file
 * are joined (io/csv_scan.h); mostly the number alone is enough.
 */
#ifndef REMISE_IO_CSV_INDEX_H
#define REMISE_IO_CSV_INDEX_H

#include <stdbool.h>
#include <stdint.h>

enum { CSV_INDEX_SLACK = 64 }; /* bytes readable behind a text, entries writable behind an index */

/* How to look; all give the same answers. */
enum csv_kernel { CSV_KERNEL_PORTABLE, CSV_KERNEL_AVX2, CSV_KERNEL_AVX512, CSV_KERNELS };

/** The fastest kernel of this machine. Local. */
enum csv_kernel csv_kernel_best(void);

/**
 * Positions of delimiters, quotes, LF and CR in text, ascending. Local.
 * text   in   [bytes], CSV_INDEX_SLACK more readable; bytes < 2^32
 * index  out  room for bytes + CSV_INDEX_SLACK
 * clean  out  whether it holds no 0 and all is valid UTF-8, but for a last character cut off
 * Returns their number.
 */
int64_t csv_index_structure(enum csv_kernel kernel, const char *text, int64_t bytes, char delimiter,
                            uint32_t *index, bool *clean);

/**
 * Positions of quotes in text, and the number of line ends: LF, CRLF or CR. Local.
 * text       in   as above, and text[-1] is the byte before, so that a CRLF cut in two counts once
 * line_ends  out  counted where a CR, or an LF without one before it, stands
 * Returns the number of quotes.
 */
int64_t csv_index_quotes(enum csv_kernel kernel, const char *text, int64_t bytes, uint32_t *index,
                         int64_t *line_ends);

/**
 * Number of line ends, as above, and whether there is any quote. Local.
 */
int64_t csv_index_line_ends(enum csv_kernel kernel, const char *text, int64_t bytes, bool *quoted);

#endif
