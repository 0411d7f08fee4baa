/**
 * Effects of what many units share: the offset of a thing (a product) in the yes-or-no observations
 * that anybody has of it, on top of log odds that somebody else predicts without knowing it.
 *
 *     log odds of row j = logit[j] + offset[thing[j]],     offsets normal of mean 0
 *
 * How far they spread is found from pairs of rows of one thing and different units, as for
 * random_effects.h; each offset is then the mode of its posterior, with its curvature as its
 * uncertainty. Use: shared_spread_fit, move the logits out by the spread, shared_effects_fit; and
 * shared_effects_without, where a row's own outcome is not to be known.
 */
#ifndef REMISE_ALGORITHMS_SHARED_EFFECTS_H
#define REMISE_ALGORITHMS_SHARED_EFFECTS_H

#include "algorithms/random_effects.h"

/* Rows of the units of this rank, borrowed; of rows the logit and y are read. */
struct shared_data {
    const struct effects_data *rows;
    const int32_t *thing; /* [rows] 0 .. things - 1 */
    int64_t things;       /* the same on every rank */
};

struct shared_effects {
    int64_t things;
    double spread;          /* variance of offsets */
    float *mean, *variance; /* [things] posterior, the same on every rank */
};

/**
 * Find the variance of offsets: of the latest EFFECTS_PAIRED_MAX rows of each unit, products of
 * residuals against w[i] w[j] spread, w = p (1 - p), things weighed by what their pairs tell; and
 * of what that leaves possible the mean (effects_spread_mean).
 *
 * Collective; a rank may have no units.
 * Memory: 64 bytes per thing. Cost: one reduction of as many.
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC a row is not finite; ERR_MEMORY.
 */
enum status shared_spread_fit(const struct comm *comm, const struct shared_data *data,
                              double *spread);

/**
 * Posterior of every offset by Newton's method.
 *
 * Collective; a rank may have no units.
 * spread   in   > 0
 * effects  out  free with shared_effects_clear
 * Memory: 40 bytes per thing. Cost: about 5 passes over the rows, each with a reduction of 32 bytes
 *         per thing.
 * Same bits for any number of ranks.
 * Errors: ERR_NUMERIC a row is not finite; ERR_MEMORY.
 */
enum status shared_effects_fit(const struct comm *comm, const struct shared_data *data,
                               double spread, struct shared_effects *effects);
/** Free; accepts a zeroed struct. Local. */
void shared_effects_clear(struct shared_effects *effects);

/** The offset of a thing as it would be without one of its rows, to first order. Local. */
double shared_effects_without(const struct shared_effects *effects, int32_t thing, double logit,
                              double y);

#endif
