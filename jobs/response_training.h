/**
 * The networks of the response model: their training, fold by fold, with checkpoints.
 */
#ifndef REMISE_JOBS_RESPONSE_TRAINING_H
#define REMISE_JOBS_RESPONSE_TRAINING_H

#include "jobs/response_rows.h"
#include "jobs/run.h"

/**
 * Train every member's network on the rows it may learn from, as `respond.*` says. Collective.
 * rows      in out  scaled; their part is set anew for each member, where there are several
 * ensemble  in out  network: those there were are replaced. Its shape names the checkpoints.
 * Same bits for any number of ranks, also where a killed job goes on.
 * Errors: those of training_fit and response_network_new.
 */
enum status response_training_fit(const struct comm *comm, const struct run *run,
                                  struct response_rows *rows, struct response_ensemble *ensemble);

/** Remove the checkpoints of so many members. Collective. */
enum status response_training_forget(const struct comm *comm, const struct run *run, int members);

#endif
