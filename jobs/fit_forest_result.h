/**
 * What `remise fit tree` and `remise fit forest` say, as JSON: measures on the test rows,
 * importances, rules.
 */
#ifndef REMISE_JOBS_FIT_FOREST_RESULT_H
#define REMISE_JOBS_FIT_FOREST_RESULT_H

#include "jobs/fit_forest_data.h"

#include <jansson.h>

/* Of the rows kept for the test; NaN where there is no such measure. */
struct fit_forest_test {
    int64_t rows;
    double rmse, r_squared;
    double accuracy, log_loss;
    double auc; /* of two classes */
};

/**
 * Judge a forest on the test rows. Collective.
 * Errors: ERR_MEMORY, ERR_NUMERIC.
 * Same bits for any number of ranks.
 */
enum status fit_forest_judge(const struct comm *comm, const struct fit_forest_data *data,
                             const struct forest *forest, struct fit_forest_test *test);

/**
 * The result as JSON, without what only one of the commands says. Local.
 * json  out  new; the caller decrefs it; NULL unless OK
 * Errors: ERR_MEMORY.
 */
enum status fit_forest_json(const struct fit_forest_source *source,
                            const struct fit_forest_data *data,
                            const struct forest_options *options, const struct forest *forest,
                            const struct fit_forest_test *test, json_t **json);

/** The rules of the first tree: if, class or value, purity, coverage, rows. Errors: ERR_MEMORY. */
enum status fit_forest_rules(const struct fit_forest_data *data, const struct forest *forest,
                             json_t **rules);

#endif
