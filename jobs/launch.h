/**
 * What a process knows of the others before MPI starts, and how they keep quiet so that messages
 * come once.
 *
 * A launcher starts every rank with the same command line; each would print the same help or the
 * same mistake. So all but the first are muted until MPI runs, and wait a moment before they end
 * with an error, lest the launcher ends the first one before it has spoken.
 */
#ifndef REMISE_JOBS_LAUNCH_H
#define REMISE_JOBS_LAUNCH_H

#include <stdbool.h>

/**
 * Is this the first process of the launch, or the only one? From the launcher's environment.
 * Local.
 */
bool launch_is_first(void);

/** Send stdout and stderr of all but the first process to nowhere. Local. */
void launch_mute(void);

/** Give them back. Local. */
void launch_unmute(void);

/** MPI runs: from now on errors end the process without a pause. Local. */
void launch_joined(void);

#endif
