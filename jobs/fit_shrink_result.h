/**
 * What `remise fit shrink` prints, and the table of its units.
 */
#ifndef REMISE_JOBS_FIT_SHRINK_RESULT_H
#define REMISE_JOBS_FIT_SHRINK_RESULT_H

#include "jobs/fit_shrink_units.h"

#include <jansson.h>

/** The result; NULL without memory. Local. */
json_t *fit_shrink_json(const struct fit_shrink *fit);

/**
 * Write the table of units as CSV, in the order of the values of the `by` column.
 * Collective.
 * Errors: ERR_MEMORY, ERR_WRITE.
 */
enum status fit_shrink_write(const struct comm *comm, const char *path,
                             const struct table_column *by, const struct fit_shrink *fit);

#endif
