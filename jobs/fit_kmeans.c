/* `remise fit kmeans FILE`: clusters of the rows of one table. */
#include "jobs/command.h"
#include "jobs/fit_print.h"
#include "jobs/kmeans_choices.h"
#include "jobs/model_kmeans.h"

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
    const char *init_file;             /* NULL: k-means|| */
    const char *out_file, *model_file; /* NULL: none */
    char **names;                      /* [names_count] columns asked for; none: all numbers */
    int64_t names_count;
    bool standardize;
    int64_t first, last;       /* numbers of clusters to try; 0: as many as rows of init_file */
    struct kmeans_options fit; /* restarts 0: not said */
};

enum { KEY_K = 'k', KEY_COLUMNS = 'c', KEY_SEED = 's', KEY_RESTARTS = 'r', KEY_OUT = 'o' };
enum { KEY_STANDARDIZE = 256, KEY_MAX_ITERATIONS, KEY_TOLERANCE, KEY_INIT, KEY_MODEL };

static const char doc[] =
    "Find K centroids such that the rows of a CSV table lie near to them, and print them as JSON "
    "on stdout: rows, columns, k, inertia, iterations, converged, centroids, sizes; for a range of "
    "K also choices.\v"
    "The inertia is the sum over the rows of the squared distance to the nearest centroid: the "
    "lower, the tighter the clusters; compare it only between fits of the same columns and "
    "scaling. Columns of different units (years, euros) need --standardize, or the one with the "
    "largest numbers decides alone. Centroids are always printed in the units of the file; with "
    "--standardize the inertia is that of the standardised columns.\n\n"
    "With a range of K every number of clusters is tried, and the one with the highest silhouette "
    "is kept. A row's silhouette is near 1 if it is much nearer to its own cluster than to the "
    "next, and near 0 if it lies between two; the mean is taken over some 4000 rows, the same for "
    "every K, or all of them. The table also has the elbow: how far the inertia lies below a "
    "straight line from the first K to the last, as a fraction of its fall. Where the two "
    "disagree, "
    "clusters are not clearly apart: take the K that you can use.\n\n"
    "A random start may end in a poor place: small tables get up to 10, of which the best is kept; "
    "ask for 10 restarts where the result of many rows matters. The same seed gives the same bytes "
    "at any number of ranks.\n\n"
    "Examples:\n"
    "  remise fit kmeans iris.csv --columns petal_length,petal_width --k 3 -r 10\n"
    "  remise fit kmeans iris.csv --k 2-12 --out segments.csv\n"
    "  mpirun -n 4 remise fit kmeans users.csv.gz --k 20 --standardize > k20.json\n";

static const struct argp_option option_list[] = {
    {"columns", KEY_COLUMNS, "A,B,C", 0, "Columns to cluster by (all columns of numbers)", 0},
    {"k", KEY_K, "K", 0, "Number of clusters, or a range such as 2-12; may be left out with --init",
     0},
    {"restarts", KEY_RESTARTS, "R", 0,
     "Random starts, of which the best is kept (as many as make a million rows, 1 to 10)", 0},
    {"seed", KEY_SEED, "S", 0, "Seed of the random starts (1)", 0},
    {"standardize", KEY_STANDARDIZE, 0, 0, "Give every column mean 0 and deviation 1 first", 0},
    {"max-iterations", KEY_MAX_ITERATIONS, "N", 0, "Stop after N iterations (300)", 0},
    {"tolerance", KEY_TOLERANCE, "T", 0,
     "Stop when the centroids' summed squared shift is at most T times the mean variance of a "
     "column; 0 goes on until no row changes its cluster (1e-4)",
     0},
    {"init", KEY_INIT, "CSV", 0, "Start from the rows of this table, which has the same columns",
     0},
    {"out", KEY_OUT, "CSV", 0,
     "Segment of each row and distance to its centroid, in the order of the rows", 0},
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

static double parse_tolerance(const char *text, struct argp_state *state)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0.0) || !isfinite(value))
        argp_error(state, "--tolerance %s: give a number of at least 0, such as 1e-4", text);
    return value;
}

