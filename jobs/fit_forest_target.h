/**
 * Targets of trees: values, or classes that are texts or numbers; and texts of other columns in
 * their order.
 */
#ifndef REMISE_JOBS_FIT_FOREST_TARGET_H
#define REMISE_JOBS_FIT_FOREST_TARGET_H

#include "jobs/fit_forest_data.h"

/**
 * Fill data->value, or label, classes and class_value, from the target's column.
 * Collective. Errors: ERR_DATA one class or too many; ERR_MEMORY.
 */
enum status fit_forest_target(const struct comm *comm, const struct fit_forest_source *source,
                              struct fit_forest_data *data);

/**
 * Fill data->rank of all columns of texts from the training rows. Collective.
 * Errors: ERR_MEMORY, ERR_NUMERIC.
 */
enum status fit_forest_rank_levels(const struct comm *comm, struct fit_forest_data *data);

#endif
