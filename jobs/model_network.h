/**
 * Networks of `fit mlp`, cnn, gru, lstm and tower between tables and files: layers and weights, the
 * scales of the columns, and what the target was.
 */
#ifndef REMISE_JOBS_MODEL_NETWORK_H
#define REMISE_JOBS_MODEL_NETWORK_H

#include "algorithms/network.h"
#include "jobs/fit_scaling.h"
#include "jobs/models.h"

struct model_network {
    char *made_by;              /* "mlp": the fit that made it */
    char *target;               /* its name */
    char *outcome[2];           /* a text target's values for 0 and 1; "" for numbers */
    struct dictionary columns;  /* names of the inputs, in order */
    struct fit_scaling scaling; /* of the inputs and the target, the last one */
    struct network *network;
};

/* What is saved; all borrowed. */
struct model_network_parts {
    const char *made_by, *target;
    const char *const *outcome; /* [2], NULL for numbers */
    const char *const *names;   /* of the inputs */
    const struct fit_scaling *scaling;
    const struct network *network;
};

/** Save a model. Collective. Errors: those of io/store.h. */
enum status model_network_write(const struct comm *comm, const char *path,
                                const struct model_network_parts *parts);

/**
 * Read it on every rank.
 * Collective. model out: new, freed by model_network_free; NULL unless OK.
 * Errors: ERR_DATA another kind of model, or none; those of network_file_read.
 */
enum status model_network_read(const struct comm *comm, const char *path,
                               struct model_network **model);
/** Free and null; accepts NULL inside. Local. */
void model_network_free(struct model_network **model);

#endif
