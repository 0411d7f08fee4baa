/**
 * The table that shows what speaks for each number of clusters, for people and as JSON.
 */
#ifndef REMISE_JOBS_KMEANS_CHOICES_H
#define REMISE_JOBS_KMEANS_CHOICES_H

#include "algorithms/kmeans_range.h"

#include <jansson.h>

/** Log the table, which k was kept and where the elbow is. Local. */
void kmeans_choices_log(const struct kmeans_choice *choices, int64_t count, int64_t kept);

/**
 * An array of one object for each k: k, inertia, silhouette (null for a single cluster), elbow,
 * iterations, converged. Local; the caller takes it over. NULL if there was no memory.
 */
json_t *kmeans_choices_json(const struct kmeans_choice *choices, int64_t count);

#endif
