/* `remise fit tree FILE`: one decision tree on one table, and its rules in words. */
#include "jobs/command.h"
#include "jobs/fit_forest_grow.h"
#include "jobs/fit_print.h"

#include <argp.h>

static const char doc[] =
    "Grow one decision tree on a CSV table and print as JSON on stdout its rules in words, the "
    "importance of each column, and how good it is on the rows kept for the test: rmse and "
    "r_squared, or accuracy, log_loss and auc.\v"
    "Each leaf is a rule: \"if\" says which rows come there, \"rows\" how many training rows did. "
    "For a value, \"value\" is their mean and \"coverage\" their share of all; for classes, "
    "\"class\" is the most frequent one, \"purity\" its share of the leaf and \"coverage\" the "
    "leaf's share of the class. Few questions make few and readable rules: --depth 3 has at most "
    "8.\n\n"
    "A target of texts is one of classes; a target of numbers is a value, or with --classify one "
    "of classes, too. Columns of texts are used only if they are named: their levels are put in "
    "order of the target's mean over the training rows, and a rule lists them. A missing value has "
    "a bin of its own and goes to the better side; rows without a target are left out. Permutation "
    "importance is measured on the training rows.\n\n"
    "Numbers are taken in single precision. The same seed gives the same bytes at any number of "
    "ranks.\n\n"
    "Examples:\n"
    "  remise fit tree iris.csv --target species --depth 3\n"
    "  mpirun -n 4 remise fit tree users.csv.gz --target spend --columns age,city --min-rows 100\n";

static const struct argp_option option_list[] = {
    {"target", FIT_FOREST_TARGET, "Y", 0, "Column to predict", 0},
    {"columns", FIT_FOREST_COLUMNS, "A,B,C", 0,
     "Columns to predict from (all other columns of numbers)", 0},
    {"classify", FIT_FOREST_CLASSIFY, 0, 0, "Take a target of numbers as classes", 0},
    {"depth", FIT_FOREST_DEPTH, "D", 0, "Questions in a row, at most; 0 to 30 (4)", 0},
    {"bins", FIT_FOREST_BINS, "N", 0, "Bins of a column, 2 to 255 (255)", 0},
    {"min-rows", FIT_FOREST_MIN_ROWS, "N", 0, "Rows of a leaf, at least (5)", 0},
    {"min-gain", FIT_FOREST_MIN_GAIN, "G", 0,
     "A question must take more than G off the mean squared error or Gini impurity (0)", 0},
    {"no-permutation", FIT_FOREST_NO_PERMUTATION, 0, 0, "Leave out permutation importance", 0},
    {"test", FIT_FOREST_TEST, "SHARE", 0, "Share of rows kept for the test (0.1)", 0},
    {"model", FIT_FOREST_MODEL, "FILE", 0, "Save the model, for remise apply", 0},
    {"seed", FIT_FOREST_SEED, "S", 0, "Seed of parts and draws (1)", 0},
    {0}};

static enum status fit_tree_parse(int argc, char **argv, void **options)
{
    static const struct fit_forest_options defaults = {
        .source = {.test = 0.1, .bins = BINS_MAX, .seed = 1},
        .fit = {.trees = 1, .depth = 4, .min_rows = 5, .permutation = true}};
    return fit_forest_options_parse(argc, argv, option_list, doc, &defaults, options);
}

static enum status print(const struct fit_forest_options *opt, const struct fit_forest_data *data,
                         const struct forest *forest, const struct fit_forest_test *test)
{
    enum status status = OK;
    json_t *json = NULL, *rules = NULL;
    TRY(fit_forest_rules(data, forest, &rules));
    TRY(fit_forest_json(&opt->source, data, &opt->fit, forest, test, &json));
    json_object_set(json, "rules", rules);
    status = fit_print(json);
done:
    json_decref(rules);
    return status;
}

static enum status fit_tree_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    const struct fit_forest_options *opt = options;
    struct fit_forest_data data = {0};
    struct forest *forest = NULL;
    struct fit_forest_test test;
    TRY(fit_forest_data_read(comm, &opt->source, &data));
    TRY(fit_forest_grow(comm, opt, &data, &forest, &test));
    TRY_ALL(comm, comm->rank == 0 ? print(opt, &data, forest, &test) : OK);
done:
    forest_free(&forest);
    fit_forest_data_clear(&data);
    return status;
}

const struct command command_fit_tree = {.name = "tree",
                                         .summary = "a decision tree, and its rules in words",
                                         .alone = false,
                                         .parse = fit_tree_parse,
                                         .run = fit_tree_run,
                                         .free = fit_forest_options_free};
