/**
 * What a model says of the rows of a table: named columns, written as CSV in the order of the rows.
 */
#ifndef REMISE_JOBS_APPLIED_H
#define REMISE_JOBS_APPLIED_H

#include "partition/blocks.h"
#include "partition/dictionary.h"

enum { APPLIED_COLUMNS = 64, APPLIED_NAME_BYTES = 64 };

struct applied_column {
    char name[APPLIED_NAME_BYTES];
    double *x;                       /* [rows_local]; NaN: nothing can be said, an empty field */
    const struct dictionary *levels; /* texts of 0, 1, ...; NULL for numbers; not owned */
};

struct applied {
    const struct blocks *blocks; /* of the table; not owned */
    int64_t columns;
    struct applied_column column[APPLIED_COLUMNS];
};

/**
 * One more column, full of NaN. Local.
 * x  out  [rows_local] to be filled; owned by `applied`
 * Errors: ERR_MEMORY; ERR_ARG too many columns.
 */
enum status applied_add(struct applied *applied, const char *name, double **x);

/** Free; accepts a zeroed struct. Local. */
void applied_clear(struct applied *applied);

/**
 * Write a header and one line for each row.
 *
 * Collective.
 * path  in  a file that appears when it is whole, readable by its owner; NULL: stdout
 * Memory: pieces of some MiB.
 * Cost: one rank after the other, with one collective for each 2^14 rows.
 * Same bytes for any number of ranks.
 * Errors: ERR_WRITE, ERR_MEMORY.
 */
enum status applied_write(const struct comm *comm, const struct applied *applied, const char *path);

#endif
