/* `remise fit kmeans FILE`: clusters of the rows of one table. */
#include "jobs/command.h"
#include "jobs/fit_table.h"

#include "algorithms/kmeans.h"
#include "algorithms/kmeans_sums.h"
#include "algorithms/standardise.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A column with a greater share of the variance decides nearly alone. */
#define DOMINANT_SHARE 0.99

/* ---- the command line ---- */

struct options {
    const char *file;
    const char *init_file; /* NULL: k-means|| */
    char **names;          /* [names_count] columns asked for; none: all numbers */
    int64_t names_count;
    bool standardize;
    struct kmeans_options fit;
};

enum { KEY_K = 'k', KEY_COLUMNS = 'c', KEY_SEED = 's', KEY_RESTARTS = 'r' };
enum { KEY_STANDARDIZE = 256, KEY_MAX_ITERATIONS, KEY_TOLERANCE, KEY_INIT };

static const char doc[] =
    "Find K centroids such that the rows of a CSV table lie near to them, and print them as JSON "
    "on stdout: rows, columns, k, inertia, iterations, converged, centroids, sizes.\v"
    "The inertia is the sum over the rows of the squared distance to the nearest centroid: the "
    "lower, the tighter the clusters; compare it only between fits of the same columns and "
    "scaling. Columns of different units (years, euros) need --standardize, or the one with the "
    "largest numbers decides alone. Centroids are always printed in the units of the file; with "
    "--standardize the inertia is that of the standardised columns.\n\n"
    "A random start may end in a poor place: ask for 10 restarts where the result matters. The "
    "same seed gives the same bytes at any number of ranks.\n\n"
    "Examples:\n"
    "  remise fit kmeans iris.csv --columns petal_length,petal_width --k 3 -r 10\n"
    "  mpirun -n 4 remise fit kmeans users.csv.gz --k 20 --standardize > k20.json\n";

