/**
 * What `remise fit tree` and `remise fit forest` do alike: grow, judge on the test rows, save.
 */
#ifndef REMISE_JOBS_FIT_FOREST_GROW_H
#define REMISE_JOBS_FIT_FOREST_GROW_H

#include "jobs/fit_forest_options.h"
#include "jobs/fit_forest_result.h"

/**
 * Grow the forest that the options ask for from the training rows, judge it on the test rows, and
 * save it where a file is named. Warns where no row fell to the test.
 * Collective.
 * forest  out  new; the caller frees it with forest_free; NULL unless OK
 * Errors: those of forest_fit, fit_forest_judge and model_forest_write.
 */
enum status fit_forest_grow(const struct comm *comm, const struct fit_forest_options *opt,
                            const struct fit_forest_data *data, struct forest **forest,
                            struct fit_forest_test *test);

#endif
