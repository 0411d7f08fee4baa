/**
 * The command lines of `remise fit tree` and `remise fit forest`, which share most options.
 */
#ifndef REMISE_JOBS_FIT_FOREST_OPTIONS_H
#define REMISE_JOBS_FIT_FOREST_OPTIONS_H

#include "jobs/fit_forest_data.h"

struct argp_option;

struct fit_forest_options {
    struct fit_forest_source source;
    struct forest_options fit;
    const char *model_file; /* to save the model to; NULL: nowhere */
    int64_t features;       /* columns drawn for each node; 0: a third, or the root for classes */
};

/* Options of one of the commands. */
enum {
    FIT_FOREST_TARGET = 't',
    FIT_FOREST_COLUMNS = 'c',
    FIT_FOREST_SEED = 's',
    FIT_FOREST_DEPTH = 'd',
    FIT_FOREST_TREES = 'n',
    FIT_FOREST_BINS = 256,
    FIT_FOREST_MIN_ROWS,
    FIT_FOREST_MIN_GAIN,
    FIT_FOREST_FEATURES,
    FIT_FOREST_TEST,
    FIT_FOREST_CLASSIFY,
    FIT_FOREST_MODEL,
    FIT_FOREST_NO_PERMUTATION
};

/**
 * Parse by argp; wrong usage and --help end the process. Local.
 * defaults  in   what holds unless given
 * options   out  new; freed by fit_forest_options_free
 * Errors: ERR_MEMORY.
 */
enum status fit_forest_options_parse(int argc, char **argv, const struct argp_option *list,
                                     const char *doc, const struct fit_forest_options *defaults,
                                     void **options);
/** Free; accepts NULL. Local. */
void fit_forest_options_free(void *options);

#endif