static const struct argp_option option_list[] = {
    {"columns", KEY_COLUMNS, "A,B,C", 0, "Columns to cluster by (all columns of numbers)", 0},
    {"k", KEY_K, "K", 0, "Number of clusters; may be left out with --init", 0},
    {"restarts", KEY_RESTARTS, "R", 0, "Random starts, of which the best is kept (1)", 0},
    {"seed", KEY_SEED, "S", 0, "Seed of the random starts (1)", 0},
    {"standardize", KEY_STANDARDIZE, 0, 0, "Give every column mean 0 and deviation 1 first", 0},
    {"max-iterations", KEY_MAX_ITERATIONS, "N", 0, "Stop after N iterations (300)", 0},
    {"tolerance", KEY_TOLERANCE, "T", 0,
     "Stop when the centroids' summed squared shift is at most T times the mean variance of a "
     "column; 0 goes on until no row changes its cluster (1e-4)",
     0},
    {"init", KEY_INIT, "CSV", 0, "Start from the rows of this table, which has the same columns",
     0},
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
    if (opt->fit.k == 0 && opt->init_file == NULL)
        argp_error(state, "say how many clusters: --k 3");
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
        opt->fit.k = parse_count(text, 1, "k", state);
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
    opt->fit.k = 0;
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

/* ---- the table ---- */

/* The columns to cluster by, row by row. */
struct matrix {
    struct fit_table in;   /* blocks and names; its numbers are freed */
    struct blocks *blocks; /* of in.table */
    int64_t columns;
    int64_t *source; /* [columns] their places in the table */
    double *x;       /* [rows_local][columns] */
};

static void matrix_clear(struct matrix *matrix)
{
    fit_table_clear(&matrix->in);
    free(matrix->source);
    free(matrix->x);
}

static struct table_column *matrix_column(const struct matrix *matrix, int64_t j)
{
    return &matrix->in.table->column[matrix->source[j]];
}

/* The columns asked for, or all that are numbers. */
static enum status choose_columns(const struct options *opt, struct matrix *matrix)
{
    const struct table *table = matrix->in.table;
    enum status status = memory_new(&matrix->source, table->columns, sizeof *matrix->source);
    if (status != OK) return status;
    for (int64_t j = 0; j < opt->names_count; j++)
        matrix->source[j] = table_find(table, opt->names[j]);
    matrix->columns = opt->names_count;
    if (matrix->columns == 0) matrix->columns = fit_table_numbers(&matrix->in, -1, matrix->source);
    if (matrix->columns == 0)
        return FAIL(ERR_DATA, "%s has no column of numbers; k-means needs one at least",
                    matrix->in.path);
    return OK;
}

static enum status check_columns(const struct matrix *matrix)
{
    for (int64_t j = 0; j < matrix->columns; j++) {
        int64_t at = matrix->source[j], missing = matrix->in.missing[at];
        if (matrix_column(matrix, j)->type != COLUMN_NUMBER)
            return fit_table_refuse_text(&matrix->in, at,
                                         "k-means needs numbers: leave it out of --columns");
        if (missing > 0)
            return FAIL(ERR_DATA,
                        "%s: column \"%s\" has %" PRId64 " missing values; fill them, remove "
                        "those rows, or name other columns by --columns",
                        matrix->in.path, matrix_column(matrix, j)->name, missing);
    }
    return OK;
}

static enum status fill_matrix(struct matrix *matrix)
{
    int64_t rows = matrix->blocks->rows_local, columns = matrix->columns;
    enum status status = memory_new(&matrix->x, rows * columns, sizeof *matrix->x);
    if (status != OK) return status;
    for (int64_t j = 0; j < columns; j++) {
        struct table_column *column = matrix_column(matrix, j);
        for (int64_t i = 0; i < rows; i++) matrix->x[i * columns + j] = column->number[i];
        free(column->number);
        column->number = NULL;
    }
    return OK;
}

static enum status read_matrix(const struct comm *comm, const struct options *opt, const char *path,
                               struct matrix *matrix)
{
    enum status status = OK;
    const char *const *names = (const char *const *)opt->names;
    TRY(fit_table_read(comm, path, names, opt->names_count, &matrix->in));
    matrix->blocks = &matrix->in.table->blocks;
    TRY_ALL(comm, choose_columns(opt, matrix));
    TRY_ALL(comm, check_columns(matrix));
    TRY_ALL(comm, fill_matrix(matrix));
done:
    return status;
}

/* ---- units ---- */

/* z = (x / unit - mean) / divisor: columns about 0, in deviations, or all in one unit. A constant
 * column has divisor 0 under --standardize and becomes 0. */
struct scaling {
    double *unit, *mean, *divisor; /* [columns]; unit is a power of two and costs no bits */
    double whole; /* the unit of z in that of the file, a power of two; 1 under --standardize */
};

static void scaling_clear(struct scaling *scaling)
{
    free(scaling->unit);
    free(scaling->mean);
    free(scaling->divisor);
}

static enum status scaling_alloc(struct scaling *scaling, int64_t columns)
{
    enum status status = OK;
    TRY(memory_new(&scaling->unit, columns, sizeof *scaling->unit));
    TRY(memory_new(&scaling->mean, columns, sizeof *scaling->mean));
    TRY(memory_new(&scaling->divisor, columns, sizeof *scaling->divisor));
done:
    return status;
}

static void to_units(const struct scaling *scaling, double *x, int64_t rows, int64_t columns)
{
    for (int64_t i = 0; i < rows * columns; i++) x[i] /= scaling->unit[i % columns];
}

/* From units to those of the fit. */
static void centre(const struct scaling *scaling, double *x, int64_t rows, int64_t columns)
{
    for (int64_t i = 0; i < rows * columns; i++) {
        int64_t j = i % columns;
        double centred = x[i] - scaling->mean[j];
        x[i] = scaling->divisor[j] > 0.0 ? centred / scaling->divisor[j] : 0.0;
    }
}

static double scaling_undo(const struct scaling *scaling, int64_t j, double z)
{
    return (z * scaling->divisor[j] + scaling->mean[j]) * scaling->unit[j];
}

static void measure_units(const struct comm *comm, const struct matrix *matrix, double *unit)
{
    int64_t columns = matrix->columns, cells = matrix->blocks->rows_local * columns;
    for (int64_t i = 0; i < cells; i++)
        unit[i % columns] = fmax(unit[i % columns], fabs(matrix->x[i]));
    comm_max_double(comm, unit, columns);
    for (int64_t j = 0; j < columns; j++) unit[j] = kmeans_unit_of(unit[j]);
}

/* sd in units in: divisor; out: the deviations stay, or become one unit for all columns. */
static void choose_divisors(const struct options *opt, const struct matrix *matrix,
                            struct scaling *scaling)
{
    double whole = 0.0, sum = 0.0, most = 0.0;
    for (int64_t j = 0; j < matrix->columns; j++) whole = fmax(whole, scaling->unit[j]);
    scaling->whole = opt->standardize ? 1.0 : whole;
    int64_t first = 0; /* the column of the greatest variance */
    for (int64_t j = 0; j < matrix->columns; j++) {
        double ratio = fmin(whole / scaling->unit[j], 0x1p1000);
        double variance = pow(scaling->divisor[j] / ratio, 2.0);
        sum += variance;
        if (variance > most) first = j;
        most = fmax(most, variance);
        if (!opt->standardize)
            scaling->divisor[j] = ratio;
        else if (scaling->divisor[j] == 0.0)
            log_warning("column \"%s\" is constant and decides nothing",
                        matrix_column(matrix, j)->name);
    }
    if (!opt->standardize && matrix->columns > 1 && most > DOMINANT_SHARE * sum)
        log_warning("column \"%s\" has %.4g %% of all variance and decides nearly alone; "
                    "--standardize gives every column the same say",
                    matrix_column(matrix, first)->name, 100.0 * most / sum);
}

/* Measure the columns and bring matrix->x to the units of the fit. */
static enum status scale(const struct comm *comm, const struct options *opt, struct matrix *matrix,
                         struct scaling *scaling)
{
    enum status status = OK;
    int64_t columns = matrix->columns, rows = matrix->blocks->rows_local;
    TRY_ALL(comm, scaling_alloc(scaling, columns));
    measure_units(comm, matrix, scaling->unit);
    to_units(scaling, matrix->x, rows, columns);
    TRY(standardise_measure(comm, matrix->blocks, matrix->x, columns, scaling->mean,
                            scaling->divisor));
    choose_divisors(opt, matrix, scaling);
    centre(scaling, matrix->x, rows, columns);
done:
    return status;
}

/* ---- the fit ---- */

/* The start from a file, on every rank, in the units of the fit. init out: new, [k][columns] */
static enum status read_init(const struct comm *comm, struct options *opt,
                             const struct matrix *like, const struct scaling *scaling,
                             double **init)
{
    enum status status = OK;
    struct matrix start = {0};
    struct options columns = {.names_count = like->columns};
    void *all = NULL;
    int64_t bytes = 0;
    TRY_ALL(comm, memory_new(&columns.names, like->columns, sizeof *columns.names));
    for (int64_t j = 0; j < like->columns; j++) columns.names[j] = matrix_column(like, j)->name;
    TRY(read_matrix(comm, &columns, opt->init_file, &start));
    int64_t rows = start.blocks->rows_total, mine = start.blocks->rows_local;
    if (opt->fit.k == 0) opt->fit.k = rows;
    if (rows != opt->fit.k)
        TRY(FAIL(ERR_DATA, "%s has %" PRId64 " rows for --k %" PRId64 " clusters; give one each",
                 opt->init_file, rows, opt->fit.k));
    TRY(comm_gather_all(comm, start.x, mine * like->columns * (int64_t)sizeof *start.x, &all,
                        &bytes));
    *init = all;
    to_units(scaling, *init, rows, like->columns);
    centre(scaling, *init, rows, like->columns);
done:
    matrix_clear(&start);
    free(columns.names);
    return status;
}

static enum status round_rows(const struct matrix *matrix, float **x)
{
    int64_t cells = matrix->blocks->rows_local * matrix->columns;
    enum status status = memory_new(x, cells, sizeof **x);
    for (int64_t i = 0; status == OK && i < cells; i++) (*x)[i] = (float)matrix->x[i];
    return status;
}

/* Fit in float32, then take inertia and centroids to double precision. */
static enum status fit(const struct comm *comm, const struct options *opt,
                       const struct matrix *matrix, struct kmeans_model **model)
{
    enum status status = OK;
    const struct blocks *blocks = matrix->blocks;
    float *x = NULL;
    int32_t *labels = NULL;
    TRY_ALL(comm, round_rows(matrix, &x));
    TRY_ALL(comm, memory_new(&labels, blocks->rows_local, sizeof *labels));
    struct rows rows = {blocks, matrix->columns, matrix->columns, x};
    TRY(fit_table_blame(&matrix->in, kmeans_fit(comm, &rows, &opt->fit, model)));
    TRY_ALL(comm, kmeans_apply(*model, &rows, labels, NULL));
    TRY(kmeans_refine(comm, blocks, matrix->x, labels, *model));
done:
    free(x);
    free(labels);
    return status;
}

/* ---- the result ---- */

static void warn(const struct matrix *matrix, const struct kmeans_model *model)
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

/* The inertia in the units of the file. */
static enum status undo_inertia(const struct matrix *matrix, const struct scaling *scaling,
                                struct kmeans_model *model)
{
    model->inertia *= scaling->whole * scaling->whole;
    if (isfinite(model->inertia)) return OK;
    return FAIL(ERR_NUMERIC,
                "%s: the squares of values up to %g are beyond double precision; give the column "
                "in a larger unit, or fit with --standardize",
                matrix->in.path, scaling->whole);
}

static json_t *centroids_json(const struct kmeans_model *model, const struct scaling *scaling)
{
    json_t *centroids = json_array();
    for (int64_t c = 0; c < model->k; c++) {
        json_t *centroid = json_array();
        for (int64_t j = 0; j < model->columns; j++) {
            double value = scaling_undo(scaling, j, model->centroids[c * model->columns + j]);
            json_array_append_new(centroid, json_real(value));
        }
        json_array_append_new(centroids, centroid);
    }
    return centroids;
}

static json_t *result_json(const struct matrix *matrix, const struct scaling *scaling,
                           const struct kmeans_model *model)
{
    json_t *columns = json_array(), *sizes = json_array();
    for (int64_t j = 0; j < matrix->columns; j++)
        json_array_append_new(columns, json_string(matrix_column(matrix, j)->name));
    for (int64_t c = 0; c < model->k; c++)
        json_array_append_new(sizes, json_integer(model->sizes[c]));
    return json_pack("{s:I, s:o, s:I, s:f, s:I, s:b, s:o, s:o}", "rows",
                     (json_int_t)matrix->blocks->rows_total, "columns", columns, "k",
                     (json_int_t)model->k, "inertia", model->inertia, "iterations",
                     (json_int_t)model->iterations, "converged", model->converged, "centroids",
                     centroids_json(model, scaling), "sizes", sizes);
}

static enum status print_result(const struct matrix *matrix, const struct scaling *scaling,
                                const struct kmeans_model *model)
{
    json_t *result = result_json(matrix, scaling, model);
    if (result == NULL) return FAIL(ERR_MEMORY, "no memory for the result");
    size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(17);
    bool written =
        json_dumpf(result, stdout, flags) == 0 && fputc('\n', stdout) != EOF && fflush(stdout) == 0;
    json_decref(result);
    return written ? OK : FAIL(ERR_WRITE, "cannot write the result to stdout: %m");
}

static enum status fit_kmeans_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct options *opt = options;
    struct matrix matrix = {0};
    struct scaling scaling = {0};
    struct kmeans_model *model = NULL;
    double *init = NULL;
    TRY(read_matrix(comm, opt, opt->file, &matrix));
    TRY(scale(comm, opt, &matrix, &scaling));
    if (opt->init_file != NULL) TRY(read_init(comm, opt, &matrix, &scaling, &init));
    opt->fit.init = init;
    TRY(fit(comm, opt, &matrix, &model));
    TRY(undo_inertia(&matrix, &scaling, model));
    warn(&matrix, model);
    TRY_ALL(comm, comm->rank == 0 ? print_result(&matrix, &scaling, model) : OK);
done:
    kmeans_free(&model);
    matrix_clear(&matrix);
    scaling_clear(&scaling);
    free(init);
    return status;
}

const struct command command_fit_kmeans = {.name = "kmeans",
                                           .summary = "k centroids near to all rows (k-means)",
                                           .alone = false,
                                           .parse = fit_kmeans_parse,
                                           .run = fit_kmeans_run,
                                           .free = fit_kmeans_free};
