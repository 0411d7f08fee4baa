/**
 * Gaussian mixtures between tables and files: saved, and the components of rows.
 */
#ifndef REMISE_JOBS_MODEL_GMM_H
#define REMISE_JOBS_MODEL_GMM_H

#include "algorithms/mixture.h"
#include "jobs/models.h"

extern const char *const model_gmm_covariances[]; /* names, by enum mixture_covariance */

enum { MODEL_GMM_KEEP = 31 }; /* components of a row that are said, at most */

struct model_gmm {
    struct mixture_model *mixture;
    int64_t keep; /* components of each row to be said, 1 .. MODEL_GMM_KEEP; no more than k */
};

/**
 * Columns component, from 0, and responsibility of the likeliest one; component_2,
 * responsibility_2 and so on of the next ones; and log_density, the logarithm of the density there.
 *
 * Collective.
 * x        in   [rows_local][columns] in the units of the fit
 * usable   in   [rows_local] rows to speak of; NULL: all
 * applied  in out  its blocks are set
 * Memory: 16 keep bytes per local row beside the columns.
 * Errors: ERR_NUMERIC a row is too far out, naming it; ERR_MEMORY.
 */
enum status model_gmm_say(const struct comm *comm, const struct model_gmm *model, const double *x,
                          const bool *usable, struct applied *applied);

/** Save the model. Collective. names: of the columns. Errors: those of io/store.h. */
enum status model_gmm_write(const struct comm *comm, const char *path, const char *const *names,
                            const struct model_gmm *model);

#endif
