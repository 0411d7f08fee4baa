/**
 * Scales of the columns of a network's table.
 */
#ifndef REMISE_JOBS_FIT_NETWORK_SCALE_H
#define REMISE_JOBS_FIT_NETWORK_SCALE_H

#include "jobs/fit_network_data.h"

/**
 * Set data->scaling: that of the model it starts from, deviations of the training rows, or none.
 *
 * Collective. A sequence has one scale for all steps of a channel. Warns of columns that decide
 * nothing.
 * data  in out  all but x, y, scaling and target_unit are set
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC, ERR_MEMORY.
 */
enum status fit_network_scale(const struct comm *comm, const struct fit_network_source *source,
                              struct fit_network_data *data);

#endif
