/**
 * The structured members of the response model: a logit (algorithms/slope_logit.h) of each fold, on
 * columns of jobs/response_features.h that are chosen by what they are about.
 *
 * The log odds without a discount take every column, and products of what tells where the user
 * stands. The slope takes what could tell who is moved by a discount: the category, the user's
 * attributes and products of them, price and margin.
 */
#ifndef REMISE_JOBS_RESPONSE_STRUCTURED_H
#define REMISE_JOBS_RESPONSE_STRUCTURED_H

#include "jobs/response_rows.h"

/**
 * Fit every member's logit to the rows it may learn from, as many as are enough. Collective.
 * rows      in out  scaled; their part is set anew for each member, where there are several
 * ensemble  in out  logit: fitted; from where they are if they were fitted before (to another dose)
 * Cost: 30 to 100 passes over the rows, of 1,000,000 at most.
 * Same bits for any number of ranks.
 * Errors: those of slope_logit_fit.
 */
enum status response_structured_fit(const struct comm *comm, const struct response_context *context,
                                    struct response_rows *rows, struct response_ensemble *ensemble);

#endif
