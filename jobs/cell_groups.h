/**
 * The values of a column, numbered: what `per COLUMN` and `--group COLUMN` go by.
 */
#ifndef REMISE_JOBS_CELL_GROUPS_H
#define REMISE_JOBS_CELL_GROUPS_H

#include "jobs/formula_levels.h"

enum { CELL_GROUP_NAME = 512 };

struct cell_groups {
    struct formula_levels levels; /* of the rows that have a value; names by formula_levels_name */
    int32_t *code;                /* [rows_local of the table] value of each row, -1: missing */
};

/**
 * Number them.
 *
 * Collective.
 * column  in   borrowed while groups is used
 * most    in   values that are possible
 * groups  out  the caller clears it with cell_groups_clear, also on failure
 * Cost: every rank gets the distinct values of all.
 * Errors: ERR_DATA no values, or more than `most`; ERR_MEMORY.
 */
enum status cell_groups_make(const struct comm *comm, const struct table_column *column,
                             const struct blocks *blocks, int64_t most, struct cell_groups *groups);
/** Free; accepts a zeroed struct. Local. */
void cell_groups_clear(struct cell_groups *groups);

#endif
