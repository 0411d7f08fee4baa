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

/**
 * Segments of users: opt->k of them, or for a larger `most` the best of all numbers up to it, with
 * the table in the log.
 *
 * Collective. Fewer where there are fewer rows.
 * most     in   0: opt->k alone
 * choices  out  new [*count], the caller frees it, also on failure; NULL, 0 where there is one k
 * model    out  as of kmeans_fit
 * Errors: ERR_CONFIG most is less than opt->k, but not 0; those of kmeans_fit.
 */
enum status kmeans_choices_fit(const struct comm *comm, const struct rows *rows,
                               const struct kmeans_options *opt, int64_t most,
                               struct kmeans_choice **choices, int64_t *count,
                               struct kmeans_model **model);

#endif
