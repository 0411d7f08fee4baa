/**
 * The result of `remise fit gmm` as JSON.
 */
#ifndef REMISE_JOBS_FIT_GMM_RESULT_H
#define REMISE_JOBS_FIT_GMM_RESULT_H

#include "algorithms/mixture.h"
#include "jobs/fit_matrix.h"

/**
 * Print a mixture in the units of the file to stdout. Local.
 * choices  in  [choices_count]; printed if there are several
 * Errors: ERR_MEMORY, ERR_WRITE.
 */
enum status fit_gmm_print(const struct fit_matrix *matrix, const struct mixture_model *model,
                          const struct mixture_choice *choices, int64_t choices_count);

#endif
