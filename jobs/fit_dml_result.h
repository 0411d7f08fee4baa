/**
 * The result of `remise fit dml` as JSON, and what is warned of.
 */
#ifndef REMISE_JOBS_FIT_DML_RESULT_H
#define REMISE_JOBS_FIT_DML_RESULT_H

#include "algorithms/double_ml_tree.h"
#include "jobs/fit_dml_data.h"

#include <jansson.h>

/* Nothing is owned. */
struct fit_dml_result {
    const struct fit_dml_source *source;
    const struct fit_dml_data *data;
    const struct double_ml_options *opt;
    int64_t repeats; /* whose medians the estimates are; diagnostics are of the first */
    const struct double_ml *ml;
    const struct double_ml_estimate *group; /* [data->groups.count] */
    struct double_ml_estimate average;      /* over the groups */
    const struct double_ml_terms *terms;    /* NULL without */
    const struct double_ml_tree *tree;      /* NULL without */
};

/** Warn of what makes the estimate doubtful. Local. */
void fit_dml_warn(const struct fit_dml_result *result);

/** The result; *json is new. Local. Errors: ERR_MEMORY. */
enum status fit_dml_json(const struct fit_dml_result *result, json_t **json);

#endif
