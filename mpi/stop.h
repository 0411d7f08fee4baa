/**
 * Being asked to stop before the end, as a batch system does some minutes before its time limit.
 *
 * stop_listen makes SIGUSR1 a request instead of an end. Where a run can stop without losing work,
 * between stages or after a checkpoint, it calls stop_agree: all ranks leave together with
 * ERR_STOPPED (exit code 75), which the batch scripts answer by queueing the job again.
 */
#ifndef REMISE_MPI_STOP_H
#define REMISE_MPI_STOP_H

#include "mpi/comm.h"

/** From now on SIGUSR1 only leaves a note. Local; once, at the start of the process. */
void stop_listen(void);

/**
 * ERR_STOPPED on every rank if any of them has been asked to stop, and ever after; otherwise OK.
 * Collective.
 * Cost: one reduction of 8 bytes.
 */
enum status stop_agree(const struct comm *comm);

#endif
