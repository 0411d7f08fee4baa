/**
 * The network of the response model, as `respond.architecture` says.
 *
 *   mlp              dense layers on the row of jobs/response_features.h
 *   cnn, gru, lstm   an encoder of the user's latest events alone
 *   tower            the encoder `respond.encoder`, and the row beside what it hands on
 */
#ifndef REMISE_JOBS_RESPONSE_NETWORK_H
#define REMISE_JOBS_RESPONSE_NETWORK_H

#include "algorithms/network.h"
#include "jobs/config.h"

/** Events that the configured network reads; 0: none. Local. */
int64_t response_network_events(const struct config *config);

/**
 * A network with all weights zero. Local.
 * columns  in   of a row: the sequence of response_network_events (jobs/response_sequence.h), and
 *               the plain columns behind it. An encoder alone reads the sequence, the network's
 *               inputs are then fewer.
 * Errors: ERR_CONFIG the layers do not fit together; ERR_MEMORY.
 */
enum status response_network_new(const struct config *config, int64_t columns,
                                 struct network **model);

#endif
