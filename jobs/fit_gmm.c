/* `remise fit gmm FILE`: a Gaussian mixture of the rows of one table. */
#include "jobs/command.h"
#include "jobs/fit_gmm_result.h"
#include "jobs/model_gmm.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the command line ---- */

struct options {
    const char *file;
    const char *init_file;             /* NULL: k-means */
    const char *out_file, *model_file; /* NULL: none */
    char **names;                      /* [names_count] columns asked for; none: all numbers */
    int64_t names_count;
    int64_t first, last; /* components to try; 0: as many as rows of init_file */
    int64_t keep;        /* components of each row in out_file */
    struct mixture_options fit;
};

enum { KEY_COMPONENTS = 'k', KEY_COLUMNS = 'c', KEY_SEED = 's', KEY_RESTARTS = 'r' };
enum { KEY_OUT = 'o', KEY_COVARIANCE = 256, KEY_MAX_ITERATIONS, KEY_TOLERANCE };
enum { KEY_FLOOR = 512, KEY_INIT, KEY_KEEP, KEY_MODEL };

static const char doc[] =
    "Fit a mixture of K normal densities to a CSV table and print it as JSON on stdout: rows, "
    "columns, covariance, components, log_likelihood, bic, aic, parameters, iterations, converged, "
    "monotone, weights, means, covariances, held.\v"
    "Unlike k-means, a mixture has components of different size and shape, and says of each row "
    "how likely it belongs to each of them (--out). With a range of components the one with the "
    "lowest BIC is kept, and \"choices\" lists all. The log-likelihood is in the units of the "
    "file; the fit does not depend on units: columns are standardised inside.\n\n"
    "The variance of a component in any direction is at least --floor times that of all rows; "
    "\"held\" counts the directions of each component that lie on the floor, which a component of "
    "few rows and collinear or constant columns do.\n\n"
    "The start is a k-means clustering, which may end in a poor place: ask for 10 restarts where "
    "the result of many rows matters. The same seed gives the same bytes at any number of "
    "ranks.\n\n"
    "Examples:\n"
    "  remise fit gmm iris.csv --columns petal_length,petal_width --components 3\n"
    "  mpirun -n 4 remise fit gmm users.csv.gz -k 2..10 --covariance diag --out segments.csv\n";

static const struct argp_option option_list[] = {
    {"columns", KEY_COLUMNS, "A,B,C", 0, "Columns to fit (all columns of numbers)", 0},
    {"components", KEY_COMPONENTS, "K", 0,
     "Number of components, or a range such as 2..6; may be left out with --init", 0},
    {"k", KEY_COMPONENTS, NULL, OPTION_ALIAS, NULL, 0},
    {"covariance", KEY_COVARIANCE, "KIND", 0,
     "full: each component its own; diag: its own, columns independent; tied: one for all (full)",
     0},
    {"restarts", KEY_RESTARTS, "R", 0,
     "Random starts, of which the best is kept (as many as make a million rows, 1 to 10)", 0},
    {"seed", KEY_SEED, "S", 0, "Seed of the random starts (1)", 0},
    {"max-iterations", KEY_MAX_ITERATIONS, "N", 0, "Stop after N iterations (500)", 0},
    {"tolerance", KEY_TOLERANCE, "T", 0,
     "Stop when an iteration raises the log-likelihood by at most T a row (1e-10)", 0},
    {"floor", KEY_FLOOR, "F", 0, "Least variance of a component, in that of all rows (1e-6)", 0},
    {"init", KEY_INIT, "CSV", 0,
     "Start from the rows of this table, which has the same columns, as means", 0},
    {"out", KEY_OUT, "CSV", 0,
     "Write each row's likeliest component, from 0, its responsibility, and the logarithm of the "
     "density",
     0},
    {"keep", KEY_KEEP, "N", 0, "Say the N likeliest components of each row, up to 31 (1)", 0},
    {"model", KEY_MODEL, "FILE", 0, "Save the model, for remise apply", 0},
    {0}};

static int64_t parse_count(const char *text, int64_t least, const char *option,
                           struct argp_state *state)
{
    char *end;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < least)
        argp_error(state, "--%s %s: give a whole number of at least %" PRId64, option, text, least);
    return value;
}

static double parse_number(const char *text, double least, double most, const char *option,
                           struct argp_state *state)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= least && value <= most))
        argp_error(state, "--%s %s: give a number from %g to %g", option, text, least, most);
    return value;
}

static void parse_components(const char *text, struct options *opt, struct argp_state *state)
{
    if (!fit_range_parse(text, &opt->first, &opt->last))
        argp_error(state, "--components %s: give a whole number of at least 1, or a range: 2..6",
                   text);
}

