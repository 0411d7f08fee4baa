/**
 * What was chosen from a table of cells, told by the table's own columns: which rows, how many of
 * each option, and counts, value and uses for each value of a column.
 */
#ifndef REMISE_JOBS_TABLE_REPORT_H
#define REMISE_JOBS_TABLE_REPORT_H

#include "jobs/cell_table.h"

#include <jansson.h>

struct table_report {
    const struct fit_table *table;
    const struct cell_table *cells;
    const struct table_column *value, *option;      /* option NULL: no column of options */
    const struct table_column *use[KNAPSACK_KINDS]; /* of the constraints */
    struct cell_groups options;                     /* of the option column; zeros: there is none */
    double *mark; /* [rows_local of the table] 1: chosen, else 0 */
};

enum { TABLE_OPTIONS_MOST = 1024 }; /* different names of options that are counted */

/**
 * Find out.
 *
 * Collective.
 * option  in   name of a column; NULL or one that has too many values: options are not counted
 * choice  in   [slots of cells] as solved
 * report  out  the caller clears it with table_report_clear, also on failure; borrows table, cells
 * Cost: an exchange of 8 bytes a slot.
 * Errors: ERR_MEMORY.
 */
enum status table_report_make(const struct comm *comm, const struct fit_table *table,
                              const struct cell_table *cells, const struct cell_names *names,
                              const struct constraint *constraint, const uint8_t *choice,
                              struct table_report *report);
/** Free; accepts a zeroed struct. Local. */
void table_report_clear(struct table_report *report);

/**
 * Names of options in order, and how often each was chosen: "options" and "levels" of the receipt.
 *
 * Collective. Nothing is added where there is no column of options.
 * out  inout  rank 0's receipt; NULL on the others
 * Errors: ERR_MEMORY.
 */
enum status table_report_options(const struct comm *comm, const struct table_report *report,
                                 json_t *out);

/**
 * Counts, value, uses and options for each value of a column, added to the array "groups".
 *
 * Collective. out  inout  rank 0's receipt, which has the array; NULL on the others
 * Errors: ERR_DATA no such column, or more than KNAPSACK_LIMITS values; ERR_MEMORY.
 */
enum status table_report_groups(const struct comm *comm, const struct table_report *report,
                                const char *column, json_t *out);

#endif
