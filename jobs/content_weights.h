/**
 * How much each attribute of products counts in the content-based score: learned from what users
 * bought next beside products drawn at random.
 */
#ifndef REMISE_JOBS_CONTENT_WEIGHTS_H
#define REMISE_JOBS_CONTENT_WEIGHTS_H

#include "jobs/content_portrait.h"
#include "jobs/past_windows.h"

/**
 * Least squares of bought (1) or drawn (0) on the likenesses of all fields with the user's portrait
 * of the time, with weights of 0 or more.
 *
 * Collective.
 * past    in   rows of the users that `made` was learned for
 * weight  out  [fields] 0 for fields that tell nothing; all 1 where none tells anything
 * Cost: one pass over at most about 30,000 rows of past, five products bought and twenty drawn for
 *       each; a reduction of 8 fields^2 bytes.
 * Same bits for any number of ranks.
 * Errors: ERR_MEMORY; ERR_NUMERIC.
 */
enum status content_weights_learn(const struct comm *comm, const struct scorer_data *data,
                                  const struct past_windows *past,
                                  const struct content_portrait *made, float *weight);

#endif