static enum mixture_covariance parse_covariance(const char *text, struct argp_state *state)
{
    for (int c = MIXTURE_FULL; c <= MIXTURE_TIED; c++)
        if (strcmp(text, model_gmm_covariances[c]) == 0) return (enum mixture_covariance)c;
    if (strcmp(text, "diagonal") == 0) return MIXTURE_DIAGONAL;
    argp_error(state, "--covariance %s: choose full, diag or tied", text);
    return MIXTURE_FULL;
}

static void check_arguments(const struct options *opt, struct argp_state *state)
{
    if (opt->file == NULL) argp_error(state, "name a table: a CSV file, plain or .gz");
    if (opt->first == 0 && opt->init_file == NULL)
        argp_error(state, "say how many components: --components 3, or a range: --components 2..6");
    if (opt->last > opt->first && opt->init_file != NULL)
        argp_error(state, "--init gives one number of components, --components a range; choose");
    if (opt->keep > 1 && opt->out_file == NULL && opt->model_file == NULL)
        argp_error(state, "--keep is about what --out or --model write; name such a file");
    if (opt->keep > MODEL_GMM_KEEP)
        argp_error(state, "--keep %" PRId64 ": %d at most", opt->keep, MODEL_GMM_KEEP);
    if (opt->first > 0 && opt->keep > opt->first)
        argp_error(state, "--keep %" PRId64 ": there may be only %" PRId64 " components", opt->keep,
                   opt->first);
}

