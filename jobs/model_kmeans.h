/**
 * k-means between tables and files: the scales of the columns and the centroids, saved, and the
 * segments of rows.
 */
#ifndef REMISE_JOBS_MODEL_KMEANS_H
#define REMISE_JOBS_MODEL_KMEANS_H

#include "algorithms/kmeans.h"
#include "jobs/fit_scaling.h"
#include "jobs/models.h"

struct model_kmeans {
    struct fit_scaling scaling;
    struct kmeans_model *kmeans; /* centroids on the scale of the fit */
};

/**
 * Columns segment, from 0, and distance to its centroid, in the unit of the inertia's root.
 *
 * Collective.
 * x        in   [rows_local][columns] on the scale of the fit
 * usable   in   [rows_local] rows to speak of; NULL: all
 * applied  in out  its blocks are set
 * Errors: ERR_DATA a value is too far from those of the fit, naming its row; ERR_MEMORY.
 */
enum status model_kmeans_say(const struct comm *comm, const struct model_kmeans *model,
                             const double *x, const bool *usable, struct applied *applied);

/** Save the model. Collective. names: of the columns. Errors: those of io/store.h. */
enum status model_kmeans_write(const struct comm *comm, const char *path, const char *const *names,
                               const struct model_kmeans *model);

/** Free; accepts a zeroed struct. Local. */
void model_kmeans_clear(struct model_kmeans *model);

#endif
