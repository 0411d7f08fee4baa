/* `remise fit dml FILE`: the effect of a treatment, controls taken out by cross-fitting. */
#include "jobs/command.h"
#include "jobs/fit_dml_repeats.h"
#include "jobs/fit_dml_result.h"
#include "jobs/fit_print.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* With 500 rows the deal of the folds moves an estimate by a third of its standard error, with
 * 2,000 by a tenth; five deals halve that. */
enum { FEW_ROWS = 1000, FEW_REPEATS = 5 };

struct options {
    struct fit_dml_source source;
    struct double_ml_options fit;
    int64_t tree;    /* depth of the tree of effects, -1: none */
    int64_t repeats; /* 0: by rows */
};

static const char doc[] =
    "Estimate what a treatment such as a price does to an outcome such as demand, where other "
    "columns drive both (double machine learning). JSON on stdout: naive (outcome on treatment "
    "alone), estimate, std_error, groups, effects, diagnostics.\v"
    "Prices were seldom set by lot: they were low where demand was expected to be low, or high. A "
    "plain regression then mistakes the reason for the effect, and may have the wrong sign. Name "
    "as --controls what decided on the treatment and what drives the outcome, but nothing that "
    "follows from the treatment. Each row's outcome and treatment are predicted from its controls "
    "by models that have not seen its fold; what is left of one is regressed on what is left of "
    "the other.\n\n"
    "Predictions are by least squares (straight, with lines that bend, with products of two "
    "controls), two forests (shallow: four questions a tree), and small trees boosted on what "
    "lines leave (steps: one question each; "
    "boosted: three), weighted by how well they predict out of fold (diagnostics.weights); with "
    "--nuisance lsq by least squares alone. Missing controls are allowed; texts count by level. "
    "Constant controls, and texts of nearly as many levels as rows, are left out and named.\n\n"
    "--group-by gives an estimate for each value of a column or expression, --effects one that is "
    "linear in columns, as in a formula of fit lsq: (Intercept) is the effect where all are 0. "
    "Their columns become controls. groups_average weighs the groups by rows; estimate weighs "
    "rows by how much their treatment moves by itself. --tree asks which questions about the "
    "controls tell rows of different effects apart: half of the rows grow a small tree, the other "
    "half gives its leaves' estimates. With --cluster rows of one value, such as "
    "a user, are in one fold and may depend on each other. --repeats deals the folds anew and "
    "takes "
    "medians, with an error that allows for how far the deals lie apart: worth its time where rows "
    "are few.\n\n"
    "treatment_left is the share of the treatment's variance that controls do not explain: below "
    "0.05 a warning, below 0.0001 a refusal. robustness_value: an unseen confounder would have to "
    "explain this share of what is left of both outcome and treatment to bring the estimate to 0; "
    "robustness_value_significance: to bring 0 into the 95 % interval (Cinelli and Hazlett 2020). "
    "The bytes are the same at any number of ranks.\n\n"
    "Examples:\n"
    "  remise fit dml users.csv --outcome 'log(demand)' --treatment 'log(price)' --controls "
    "age,income,visits --group-by 'income < 1'\n"
    "  mpirun -n 4 remise fit dml sales.csv.gz -y 'log(units)' -t 'log(price)' -c all --effects "
    "'income + category' --cluster user\n";

enum {
    KEY_NUISANCE = 1000,
    KEY_FOLDS,
    KEY_EFFECTS,
    KEY_CLUSTER,
    KEY_DEPTH,
    KEY_MIN_ROWS,
    KEY_BOOSTED,
    KEY_TREE,
    KEY_REPEATS
};

static const struct argp_option option_list[] = {
    {"outcome", 'y', "EXPR", 0, "What is acted on, such as 'log(demand)'", 0},
    {"treatment", 't', "EXPR", 0, "What acts, such as 'log(price)' or 'discount > 0'", 0},
    {"controls", 'c', "A,B,C", 0, "Columns that drive both; all: every column not named otherwise",
     0},
    {"group-by", 'g', "EXPR", 0, "An estimate for each value, such as 'income < 1' or segment", 0},
    {"effects", KEY_EFFECTS, "TERMS", 0, "An effect linear in these, such as 'income + age'", 0},
    {"cluster", KEY_CLUSTER, "COL", 0, "Rows of one value may depend on each other", 0},
    {"tree", KEY_TREE, "DEPTH", 0, "Look for where the effect differs by a tree, 0 to 6 deep", 0},
    {"nuisance", KEY_NUISANCE, "HOW", 0, "How controls are taken out: forest or lsq (forest)", 0},
    {"folds", KEY_FOLDS, "K", 0, "Folds, 2 to 100 (5)", 0},
    {"repeats", KEY_REPEATS, "R", 0,
     "Deals of the folds, of which the median counts (1, or 5 below 1000 rows)", 0},
    {"trees", 'n', "N", 0, "Trees of each forest (100)", 0},
    {"depth", KEY_DEPTH, "D", 0, "Questions in a row of a tree, at most (10)", 0},
    {"min-rows", KEY_MIN_ROWS, "N", 0, "Rows of a leaf, at least (10)", 0},
    {"boosted", KEY_BOOSTED, "N", 0, "Small trees boosted on what lines leave, at most (400)", 0},
    {"seed", 's', "S", 0, "Seed of folds and forests (1)", 0},
    {0}};

