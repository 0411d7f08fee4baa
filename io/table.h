/**
 * One plain table in memory, for `fit` and friends: named columns of numbers or texts, rows cut
 * into fixed blocks.
 */
#ifndef REMISE_IO_TABLE_H
#define REMISE_IO_TABLE_H

#include "partition/blocks.h"
#include "partition/dictionary.h"

enum column_type { COLUMN_NUMBER, COLUMN_TEXT };

struct table_column {
    char *name;
    enum column_type type;
    double *number;           /* [rows_local] NaN where missing; NULL for text */
    int32_t *code;            /* [rows_local] level, -1 where missing; NULL for numbers */
    struct dictionary levels; /* of a text column, in sorted order */
};

struct table {
    struct blocks blocks; /* of BLOCK_ROWS rows, by row number in the file */
    int64_t columns;
    struct table_column *column; /* [columns] in the order of the file */
};

/**
 * Read a CSV file (plain or .gz) into memory, each rank its blocks of rows.
 *
 * Collective. A column is text if any of its values is neither a number nor missing (empty or NA);
 * in a column of numbers nan is missing and inf is infinite.
 * names  in   columns wanted, [names_count]; NULL for all. An unknown one is ERR_DATA and lists
 *             those there are.
 * table  out  new; the caller frees it with table_free; NULL unless OK
 * Memory: 8 bytes per number and 4 per text cell of the rows owned, up to three times that while
 *         reading.
 * Cost: the file is read once, and again if a column of numbers turns out to hold texts.
 * Errors: ERR_NO_INPUT, ERR_DATA with file, line and remedy (a ragged or malformed row),
 *         ERR_MEMORY.
 */
enum status table_read(const struct comm *comm, const char *path, const char *const *names,
                       int64_t names_count, struct table **table);

/**
 * The same where some columns hold ids: a column is text, too, if any of its numbers would not be
 * written back as it stands (007, +7, 1e3, or more than 15 digits; a fraction may end in zeros), so
 * that ids that differ stay different.
 * ids  in   columns that hold ids, [ids_count]; those that are not read do not count
 */
enum status table_read_ids(const struct comm *comm, const char *path, const char *const *names,
                           int64_t names_count, const char *const *ids, int64_t ids_count,
                           struct table **table);

/** Column number of a name, -1 if absent. Local. */
int64_t table_find(const struct table *table, const char *name);
/** Free and null; accepts NULL inside. Local. */
void table_free(struct table **table);

#endif
