/**
 * Which of the shop's columns the models may see of users and products, and that the protected
 * group is not among them, be it under another name.
 */
#ifndef REMISE_JOBS_INPUTS_H
#define REMISE_JOBS_INPUTS_H

#include "io/dataset.h"
#include "jobs/config.h"
#include "mpi/comm.h"

#include <jansson.h>

/**
 * Put `inputs` into the receipt: the attributes in the data set, which every model reads users and
 * products by; the protected column; how strongly each attribute of users is tied to it
 * (jobs/protected.h); and whether one of them is read from it or determines it.
 * Collective; the data set has its users. Errors: ERR_MEMORY.
 */
enum status inputs_add(const struct comm *comm, const struct config *config,
                       const struct dataset *dataset, json_t *receipt);

#endif
