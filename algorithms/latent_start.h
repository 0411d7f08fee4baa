/**
 * Where latent classes start: clusters of the rows' profiles, by k-means.
 */
#ifndef REMISE_ALGORITHMS_LATENT_START_H
#define REMISE_ALGORITHMS_LATENT_START_H

#include "algorithms/latent_classes.h"

/**
 * A model of so many classes to start from. Collective.
 * one    in   the fit of a single class, which profiles are measured against
 * seed   in   of the clustering
 * model  out  new; the caller frees it with latent_classes_free; NULL unless OK
 * Memory: 8 bytes per row and item, while it works.
 * Same bits for any number of ranks.
 * Errors: those of kmeans_fit.
 */
enum status latent_start(const struct comm *comm, const struct latent_evidence *evidence,
                         const struct latent_classes *one, int64_t classes, uint64_t seed,
                         struct latent_classes **model);

#endif
