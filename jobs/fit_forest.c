/* `remise fit forest FILE`: a random forest on one table. */
#include "jobs/command.h"
#include "jobs/fit_forest_grow.h"
#include "jobs/fit_print.h"

#include "mpi/log.h"

#include <argp.h>
#include <math.h>

static const char doc[] =
    "Grow a random forest on a CSV table and print as JSON on stdout how good it is and what "
    "carries it: rows of each part, oob_rmse or oob_accuracy, the importance of each column, and "
    "measures on the rows kept for the test: rmse and r_squared, or accuracy, log_loss and auc.\v"
    "A target of texts is one of classes; a target of numbers is a value, or with --classify one "
    "of classes, too. Columns of texts are used only if they are named: their levels are put in "
    "order of the target's mean over the training rows. A missing value has a bin of its own and "
    "goes to the better side; rows without a target are left out.\n\n"
    "Each tree draws the training rows by Poisson(1) and is judged on those it did not draw: "
    "oob_rmse or oob_accuracy is the error of the mean of the trees that did not see a row. Two "
    "importances are given for each column: impurity, its share of what the questions take off the "
    "squared error or Gini impurity (it favours columns with many values), and permutation, how "
    "much a tree's squared error rises, or its accuracy falls, on rows it did not draw when the "
    "column is replaced by values drawn from its own distribution (which costs a pass over the "
    "rows for each column and tree).\n\n"
    "Numbers are taken in single precision. The same seed gives the same bytes at any number of "
    "ranks.\n\n"
    "Examples:\n"
    "  remise fit forest houses.csv --target price --trees 200\n"
    "  mpirun -n 4 remise fit forest users.csv.gz --target churned --columns age,city,spend\n";

static const struct argp_option option_list[] = {
    {"target", FIT_FOREST_TARGET, "Y", 0, "Column to predict", 0},
    {"columns", FIT_FOREST_COLUMNS, "A,B,C", 0,
     "Columns to predict from (all other columns of numbers)", 0},
    {"classify", FIT_FOREST_CLASSIFY, 0, 0, "Take a target of numbers as classes", 0},
    {"trees", FIT_FOREST_TREES, "N", 0, "Trees (100)", 0},
    {"depth", FIT_FOREST_DEPTH, "D", 0, "Questions in a row, at most; 0 to 30 (12)", 0},
    {"bins", FIT_FOREST_BINS, "N", 0, "Bins of a column, 2 to 255 (255)", 0},
    {"min-rows", FIT_FOREST_MIN_ROWS, "N", 0, "Rows of a leaf, at least (5)", 0},
    {"min-gain", FIT_FOREST_MIN_GAIN, "G", 0,
     "A question must take more than G off the mean squared error or Gini impurity (0)", 0},
    {"features", FIT_FOREST_FEATURES, "M", 0,
     "Columns drawn for each question (a third of them, or the square root for classes)", 0},
    {"no-permutation", FIT_FOREST_NO_PERMUTATION, 0, 0, "Leave out permutation importance", 0},
    {"test", FIT_FOREST_TEST, "SHARE", 0, "Share of rows kept for the test (0.1)", 0},
    {"model", FIT_FOREST_MODEL, "FILE", 0, "Save the model, for remise apply", 0},
    {"seed", FIT_FOREST_SEED, "S", 0, "Seed of parts and draws (1)", 0},
    {0}};

static enum status fit_forest_parse(int argc, char **argv, void **options)
{
    static const struct fit_forest_options defaults = {
        .source = {.test = 0.1, .bins = BINS_MAX, .seed = 1},
        .fit = {.trees = 100,
                .depth = 12,
                .min_rows = 5,
                .bootstrap = true,
                .oob = true,
                .permutation = true}};
    return fit_forest_options_parse(argc, argv, option_list, doc, &defaults, options);
}

static int64_t features_of(const struct fit_forest_options *opt, const struct fit_forest_data *data)
{
    if (opt->features > data->columns)
        log_warning("--features %lld: more than the columns, %lld; all are drawn",
                    (long long)opt->features, (long long)data->columns);
    if (opt->features > 0) return opt->features < data->columns ? opt->features : data->columns;
    int64_t root = (int64_t)sqrt((double)data->columns);
    return data->classes > 0 ? root : (data->columns + 2) / 3;
}

static enum status print(const struct fit_forest_options *opt, const struct fit_forest_data *data,
                         const struct forest *forest, const struct fit_forest_test *test)
{
    json_t *json = NULL;
    enum status status = fit_forest_json(&opt->source, data, &opt->fit, forest, test, &json);
    if (status != OK) return status;
    json_object_set_new(json, "features", json_integer(opt->fit.features));
    return fit_print(json);
}

static enum status fit_forest_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct fit_forest_options *opt = options;
    struct fit_forest_data data = {0};
    struct forest *forest = NULL;
    struct fit_forest_test test;
    TRY(fit_forest_data_read(comm, &opt->source, &data));
    opt->fit.features = features_of(opt, &data);
    TRY(fit_forest_grow(comm, opt, &data, &forest, &test));
    TRY_ALL(comm, comm->rank == 0 ? print(opt, &data, forest, &test) : OK);
done:
    forest_free(&forest);
    fit_forest_data_clear(&data);
    return status;
}

const struct command command_fit_forest = {.name = "forest",
                                           .summary = "a random forest of values or classes",
                                           .alone = false,
                                           .parse = fit_forest_parse,
                                           .run = fit_forest_run,
                                           .free = fit_forest_options_free};