static void check_arguments(const struct options *opt, struct argp_state *state)
{
    if (opt->file == NULL) argp_error(state, "name a table: a CSV file, plain or .gz");
    if (opt->first == 0 && opt->init_file == NULL)
        argp_error(state, "say how many clusters: --k 3, or a range: --k 2-12");
    if (opt->last > opt->first && opt->init_file != NULL)
        argp_error(state, "--init gives one number of clusters, --k a range; choose");
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
    case KEY_K:
        if (!fit_range_parse(text, &opt->first, &opt->last))
            argp_error(state, "--k %s: give a whole number of at least 1, or a range: 2-12", text);
        break;
    case KEY_RESTARTS:
        opt->fit.restarts = parse_count(text, 1, "restarts", state);
        break;
    case KEY_SEED:
        opt->fit.seed = (uint64_t)parse_count(text, 0, "seed", state);
        break;
    case KEY_STANDARDIZE:
        opt->standardize = true;
        break;
    case KEY_MAX_ITERATIONS:
        opt->fit.max_iterations = parse_count(text, 1, "max-iterations", state);
        break;
    case KEY_TOLERANCE:
        opt->fit.tolerance = parse_tolerance(text, state);
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
    case ARGP_KEY_ARG:
        if (opt->file != NULL) argp_error(state, "one table at a time: %s and %s", opt->file, text);
        opt->file = text;
        break;
    case ARGP_KEY_END:
        check_arguments(opt, state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static enum status fit_kmeans_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {
        .options = option_list, .parser = parse_option, .args_doc = "FILE", .doc = doc};
    struct options *opt = NULL;
    enum status status = memory_new(&opt, 1, sizeof *opt);
    if (status != OK) return status;
    opt->fit = (struct kmeans_options)KMEANS_OPTIONS_DEFAULTS;
    opt->fit.restarts = 0;
    argp_parse(&argp, argc, argv, 0, NULL, opt);
    *options = opt;
    return OK;
}

static void fit_kmeans_free(void *options)
{
    struct options *opt = options;
    free(opt->names);
    free(opt);
}

/* ---- the fit ---- */

/* The start from a file, on every rank, on the scale of the fit. init out: new, [k][columns] */
static enum status read_init(const struct comm *comm, struct options *opt,
                             const struct fit_matrix *like, const struct fit_scaling *scaling,
                             double **init)
{
    enum status status = OK;
    int64_t rows = 0;
    TRY(fit_matrix_read_start(comm, opt->init_file, like, "k-means", init, &rows));
    if (opt->first == 0) opt->first = opt->last = rows;
    if (rows != opt->first)
        TRY(FAIL(ERR_DATA, "%s has %" PRId64 " rows for --k %" PRId64 " clusters; give one each",
                 opt->init_file, rows, opt->first));
    fit_scaling_apply(scaling, *init, rows);
done:
    return status;
}

static enum status round_rows(const struct fit_matrix *matrix, float **x)
{
    int64_t cells = matrix->blocks->rows_local * matrix->columns;
    enum status status = memory_new(x, cells, sizeof **x);
    for (int64_t i = 0; status == OK && i < cells; i++) (*x)[i] = (float)matrix->x[i];
    return status;
}

/* Fit the one k, or the range. choices out: [last - first + 1], of a range */
static enum status fit_rows(const struct comm *comm, const struct options *opt,
                            const struct rows *rows, struct kmeans_choice *choices,
                            struct kmeans_model **model)
{
    struct kmeans_options fit = opt->fit;
    fit.k = opt->first;
    if (fit.restarts == 0) fit.restarts = fit_restarts(rows->blocks->rows_total);
    if (opt->first == opt->last) return kmeans_fit(comm, rows, &fit, model);
    return kmeans_fit_range(comm, rows, &fit, opt->first, opt->last, choices, model);
}

/* Fit in float32, then take inertia and centroids to double precision. */
static enum status fit(const struct comm *comm, const struct options *opt,
                       const struct fit_matrix *matrix, struct kmeans_choice *choices,
                       struct kmeans_model **model)
{
    enum status status = OK;
    const struct blocks *blocks = matrix->blocks;
    float *x = NULL;
    int32_t *labels = NULL;
    TRY_ALL(comm, round_rows(matrix, &x));
    struct rows rows = {blocks, matrix->columns, matrix->columns, x};
    TRY(fit_table_blame(&matrix->in, fit_rows(comm, opt, &rows, choices, model)));
    TRY_ALL(comm, memory_new(&labels, blocks->rows_local, sizeof *labels));
    TRY_ALL(comm, kmeans_apply(*model, &rows, labels, NULL));
    free(x);
    x = NULL;
    TRY(kmeans_refine(comm, blocks, matrix->x, labels, *model));
done:
    free(x);
    free(labels);
    return status;
}

/* The segments of the rows, and the model, where files for them are named. */
static enum status save(const struct comm *comm, const struct options *opt,
                        const struct fit_matrix *matrix, const struct model_kmeans *model)
{
    enum status status = OK;
    struct applied applied = {.blocks = matrix->blocks};
    const char **names = NULL;
    TRY_ALL(comm, memory_new(&names, matrix->columns, sizeof *names));
    for (int64_t j = 0; j < matrix->columns; j++) names[j] = fit_matrix_name(matrix, j);
    if (opt->model_file != NULL) TRY(model_kmeans_write(comm, opt->model_file, names, model));
    if (opt->out_file != NULL) {
        TRY(model_kmeans_say(comm, model, matrix->x, NULL, &applied));
        TRY(applied_write(comm, &applied, opt->out_file));
    }
done:
    applied_clear(&applied);
    free(names);
    return status;
}

/* ---- the result ---- */

static void warn(const struct fit_matrix *matrix, const struct kmeans_model *model)
{
    int64_t empty = 0;
    for (int64_t c = 0; c < model->k; c++) empty += model->sizes[c] == 0;
    if (model->stopped)
        log_warning("stopped after %" PRId64 " iterations before the centroids came to rest; raise "
                    "--max-iterations or --tolerance",
                    model->iterations);
    if (empty > 0)
        log_warning("%s: %" PRId64 " of %" PRId64 " clusters hold no row: there are fewer "
                    "different rows, or --init has a centroid far from all; lower --k",
                    matrix->in.path, empty, model->k);
}

/* The inertia, and that of the choices, in the units of the file. */
static enum status undo_inertia(const struct fit_matrix *matrix, const struct fit_scaling *scaling,
                                struct kmeans_model *model, struct kmeans_choice *choices,
                                int64_t choices_count)
{
    bool finite = true;
    model->inertia *= scaling->whole * scaling->whole;
    for (int64_t i = 0; i < choices_count; i++) {
        choices[i].inertia *= scaling->whole * scaling->whole;
        if (choices[i].k == model->k) choices[i].inertia = model->inertia;
        finite = finite && isfinite(choices[i].inertia);
    }
    if (finite && isfinite(model->inertia)) return OK;
    return FAIL(ERR_NUMERIC,
                "%s: the squares of values up to %g are beyond double precision; give the column "
                "in a larger unit, or fit with --standardize",
                matrix->in.path, scaling->whole);
}

static json_t *centroids_json(const struct kmeans_model *model, const struct fit_scaling *scaling)
{
    json_t *centroids = json_array();
    for (int64_t c = 0; c < model->k; c++) {
        json_t *centroid = json_array();
        for (int64_t j = 0; j < model->columns; j++) {
            double value = fit_scaling_undo(scaling, j, model->centroids[c * model->columns + j]);
            json_array_append_new(centroid, json_real(value));
        }
        json_array_append_new(centroids, centroid);
    }
    return centroids;
}

static json_t *result_json(const struct fit_matrix *matrix, const struct fit_scaling *scaling,
                           const struct kmeans_model *model)
{
    json_t *columns = json_array(), *sizes = json_array();
    for (int64_t j = 0; j < matrix->columns; j++)
        json_array_append_new(columns, json_string(fit_matrix_name(matrix, j)));
    for (int64_t c = 0; c < model->k; c++)
        json_array_append_new(sizes, json_integer(model->sizes[c]));
    return json_pack("{s:I, s:o, s:I, s:f, s:I, s:b, s:o, s:o}", "rows",
                     (json_int_t)matrix->blocks->rows_total, "columns", columns, "k",
                     (json_int_t)model->k, "inertia", model->inertia, "iterations",
                     (json_int_t)model->iterations, "converged", model->converged, "centroids",
                     centroids_json(model, scaling), "sizes", sizes);
}

/* Say what there is to say, on rank 0. */
static enum status print(const struct comm *comm, const struct fit_matrix *matrix,
                         const struct model_kmeans *model, const struct kmeans_choice *choices,
                         int64_t choices_count)
{
    if (comm->rank != 0) return OK;
    json_t *result = result_json(matrix, &model->scaling, model->kmeans);
    if (result != NULL && choices_count > 0)
        json_object_set_new(result, "choices", kmeans_choices_json(choices, choices_count));
    return fit_print(result);
}

/* Fit the scaled matrix and hand out what comes of it. */
static enum status cluster(const struct comm *comm, const struct options *opt,
                           const struct fit_matrix *matrix, struct model_kmeans *model)
{
    enum status status = OK;
    struct kmeans_choice *choices = NULL;
    int64_t count = opt->last > opt->first ? opt->last - opt->first + 1 : 0;
    TRY_ALL(comm, memory_new(&choices, count, sizeof *choices));
    TRY(fit(comm, opt, matrix, choices, &model->kmeans));
    TRY(undo_inertia(matrix, &model->scaling, model->kmeans, choices, count));
    if (count > 0) { /* fits are quiet, but this was asked for */
        log_start(comm, LOG_INFO);
        kmeans_choices_log(choices, count, model->kmeans->k);
        log_start(comm, LOG_WARNING);
    }
    warn(matrix, model->kmeans);
    TRY(save(comm, opt, matrix, model));
    TRY_ALL(comm, print(comm, matrix, model, choices, count));
done:
    free(choices);
    return status;
}

static enum status fit_kmeans_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct options *opt = options;
    struct fit_matrix matrix = {0};
    struct model_kmeans model = {0};
    double *init = NULL;
    const char *const *names = (const char *const *)opt->names;
    TRY(fit_matrix_read(comm, opt->file, names, opt->names_count, "k-means", &matrix));
    TRY(fit_scaling_measure(comm, opt->standardize, &matrix, &model.scaling));
    if (opt->init_file != NULL) TRY(read_init(comm, opt, &matrix, &model.scaling, &init));
    opt->fit.init = init;
    TRY(cluster(comm, opt, &matrix, &model));
done:
    model_kmeans_clear(&model);
    fit_matrix_clear(&matrix);
    free(init);
    return status;
}

const struct command command_fit_kmeans = {.name = "kmeans",
                                           .summary = "k centroids near to all rows (k-means)",
                                           .alone = false,
                                           .parse = fit_kmeans_parse,
                                           .run = fit_kmeans_run,
                                           .free = fit_kmeans_free};
