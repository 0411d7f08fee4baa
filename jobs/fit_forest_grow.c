/* Growing, judging and saving the forest of a table. */
#include "jobs/fit_forest_grow.h"

#include "jobs/model_forest.h"
#include "mpi/log.h"

enum status fit_forest_grow(const struct comm *comm, const struct fit_forest_options *opt,
                            const struct fit_forest_data *data, struct forest **forest,
                            struct fit_forest_test *test)
{
    enum status status = OK;
    struct forest_data training = fit_forest_data_training(data);
    *forest = NULL;
    TRY(fit_table_blame(&data->in, forest_fit(comm, &training, &opt->fit, forest)));
    TRY(fit_forest_judge(comm, data, *forest, test));
    if (test->rows == 0 && opt->source.test > 0.0)
        log_warning("%s: no row fell to the test; raise --test to have measures", data->in.path);
    if (opt->model_file != NULL) TRY(model_forest_write(comm, opt->model_file, data, *forest));
done:
    if (status != OK) forest_free(forest);
    return status;
}