static int64_t parse_count(const char *text, int64_t least, int64_t most, const char *option,
                           struct argp_state *state)
{
    char *end;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < least || value > most)
        argp_error(state, "--%s %s: give a whole number from %" PRId64 " to %" PRId64, option, text,
                   least, most);
    return value;
}

static void parse_controls(struct options *opt, char *text, struct argp_state *state)
{
    opt->source.all = strcmp(text, "all") == 0;
    free(opt->source.controls);
    opt->source.controls = NULL;
    opt->source.controls_count = 0;
    if (!opt->source.all &&
        fit_names_parse(text, &opt->source.controls, &opt->source.controls_count) != OK)
        argp_error(state, "--controls: %s", status_message());
}

static void parse_nuisance(struct options *opt, const char *text, struct argp_state *state)
{
    if (strcmp(text, "forest") != 0 && strcmp(text, "lsq") != 0)
        argp_error(state, "--nuisance %s: choose forest or lsq", text);
    opt->fit.forest = strcmp(text, "forest") == 0;
    opt->source.lines_only = !opt->fit.forest;
}

static void check_arguments(const struct fit_dml_source *source, struct argp_state *state)
{
    if (source->path == NULL) argp_error(state, "name a table: a CSV file, plain or .gz");
    if (source->outcome == NULL) argp_error(state, "say what is acted on: --outcome 'log(demand)'");
    if (source->treatment == NULL) argp_error(state, "say what acts: --treatment 'log(price)'");
    if (!source->all && source->controls_count == 0)
        argp_error(state, "say what drives both: --controls a,b,c, or --controls all");
}

