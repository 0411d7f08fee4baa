/**
 * What is popular in each segment: the share of its purchases that each product has.
 */
#ifndef REMISE_JOBS_SCORER_POPULARITY_H
#define REMISE_JOBS_SCORER_POPULARITY_H

#include "jobs/scorer.h"

struct popularity {
    int64_t stride; /* of scorer_stride */
    float *share;   /* [segments][stride] */
};

/**
 * Count the purchases of each segment, each offerable product once more so that new ones have a
 * chance.
 * Collective. Free with popularity_clear.
 * Cost: one pass over the pairs and a reduction of 8 bytes a segment and product.
 * Errors: ERR_MEMORY.
 */
enum status popularity_make(const struct comm *comm, const struct scorer_data *data,
                            struct popularity *popularity);

/** Free; accepts a zeroed struct. Local. */
void popularity_clear(struct popularity *popularity);

/** Shares in the segment of a user. Local. */
const float *popularity_of(const struct popularity *popularity, const struct scorer_data *data,
                           int64_t user);

#endif
