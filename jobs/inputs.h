/**
 * Which of the shop's columns the models may see of users and products, and that the protected
 * group is not among them.
 */
#ifndef REMISE_JOBS_INPUTS_H
#define REMISE_JOBS_INPUTS_H

#include "io/dataset.h"
#include "jobs/config.h"

#include <jansson.h>

/**
 * For the receipt: the attributes in the data set, which every model reads users and products by;
 * the protected column; and whether one of the attributes is read from it. Local. The data set has
 * its users. Returns NULL where there is no memory.
 */
json_t *inputs_json(const struct config *config, const struct dataset *dataset);

#endif
