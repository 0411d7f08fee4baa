/**
 * model.h5: the members of the response model, and what turns what they say into curves.
 */
#ifndef REMISE_JOBS_RESPONSE_MODEL_H
#define REMISE_JOBS_RESPONSE_MODEL_H

#include "jobs/response_effects.h"

/** Write it. Collective. Errors: those of io/store.h; ERR_MEMORY. */
enum status response_model_write(const struct comm *comm, const char *path,
                                 const struct response_ensemble *ensemble,
                                 const struct response_effects *effects);

#endif
