/**
 * The result of `remise fit response` as JSON, and what is warned of.
 */
#ifndef REMISE_JOBS_FIT_RESPONSE_RESULT_H
#define REMISE_JOBS_FIT_RESPONSE_RESULT_H

#include "algorithms/reliability.h"
#include "jobs/fit_response_average.h"

#include <jansson.h>

struct fit_response_result {
    const struct fit_response_source *source;
    const struct fit_response_options *opt;
    const struct fit_response_data *data;
    const struct fit_response_model *model;
    const struct calibration *calibration;
    const struct calibration_check *check, *bend; /* bend: before the dose was bent, or not */
    struct reliability reliability;               /* by what has not seen the rows */
    double log_loss_flat;                         /* of the mean chance for everyone */
    double auc;
    double flat_share;
    struct fit_response_average average;
};

/** Warn of what makes the result doubtful. Local. */
void fit_response_warn(const struct fit_response_result *result);

/** The result; NULL: no memory. Local. */
json_t *fit_response_json(const struct fit_response_result *result);

#endif