static error_t parse_file(char *text, struct options *opt, struct argp_state *state)
{
    if (opt->file != NULL) argp_error(state, "one table at a time: %s and %s", opt->file, text);
    opt->file = text;
    return 0;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *opt = state->input;
    switch (key) {
    case KEY_COLUMNS:
        free(opt->names);
        if (fit_names_parse(text, &opt->names, &opt->names_count) != OK)
            argp_error(state, "--columns: %s", status_message());
        break;
    case KEY_COMPONENTS:
        parse_components(text, opt, state);
        break;
    case KEY_COVARIANCE:
        opt->fit.covariance = parse_covariance(text, state);
        break;
    case KEY_RESTARTS:
        opt->fit.restarts = parse_count(text, 1, "restarts", state);
        break;
    case KEY_SEED:
        opt->fit.seed = (uint64_t)parse_count(text, 0, "seed", state);
        break;
    case KEY_MAX_ITERATIONS:
        opt->fit.max_iterations = parse_count(text, 1, "max-iterations", state);
        break;
    case KEY_TOLERANCE:
        opt->fit.tolerance = parse_number(text, 0.0, 1e300, "tolerance", state);
        break;
    case KEY_FLOOR:
        opt->fit.floor = parse_number(text, 1e-9, 1.0, "floor", state);
        break;
    case KEY_INIT:
        opt->init_file = text;
        break;
    case KEY_OUT:
        opt->out_file = text;
        break;
    case KEY_MODEL:
        opt->model_file = text;
        break;
    case KEY_KEEP:
        opt->keep = parse_count(text, 1, "keep", state);
        break;
    case ARGP_KEY_ARG:
        return parse_file(text, opt, state);
    case ARGP_KEY_END:
        check_arguments(opt, state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static enum status fit_gmm_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {
        .options = option_list, .parser = parse_option, .args_doc = "FILE", .doc = doc};
    struct options *opt = NULL;
    enum status status = memory_new(&opt, 1, sizeof *opt);
    if (status != OK) return status;
    opt->fit = (struct mixture_options)MIXTURE_OPTIONS_DEFAULTS;
    opt->keep = 1;
    opt->fit.restarts = 0;
    argp_parse(&argp, argc, argv, 0, NULL, opt);
    *options = opt;
    return OK;
}

static void fit_gmm_free(void *options)
{
    struct options *opt = options;
    free(opt->names);
    free(opt);
}

/* ---- the fit ---- */

static struct mixture_rows rows_of(const struct fit_matrix *matrix)
{
    return (struct mixture_rows){
        .blocks = matrix->blocks, .columns = matrix->columns, .full = matrix->x};
}

/* The means to start from; they say how many components there are if nothing else does. */
static enum status read_init(const struct comm *comm, struct options *opt,
                             const struct fit_matrix *matrix, double **init)
{
    enum status status = OK;
    int64_t rows = 0;
    TRY(fit_matrix_read_start(comm, opt->init_file, matrix, "a mixture", init, &rows));
    if (opt->first == 0) opt->first = opt->last = rows;
    if (rows != opt->first)
        TRY(FAIL(ERR_DATA, "%s has %" PRId64 " rows for %" PRId64 " components; give one each",
                 opt->init_file, rows, opt->first));
    if (opt->keep > rows)
        TRY(FAIL(ERR_DATA, "--keep %" PRId64 " of the %" PRId64 " components of %s; lower it",
                 opt->keep, rows, opt->init_file));
done:
    return status;
}

/* choices out: of a range [last - first + 1] */
static enum status fit(const struct comm *comm, struct options *opt,
                       const struct fit_matrix *matrix, struct mixture_choice *choices,
                       struct mixture_model **model)
{
    struct mixture_rows rows = rows_of(matrix);
    enum status status = OK;
    opt->fit.k = opt->first;
    if (opt->first == opt->last)
        status = mixture_fit(comm, &rows, &opt->fit, model);
    else
        status = mixture_fit_range(comm, &rows, &opt->fit, opt->first, opt->last, choices, model);
    return fit_table_blame(&matrix->in, status);
}

/* The components of the rows, and the model, where files for them are named. */
static enum status save(const struct comm *comm, const struct options *opt,
                        const struct fit_matrix *matrix, struct mixture_model *mixture)
{
    enum status status = OK;
    const struct model_gmm model = {mixture, opt->keep};
    struct applied applied = {.blocks = matrix->blocks};
    const char **names = NULL;
    TRY_ALL(comm, memory_new(&names, matrix->columns, sizeof *names));
    for (int64_t j = 0; j < matrix->columns; j++) names[j] = fit_matrix_name(matrix, j);
    if (opt->model_file != NULL) TRY(model_gmm_write(comm, opt->model_file, names, &model));
    if (opt->out_file != NULL) {
        TRY(model_gmm_say(comm, &model, matrix->x, NULL, &applied));
        TRY(applied_write(comm, &applied, opt->out_file));
    }
done:
    applied_clear(&applied);
    free(names);
    return status;
}

/* ---- what is to be said about it ---- */

static int64_t held_components(const struct mixture_model *model)
{
    int64_t held = 0;
    for (int64_t c = 0; c < model->k; c++) held += model->held[c] > 0;
    return held;
}

static void warn(const struct options *opt, const struct fit_matrix *matrix,
                 const struct mixture_model *model)
{
    int64_t held = held_components(model);
    for (int64_t j = 0; j < matrix->columns; j++)
        if (model->constant[j])
            log_warning("column \"%s\" is constant: it tells no components apart, and the "
                        "log-likelihood rests on the floor; leave it out of --columns",
                        fit_matrix_name(matrix, j));
    if (held > 0)
        log_warning("%s: %" PRId64 " of %" PRId64 " components lie on the floor under variances "
                    "(--floor %g): collinear columns, or components of few rows; the "
                    "log-likelihood rests on the floor. Leave out columns that others explain, or "
                    "ask for fewer components",
                    matrix->in.path, held, model->k, opt->fit.floor);
    if (model->stopped)
        log_warning("stopped after %" PRId64 " iterations before the log-likelihood came to rest; "
                    "raise --max-iterations or --tolerance",
                    model->iterations);
    if (!model->monotone)
        log_warning("the log-likelihood fell in an iteration by more than rounding explains; raise "
                    "--floor");
}

static enum status fit_gmm_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct options *opt = options;
    struct fit_matrix matrix = {0};
    struct mixture_model *model = NULL;
    struct mixture_choice *choices = NULL;
    double *init = NULL;
    const char *const *names = (const char *const *)opt->names;
    TRY(fit_matrix_read(comm, opt->file, names, opt->names_count, "a mixture", &matrix));
    if (opt->init_file != NULL) TRY(read_init(comm, opt, &matrix, &init));
    opt->fit.init = init;
    if (opt->fit.restarts == 0)
        opt->fit.restarts = init != NULL ? 1 : fit_restarts(matrix.blocks->rows_total);
    TRY_ALL(comm, memory_new(&choices, opt->last - opt->first + 1, sizeof *choices));
    TRY(fit(comm, opt, &matrix, choices, &model));
    warn(opt, &matrix, model);
    TRY(save(comm, opt, &matrix, model));
    TRY_ALL(comm, comm->rank == 0
                      ? fit_gmm_print(&matrix, model, choices, opt->last - opt->first + 1)
                      : OK);
done:
    mixture_free(&model);
    fit_matrix_clear(&matrix);
    free(choices);
    free(init);
    return status;
}

const struct command command_fit_gmm = {
    .name = "gmm",
    .summary = "k normal densities that make up that of the rows (Gaussian mixture)",
    .alone = false,
    .parse = fit_gmm_parse,
    .run = fit_gmm_run,
    .free = fit_gmm_free};
