/**
 * What other budgets would earn: the path of a table of cells, at budgets of equal distance and
 * step by step.
 */
#ifndef REMISE_JOBS_TABLE_PATH_H
#define REMISE_JOBS_TABLE_PATH_H

#include "jobs/cell_table.h"

#include <jansson.h>

enum { TABLE_PATH_POINTS = 10000 };

struct table_path_options {
    int64_t points;  /* budgets, 1 .. TABLE_PATH_POINTS; 0: none */
    const char *out; /* CSV of all steps; NULL: not written */
};

/**
 * Follow the first constraint, which is COLUMN <= NUMBER, from nothing to its limit.
 *
 * Collective. With this constraint alone, in all, the path is exact: one sort of all steps of all
 * hulls, budgets from the least that can be spent to the limit, or to what the best options spend
 * if that is less. With more, or one `per` column, each budget is a part of the limit and is solved
 * anew from the prices of the next larger.
 * price  in     [limits] of the solution at the limit
 * json   inout  rank 0's receipt gets "path"; NULL on the others
 * Errors: ERR_USAGE the first constraint is none that can be followed, or `out` where the path is
 *         not exact; ERR_WRITE; ERR_MEMORY.
 */
enum status table_path(const struct comm *comm, const struct cell_table *cells,
                       const struct constraint *constraint,
                       const struct table_path_options *options, const int64_t *price,
                       json_t *json);

#endif
