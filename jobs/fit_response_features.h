/**
 * Columns of a table as features of a network: which are taken, and their values in comparable
 * units.
 */
#ifndef REMISE_JOBS_FIT_RESPONSE_FEATURES_H
#define REMISE_JOBS_FIT_RESPONSE_FEATURES_H

#include "jobs/fit_response_data.h"

/**
 * Choose the features of data->in and fill data->features .. data->x for the rows data->row.
 * Collective. Warns of columns that are left out. Errors: ERR_DATA a named column is not there or
 * used otherwise; ERR_MEMORY.
 */
enum status fit_response_features(const struct comm *comm, const struct fit_response_source *source,
                                  struct fit_response_data *data);

#endif
