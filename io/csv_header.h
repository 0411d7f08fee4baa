/**
 * The header of one CSV file: compression, delimiter, column names. Local.
 */
#ifndef REMISE_IO_CSV_HEADER_H
#define REMISE_IO_CSV_HEADER_H

#include "io/csv.h"

struct csv_header {
    char delimiter;
    struct csv_file file;
    int64_t columns;
    char *name; /* one after the other, each ended by 0, without quotes and surrounding blanks */
    int64_t name_bytes;
};

/**
 * Read the header of a file.
 * options  in   a delimiter of 0 is found, and any other taken as it is
 * header   out  free its names with csv_header_clear; empty unless OK
 * Errors: ERR_NO_INPUT; ERR_DATA empty file, malformed header, two columns of one name; ERR_IO;
 *         ERR_MEMORY.
 */
enum status csv_header_read(const char *path, const struct csv_options *options,
                            struct csv_header *header);

/** Free; accepts a zeroed struct. */
void csv_header_clear(struct csv_header *header);

/** "path:line: reason (column c): value" into buffer; header_fields are those of the header. */
void csv_header_describe(const char *path, int64_t header_fields, const struct csv_bad *bad,
                         char *buffer, size_t bytes);

#endif
