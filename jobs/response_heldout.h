/**
 * Draws the curves of past offers by who does not know their outcome (jobs/heldout.h).
 */
#ifndef REMISE_JOBS_RESPONSE_HELDOUT_H
#define REMISE_JOBS_RESPONSE_HELDOUT_H

#include "jobs/candidates.h"
#include "jobs/heldout.h"
#include "jobs/response_effects.h"
#include "jobs/run.h"

/* More tell the same. */
enum { HELDOUT_USERS = 1 << 17, HELDOUT_ROWS = 1 << 20, HELDOUT_SLOTS_MAX = 64 };

/**
 * Draw the curves; without offers, or with one network alone, it has no rows.
 *
 * Where no other offer of the user is in the category, what the policy of the past knew of the user
 * there is kept back, as it is of candidates.
 *
 * Collective.
 * effects  in   made from the same offers
 * heldout  out  free with heldout_clear
 * Memory: 28 bytes a row and 4 (columns + 12) for each of a few thousand.
 * Cost: for at most HELDOUT_ROWS rows each member twice and the posterior of the user's effects.
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY.
 */
enum status response_heldout_draw(const struct comm *comm, const struct run *run,
                                  const struct response_context *context,
                                  const struct candidates *candidates,
                                  const struct response_ensemble *ensemble,
                                  const struct response_effects *effects, struct heldout *heldout);

#endif
