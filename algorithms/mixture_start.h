/**
 * Where a mixture starts: the centroids of a k-means clustering.
 */
#ifndef REMISE_ALGORITHMS_MIXTURE_START_H
#define REMISE_ALGORITHMS_MIXTURE_START_H

#include "algorithms/mixture.h"

/**
 * Means to start from: centroids of the rows standardised, or of about 2^18 of them drawn by their
 * numbers if there are more than twice as many.
 *
 * Collective.
 * number  in     of the restart; the first takes the tightest of four clusterings, the others one
 *                each, for variety
 * model   inout  centre and scale in, means out
 * Memory: 4 columns bytes per local row used.
 * Same bits for any number of ranks.
 * Errors: those of kmeans_fit.
 */
enum status mixture_start(const struct comm *comm, const struct mixture_rows *x,
                          const struct mixture_options *opt, int64_t number,
                          struct mixture_model *model);

#endif
