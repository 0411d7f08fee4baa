/**
 * `remise allocate FILE`: the same allocation on any table of cells.
 */
#ifndef REMISE_JOBS_ALLOCATE_TABLE_H
#define REMISE_JOBS_ALLOCATE_TABLE_H

#include "jobs/command.h"

#include <stdbool.h>

/** Whether the arguments of `remise allocate` speak of a table (a name in .csv or .csv.gz, or a
 * constraint) and not of a configuration. Local. */
bool allocate_table_asked(int argc, char **argv);

/** The command for tables; `remise allocate` hands on to it. */
extern const struct command allocate_table;

#endif
