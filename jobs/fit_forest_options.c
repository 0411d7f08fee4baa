/* Command lines of trees and forests. */
#include "jobs/fit_forest_options.h"

#include "mpi/memory.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t parse_count(const char *text, int64_t least, int64_t most, const char *option,
                           struct argp_state *state)
{
    char *end;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (end != text && *end == '\0' && errno == 0 && value >= least && value <= most) return value;
    if (most == INT64_MAX)
        argp_error(state, "--%s %s: give a whole number of at least %" PRId64, option, text, least);
    else
        argp_error(state, "--%s %s: give a whole number from %" PRId64 " to %" PRId64, option, text,
                   least, most);
    return value;
}

static double parse_number(const char *text, double most, const char *option,
                           struct argp_state *state)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0.0 && value < most))
        argp_error(state, "--%s %s: give a number from 0 to below %g", option, text, most);
    return value;
}

static void check_arguments(const struct fit_forest_options *opt, struct argp_state *state)
{
    const struct fit_forest_source *source = &opt->source;
    if (source->path == NULL) argp_error(state, "name a table: a CSV file, plain or .gz");
    if (source->target == NULL) argp_error(state, "say what to predict: --target COLUMN");
    for (int64_t j = 0; j < source->names_count; j++)
        if (strcmp(source->names[j], source->target) == 0)
            argp_error(state, "--columns: the target %s cannot predict itself", source->target);
}

/* How trees are grown. */
static error_t parse_growth(int key, char *text, struct argp_state *state)
{
    struct fit_forest_options *opt = state->input;
    switch (key) {
    case FIT_FOREST_TREES:
        opt->fit.trees = parse_count(text, 1, FOREST_TREES_MAX, "trees", state);
        break;
    case FIT_FOREST_DEPTH:
        opt->fit.depth = parse_count(text, 0, FOREST_DEPTH_MAX, "depth", state);
        break;
    case FIT_FOREST_BINS:
        opt->source.bins = parse_count(text, 2, BINS_MAX, "bins", state);
        break;
    case FIT_FOREST_MIN_ROWS:
        opt->fit.min_rows = parse_count(text, 1, INT64_MAX, "min-rows", state);
        break;
    case FIT_FOREST_MIN_GAIN:
        opt->fit.min_gain = parse_number(text, HUGE_VAL, "min-gain", state);
        break;
    case FIT_FOREST_FEATURES:
        opt->features = parse_count(text, 1, INT64_MAX, "features", state);
        break;
    case FIT_FOREST_NO_PERMUTATION:
        opt->fit.permutation = false;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct fit_forest_options *opt = state->input;
    struct fit_forest_source *source = &opt->source;
    switch (key) {
    case FIT_FOREST_TARGET:
        source->target = text;
        break;
    case FIT_FOREST_COLUMNS:
        free(source->names);
        if (fit_names_parse(text, &source->names, &source->names_count) != OK)
            argp_error(state, "--columns: %s", status_message());
        break;
    case FIT_FOREST_SEED:
        source->seed = (uint64_t)parse_count(text, 0, INT64_MAX, "seed", state);
        break;
    case FIT_FOREST_TEST:
        source->test = parse_number(text, 1.0, "test", state);
        break;
    case FIT_FOREST_CLASSIFY:
        source->classify = true;
        break;
    case FIT_FOREST_MODEL:
        opt->model_file = text;
        break;
    case ARGP_KEY_ARG:
        if (source->path != NULL)
            argp_error(state, "one table at a time: %s and %s", source->path, text);
        source->path = text;
        break;
    case ARGP_KEY_END:
        check_arguments(opt, state);
        break;
    default:
        return parse_growth(key, text, state);
    }
    return 0;
}

enum status fit_forest_options_parse(int argc, char **argv, const struct argp_option *list,
                                     const char *doc, const struct fit_forest_options *defaults,
                                     void **options)
{
    const struct argp argp = {
        .options = list, .parser = parse_option, .args_doc = "FILE", .doc = doc};
    struct fit_forest_options *opt = NULL;
    enum status status = memory_new(&opt, 1, sizeof *opt);
    if (status != OK) return status;
    *opt = *defaults;
    argp_parse(&argp, argc, argv, 0, NULL, opt);
    opt->fit.seed = opt->source.seed;
    *options = opt;
    return OK;
}

void fit_forest_options_free(void *options)
{
    struct fit_forest_options *opt = options;
    if (opt != NULL) free(opt->source.names);
    free(opt);
}
