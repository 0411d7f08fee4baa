/**
 * A network in a file: its layers and weights as columns below "network/".
 */
#ifndef REMISE_JOBS_NETWORK_FILE_H
#define REMISE_JOBS_NETWORK_FILE_H

#include "algorithms/network.h"
#include "io/store.h"

/** Write a network, the same on every rank. Collective. Errors: those of io/store.h. */
enum status network_file_write(const struct comm *comm, struct store *store,
                               const struct network *model);

/**
 * Read it on every rank.
 * Collective. model out: new, freed by network_free; NULL unless OK.
 * Errors: ERR_DATA layers that do not fit together, or other weights than they have; those of
 *         io/store.h.
 */
enum status network_file_read(const struct comm *comm, const struct store *store,
                              struct network **model);

#endif
