/**
 * The last word on the curves is the outcomes': what is said of past offers by all that curves are
 * made of, products' and users' own effects included, against what came of these offers.
 *
 * Effects are modes of skewed posteriors, and members have learned more than is so from few rows:
 * where curves are drawn for 3,000 users, both put purchases some 2 % too low and log odds too far
 * apart. A line through the log odds (Cox 1958, Biometrika 45(3/4)) makes up for it:
 *
 *     log odds = shift + scale (a + b d)
 *
 * Both are of all levels together: level by level, what was not known of who got deep discounts
 * would pass for what discounts do.
 */
#ifndef REMISE_JOBS_RESPONSE_SETTLE_H
#define REMISE_JOBS_RESPONSE_SETTLE_H

#include "jobs/heldout.h"
#include "jobs/response_effects.h"

/**
 * Fit the line, draw the curves of heldout again by it, and let the effects draw by it from now on.
 *
 * The posterior mode, where what was believed before is no change, give or take a tenth: a shop of
 * few offers keeps its curves as they are.
 *
 * Collective.
 * heldout  in out  drawn with the effects; of no rows: nothing changes
 * Memory: 4 bytes a row of heldout.
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC a curve is not finite; ERR_MEMORY.
 */
enum status response_settle(const struct comm *comm, const struct response_context *context,
                            const struct response_ensemble *ensemble, struct heldout *heldout,
                            struct response_effects *effects);

#endif
