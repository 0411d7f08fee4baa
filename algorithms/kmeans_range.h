/**
 * How many clusters: k-means for every k of a range, and what speaks for each.
 *
 * Inertia falls with every further cluster; the elbow is the k after which it falls more slowly.
 * The silhouette (algorithms/silhouette.h) is highest where clusters are tight and apart; it
 * decides.
 */
#ifndef REMISE_ALGORITHMS_KMEANS_RANGE_H
#define REMISE_ALGORITHMS_KMEANS_RANGE_H

#include "algorithms/kmeans.h"

/* A line of the table that helps to choose k. */
struct kmeans_choice {
    int64_t k, iterations;
    double inertia;
    double silhouette; /* mean over the sample; NAN where there is only one cluster */
    double elbow; /* how far the inertia lies below the straight line between the range's ends, as a
                     fraction of its fall over the range */
    bool converged;
};

/**
 * Fit with k = first .. last, and keep the model of the highest silhouette (the smaller k in a
 * tie).
 *
 * Collective. opt->k is not read; opt->init must be NULL.
 * choices  out  [last - first + 1]
 * model    out  new; the caller frees it with kmeans_free; NULL unless OK
 * Cost: that of as many kmeans_fit and silhouette_mean.
 * Same bits for any number of ranks and any instruction set.
 * Errors: those of kmeans_fit; ERR_ARG the range is empty.
 * Source: Rousseeuw 1987 (silhouette); Satopaa et al. 2011, ICDCSW (elbow).
 */
enum status kmeans_fit_range(const struct comm *comm, const struct rows *x,
                             const struct kmeans_options *opt, int64_t first, int64_t last,
                             struct kmeans_choice *choices, struct kmeans_model **model);

/** The place of the elbow among the choices, the first in a tie; -1 without one. Local. */
int64_t kmeans_range_elbow(const struct kmeans_choice *choices, int64_t count);

#endif