static error_t parse_numbers(int key, char *text, struct argp_state *state)
{
    struct options *opt = state->input;
    switch (key) {
    case KEY_FOLDS:
        opt->fit.folds = parse_count(text, 2, DOUBLE_ML_FOLDS_MAX, "folds", state);
        break;
    case KEY_REPEATS:
        opt->repeats = parse_count(text, 1, FIT_DML_REPEATS_MAX, "repeats", state);
        break;
    case 'n':
        opt->fit.trees = parse_count(text, 1, 100000, "trees", state);
        break;
    case KEY_DEPTH:
        opt->fit.depth = parse_count(text, 0, 30, "depth", state);
        break;
    case KEY_MIN_ROWS:
        opt->fit.min_rows = parse_count(text, 1, INT64_MAX, "min-rows", state);
        break;
    case KEY_TREE:
        opt->tree = parse_count(text, 0, DOUBLE_ML_DEPTH_MAX, "tree", state);
        break;
    case KEY_BOOSTED:
        opt->fit.boosted = parse_count(text, 1, 100000, "boosted", state);
        break;
    case 's':
        opt->fit.seed = (uint64_t)parse_count(text, 0, INT64_MAX, "seed", state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *opt = state->input;
    struct fit_dml_source *source = &opt->source;
    switch (key) {
    case 'y':
        source->outcome = text;
        break;
    case 't':
        source->treatment = text;
        break;
    case 'c':
        parse_controls(opt, text, state);
        break;
    case 'g':
        source->group_by = text;
        break;
    case KEY_EFFECTS:
        source->effects = text;
        break;
    case KEY_CLUSTER:
        source->cluster = text;
        break;
    case KEY_NUISANCE:
        parse_nuisance(opt, text, state);
        break;
    case ARGP_KEY_ARG:
        if (source->path != NULL)
            argp_error(state, "one table at a time: %s and %s", source->path, text);
        source->path = text;
        break;
    case ARGP_KEY_END:
        check_arguments(source, state);
        break;
    default:
        return parse_numbers(key, text, state);
    }
    return 0;
}

static void fit_dml_free(void *options)
{
    struct options *opt = options;
    if (opt != NULL) fit_dml_source_clear(&opt->source);
    free(opt);
}

static enum status fit_dml_options_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {
        .options = option_list, .parser = parse_option, .args_doc = "FILE", .doc = doc};
    enum status status = OK;
    struct options *opt = NULL;
    TRY(memory_new(&opt, 1, sizeof *opt));
    opt->fit = (struct double_ml_options)DOUBLE_ML_DEFAULTS;
    opt->tree = -1;
    argp_parse(&argp, argc, argv, 0, NULL, opt);
    TRY(fit_dml_parse(&opt->source));
    *options = opt;
    opt = NULL;
done:
    fit_dml_free(opt);
    return status;
}

/* ---- run ---- */

static enum status fit_groups(const struct comm *comm, const struct fit_dml_data *data,
                              struct fit_dml_found *found)
{
    enum status status = OK;
    int64_t groups = data->groups.count;
    TRY_ALL(comm, memory_new(&found->group, groups, sizeof *found->group));
    if (groups > 0)
        TRY(double_ml_groups(comm, found->ml, groups, data->groups.level, found->group,
                             &found->average));
done:
    return status;
}

static enum status fit_terms(const struct comm *comm, const struct double_ml *ml,
                             const struct fit_dml_data *data, struct double_ml_terms *terms)
{
    enum status status = OK;
    double *term = NULL;
    if (data->terms == NULL) return OK;
    TRY_ALL(comm, fit_dml_terms(data, &term));
    TRY(double_ml_terms(comm, ml, design_parameters(&data->terms->design), term, terms));
done:
    free(term);
    return status;
}

static struct double_ml_data rows_of(const struct fit_dml_data *data)
{
    return (struct double_ml_data){
        .controls = {&data->rows.blocks, data->columns, data->columns, data->x},
        .levels = data->levels,
        .outcome = data->outcome,
        .treatment = data->treatment,
        .cluster = data->cluster};
}

/* One deal of the folds; only the first keeps its residuals. */
static enum status fit_once(const struct comm *comm, const struct options *opt,
                            const struct fit_dml_data *data, int64_t repeat,
                            struct fit_dml_found *found)
{
    enum status status = OK;
    struct double_ml_data rows = rows_of(data);
    struct double_ml_options each = opt->fit;
    each.seed += (uint64_t)repeat * 1000000007u;
    TRY(double_ml_fit(comm, &rows, &each, &found->ml));
    TRY(fit_groups(comm, data, found));
    TRY(fit_terms(comm, found->ml, data, &found->terms));
    found->effect = found->ml->effect;
    if (repeat > 0) double_ml_free(&found->ml);
done:
    return status;
}

static enum status fit(const struct comm *comm, const struct options *opt,
                       const struct fit_dml_data *data, struct fit_dml_found *found,
                       struct double_ml_tree *tree)
{
    enum status status = OK;
    struct double_ml_data rows = rows_of(data);
    for (int64_t r = 0; r < opt->repeats; r++) TRY(fit_once(comm, opt, data, r, &found[r]));
    fit_dml_repeats_join(found, opt->repeats, data->groups.count);
    if (opt->tree >= 0)
        TRY(double_ml_tree_fit(comm, found->ml, &rows.controls, NULL, opt->tree, 0, opt->fit.seed,
                               tree));
done:
    return status;
}

static enum status tell(const struct comm *comm, const struct options *opt,
                        const struct fit_dml_data *data, const struct fit_dml_found *found,
                        const struct double_ml_tree *tree)
{
    enum status status = OK;
    json_t *json = NULL;
    struct fit_dml_result result = {.source = &opt->source,
                                    .data = data,
                                    .opt = &opt->fit,
                                    .repeats = opt->repeats,
                                    .ml = found->ml,
                                    .group = found->group,
                                    .average = found->average,
                                    .terms = data->terms != NULL ? &found->terms : NULL,
                                    .tree = opt->tree >= 0 ? tree : NULL};
    fit_dml_warn(&result);
    TRY_ALL(comm, fit_dml_json(&result, &json));
    TRY_ALL(comm, comm->rank == 0 ? fit_print(json_incref(json)) : OK);
done:
    json_decref(json);
    return status;
}

static enum status fit_dml_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct options *opt = options;
    struct fit_dml_data data = {0};
    struct fit_dml_found *found = NULL;
    struct double_ml_tree tree = {0};
    TRY(fit_dml_data_read(comm, &opt->source, &data));
    if (opt->repeats == 0) opt->repeats = data.rows.blocks.rows_total < FEW_ROWS ? FEW_REPEATS : 1;
    TRY_ALL(comm, memory_new(&found, opt->repeats, sizeof *found));
    TRY(fit_table_blame(&data.in, fit(comm, opt, &data, found, &tree)));
    TRY(tell(comm, opt, &data, found, &tree));
done:
    double_ml_tree_clear(&tree);
    for (int64_t r = 0; found != NULL && r < opt->repeats; r++) fit_dml_found_clear(&found[r]);
    free(found);
    fit_dml_data_clear(&data);
    return status;
}

const struct command command_fit_dml = {.name = "dml",
                                        .summary = "the effect of a treatment, confounders taken "
                                                   "out by cross-fitting (double ML)",
                                        .alone = false,
                                        .parse = fit_dml_options_parse,
                                        .run = fit_dml_run,
                                        .free = fit_dml_free};
