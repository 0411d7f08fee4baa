/**
 * The table of a `remise fit`: columns as named on the command line, those taken where none are
 * named, and what is said about a column that cannot be used.
 */
#ifndef REMISE_JOBS_FIT_TABLE_H
#define REMISE_JOBS_FIT_TABLE_H

#include "io/table.h"

struct fit_table {
    const char *path; /* not owned */
    struct table *table;
    int64_t *missing; /* [table->columns] rows without a value, over all ranks */
};

/** Some columns of a table, by their places in it; not owned. */
struct fit_columns {
    const int64_t *at; /* [count]; NULL: the first ones */
    int64_t count;
};

/**
 * Cut a list such as price,"units, sold" at its commas, in place.
 *
 * Local. Quotes are those of CSV; blanks around a name are no part of it.
 * names  out  new [count], borrowing text; the caller frees it; NULL unless OK
 * Errors: ERR_USAGE a name is empty or there twice, a quote is not closed; ERR_MEMORY.
 */
enum status fit_names_parse(char *text, char ***names, int64_t *count);

enum { FIT_USUAL_NAMES = 3 };

/**
 * Where the user named no column: that of the usual names which the table has.
 *
 * Collective.
 * usual  in      [count] names in order of preference, NULL behind the last
 * names  in out  [count] NULL where none was given; borrows from usual
 * Errors: those of csv_open; ERR_DATA the table has none of them.
 */
enum status fit_table_usual_names(const struct comm *comm, const char *path,
                                  const char *const usual[][FIT_USUAL_NAMES], int64_t count,
                                  const char **names);

/**
 * Read a whole number of at least 1, or a range of them: 3, 2..6, 2-6 or 2:6. Local.
 * Returns false for anything else.
 */
bool fit_range_parse(const char *text, int64_t *first, int64_t *last);

/**
 * Random starts of a clustering whose number was not said: as many as make a million rows, 1 to 10;
 * one start may end in a poor place, and small tables cost nothing. Local.
 */
int64_t fit_restarts(int64_t rows);

/**
 * Read columns of a CSV file.
 *
 * Collective.
 * names  in   [count]; count 0 for all
 * t      out  the caller clears it with fit_table_clear, also on failure
 * Errors: as table_read; ERR_DATA there are no rows.
 */
enum status fit_table_read(const struct comm *comm, const char *path, const char *const *names,
                           int64_t count, struct fit_table *t);
/** The same where ids[ids_count] name columns of ids (see table_read_ids). Collective. */
enum status fit_table_read_ids(const struct comm *comm, const char *path, const char *const *names,
                               int64_t count, const char *const *ids, int64_t ids_count,
                               struct fit_table *t);
/** Free; accepts a zeroed struct. Local. */
void fit_table_clear(struct fit_table *t);

/** Place of a column; ERR_DATA lists those there are. Local. */
enum status fit_table_find(const struct fit_table *t, const char *name, int64_t *at);

/**
 * The columns to take where none are named: those of numbers that have a name and a value, but not
 * column `except` (-1: none). Local. A warning names the others.
 * at  out  [table->columns] their places.
 * Returns how many.
 */
int64_t fit_table_numbers(const struct fit_table *t, int64_t except, int64_t *at);

/** Fail with ERR_DATA since a column holds text: an example of it, and what to do. Local. */
enum status fit_table_refuse_text(const struct fit_table *t, int64_t column, const char *remedy);

/** A text of a column that is no number: the first in sorted order, "" if none. Local. */
const char *fit_table_example(const struct table_column *column);

/** The remedy, or another one if the example is a number with a decimal comma. Local. */
const char *fit_table_remedy(const char *example, const char *remedy);

/**
 * Warn of rows that are left out for a missing value, by column; or fail if no row remains.
 * Local, the same on all ranks.
 * left_out  in  over all ranks
 * Errors: ERR_DATA naming the column that lacks most.
 */
enum status fit_table_tell_left_out(const struct fit_table *t, struct fit_columns used,
                                    int64_t left_out);

/** Put the file before the message of a failure in a fit of its rows; returns status. Local. */
enum status fit_table_blame(const struct fit_table *t, enum status status);

#endif
