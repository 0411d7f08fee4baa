/**
 * Curves of all candidates by a trained response model.
 */
#ifndef REMISE_JOBS_RESPONSE_SCORE_H
#define REMISE_JOBS_RESPONSE_SCORE_H

#include "jobs/candidates.h"
#include "jobs/curves.h"
#include "jobs/response_effects.h"

/**
 * Draw the curves of the local users' candidates. Local.
 * curves  out  free with curves_clear
 * Cost: for each candidate a pass over its user's events and offers, and one of each network.
 * Memory: 20 bytes per candidate; inputs of 512 users at a time.
 * Errors: ERR_MEMORY.
 */
enum status response_score(const struct response_context *context,
                           const struct candidates *candidates,
                           const struct response_ensemble *ensemble,
                           const struct response_effects *effects, struct curves *curves);

#endif
