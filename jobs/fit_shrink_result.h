/**
 * What `remise fit shrink` prints, and the table of its units.
 */
#ifndef REMISE_JOBS_FIT_SHRINK_RESULT_H
#define REMISE_JOBS_FIT_SHRINK_RESULT_H

#include "jobs/fit_shrink_units.h"

#include <jansson.h>

enum { SHRINK_GROUPS_TOLD = 1000 };

/**
 * The result.
 * Collective; the groups are listed if there are at most SHRINK_GROUPS_TOLD.
 * result  out  NULL without memory, and on all ranks but rank 0
 * Cost: one reduction of 8 bytes a group.
 * Errors: ERR_MEMORY.
 */
enum status fit_shrink_json(const struct comm *comm, const struct fit_shrink_options *opt,
                            const struct formula_design *made, const struct fit_shrink *fit,
                            json_t **result);

/**
 * Write the table of units as CSV, in the order of the values of the `by` column.
 * Collective.
 * sign  in  with a column for the posterior's share of the sign
 * Errors: ERR_MEMORY, ERR_WRITE.
 */
enum status fit_shrink_write(const struct comm *comm, const char *path,
                             const struct table_column *by, bool sign,
                             const struct fit_shrink *fit);

#endif
