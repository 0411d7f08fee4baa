/**
 * A user's latest events before a moment, as the sequence that a response network may read beside
 * the row of jobs/response_features.h.
 *
 * The oldest event is the first step; where a user has fewer, the first steps are zeros. The last
 * step is the moment itself. What came of offers is left out, as in jobs/response_past.h.
 */
#ifndef REMISE_JOBS_RESPONSE_SEQUENCE_H
#define REMISE_JOBS_RESPONSE_SEQUENCE_H

#include "algorithms/layer.h"
#include "jobs/response_features.h"

/**
 * Shape of the sequence of so many events; 0 events: {0, 0}. Local.
 */
struct layer_shape response_sequence_shape(int64_t events);

/**
 * The sequence of context->events for a local user, a product and a moment. Local.
 * x  out  [layer_values(response_sequence_shape(context->events))], within [-3, 3]
 * Returns what lies behind it.
 * Cost: a search in the user's events, and the latest ones.
 */
float *response_sequence(const struct response_context *context, int64_t user, int32_t product,
                         const struct response_moment *moment, float *x);

/**
 * Its values have their scale: give their columns mean 0 and deviation 1. Local.
 * mean, sd  out  the first ones of a row's columns
 */
void response_sequence_keep_scale(int64_t events, double *mean, double *sd);

#endif
