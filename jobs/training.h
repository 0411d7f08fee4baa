/**
 * Training a network with checkpoints, so that a job that is killed or asked to stop goes on from
 * the middle of an epoch, at any number of ranks, and ends with the bytes of an undisturbed one.
 *
 * A checkpoint is one HDF5 file that is replaced as a whole: weights, the optimiser's state, the
 * losses so far, the best weights so far, and which step is next. It knows by a fingerprint what it
 * belongs to: rows, options, layers and first weights. Another one's, or a damaged one, is told of
 * and replaced where that is wanted. A training that is over leaves its end there, so that the next
 * of several may be trained by the next process; whoever has the results in safety calls
 * training_forget.
 */
#ifndef REMISE_JOBS_TRAINING_H
#define REMISE_JOBS_TRAINING_H

#include "algorithms/network.h"
#include "jobs/run.h"

struct training {
    const char *name; /* of what is trained, for messages: "respond" */
    const char *path; /* of the checkpoint; NULL: none is kept */
    double minutes;   /* from one to the next; 0: as `steps` says, and where asked to stop */
    int64_t steps;    /* likewise in steps; 0: as `minutes` says */
    bool replaces;    /* what stands at `path` and is of another training or damaged gives way */
};

#define TRAINING_MINUTES 10.0 /* unless said otherwise */

/**
 * network_fit with checkpoints.
 *
 * Collective. Arguments are those of network_fit; options->keeper is not used.
 * Cost: a pass over the rows for the fingerprint; at a checkpoint about 16 bytes a weight written
 *       and read back; every 8 steps two reductions of 8 bytes.
 * Same bits for any number of ranks, wherever it went on from.
 * Errors: those of network_fit, named after `name`, the last good checkpoint stays; ERR_STOPPED the
 *         process was asked to stop, a checkpoint is written; ERR_DATA another file stands at
 *         `path` and is not to be replaced; ERR_WRITE nothing can be written there. A checkpoint
 *         that cannot be written later on, on a full disk, is warned of.
 */
enum status training_fit(const struct comm *comm, const struct training *training,
                         const struct network_data *data, const struct network_options *options,
                         struct network *model, struct network_history *history);

/**
 * training_fit in a stage of a run: the checkpoint is checkpoint/<name>.h5 in its folder, every
 * `checkpoint_minutes`. Collective.
 */
enum status training_fit_in_run(const struct comm *comm, const struct run *run, const char *name,
                                const struct network_data *data,
                                const struct network_options *options, struct network *model,
                                struct network_history *history);

/** Remove a checkpoint, if there is one. Collective. Errors: ERR_WRITE. */
enum status training_forget(const struct comm *comm, const char *path);

/** training_forget of a training in a run. Collective. */
enum status training_forget_in_run(const struct comm *comm, const struct run *run,
                                   const char *name);

#endif
