/**
 * What `remise fit gmm` gives out: the mixture as JSON, the components of each row as CSV.
 */
#ifndef REMISE_JOBS_FIT_GMM_RESULT_H
#define REMISE_JOBS_FIT_GMM_RESULT_H

#include "algorithms/mixture.h"
#include "jobs/fit_matrix.h"

extern const char *const fit_gmm_covariance_names[]; /* by enum mixture_covariance */

/**
 * Print a mixture in the units of the file to stdout. Local.
 * choices  in  [choices_count]; printed if there are several
 * Errors: ERR_MEMORY, ERR_WRITE.
 */
enum status fit_gmm_print(const struct fit_matrix *matrix, const struct mixture_model *model,
                          const struct mixture_choice *choices, int64_t choices_count);

/**
 * Write the `keep` likeliest components of each row, numbered from 0, and their responsibilities.
 *
 * Collective.
 * Memory: 52 keep bytes per local row.
 * Errors: those of mixture_apply and text_file.
 */
enum status fit_gmm_write(const struct comm *comm, const char *path,
                          const struct mixture_model *model, const struct fit_matrix *matrix,
                          int64_t keep);

#endif
