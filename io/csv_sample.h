/**
 * Some rows of a table, from many places of its files: to tell how many rows there are and what
 * they hold without reading them all.
 */
#ifndef REMISE_IO_CSV_SAMPLE_H
#define REMISE_IO_CSV_SAMPLE_H

#include "io/csv.h"

enum { CSV_PLACE_BITS = 24 }; /* a row's line >> this is the place it was taken from */

struct csv_sampled {
    int64_t rows, bad; /* given to on_row and on_bad */
    int64_t places;
    double share; /* about, of all rows there are; 1: all */
};

/**
 * Read rows of about `bytes` of the files, all rows of smaller ones.
 *
 * Local. Of a compressed file the rows are its first ones, at least 2 MiB of them. Lines are not
 * those of the file: they tell the place (CSV_PLACE_BITS). A place within a quoted field is
 * understood from the next row on.
 * on_row, on_bad, context  in   as in csv_read
 * Memory: as csv_read.
 * Errors: as csv_read.
 */
enum status csv_sample(const struct csv *csv, int64_t bytes, csv_on_row *on_row, csv_on_bad *on_bad,
                       void *context, struct csv_sampled *sampled);

#endif
