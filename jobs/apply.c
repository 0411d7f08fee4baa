/* `remise apply MODEL FILE`: what a saved model says of the rows of a table. */
#include "jobs/command.h"
#include "jobs/models.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct options {
    const char *model_file, *file;
    const char *out_file; /* NULL: stdout */
    char **names;         /* [names_count] columns to read instead of the model's; none: those */
    int64_t names_count;
    double horizon; /* NaN: the model's */
};

/* ---- the command line ---- */

enum { KEY_COLUMNS = 'c', KEY_OUT = 'o', KEY_HORIZON = 256 };

static const char doc[] =
    "Bring a model that `remise fit ... --model MODEL` saved to the rows of a CSV table, and write "
    "what it says of each as CSV, one line for each row in their order.\v"
    "The table needs the columns of the fit under the same names, or others named by --columns in "
    "the order of the fit. A row that lacks a value gets empty fields and is counted "
    "(but trees take missing values). The bytes "
    "are the same at any number of ranks.\n\n"
    "  als           predicted: the rating, or with --implicit the fit, of each pair; a user or "
    "item "
    "that the fit did not see has no share in a rating, and no fit\n"
    "  bgnbd         p_alive, expected_purchases within the horizon\n"
    "  forest, tree  predicted; or class, share, and the share p_... of each of up to 16 classes\n"
    "  gamma-gamma   expected_spend of a purchase\n"
    "  gmm           component and its responsibility, as many as --keep said; log_density\n"
    "  kmeans        segment, counted from 0, and distance\n"
    "  network       of fit mlp, cnn, gru, lstm, tower: predicted, in the target's units; or the "
    "chance p_... of the outcome that counts as 1\n\n"
    "Examples:\n"
    "  remise fit kmeans users.csv --columns age,spend --k 5 --standardize --model five.h5\n"
    "  remise apply five.h5 others.csv --out segments.csv\n"
    "  remise apply buyers.h5 customers.csv --horizon 90\n";

static const struct argp_option option_list[] = {
    {"columns", KEY_COLUMNS, "A,B,C", 0, "Columns of the table (those of the fit)", 0},
    {"horizon", KEY_HORIZON, "H", 0, "How far a bgnbd model looks ahead (as saved)", 0},
    {"out", KEY_OUT, "CSV", 0, "Write to this file (stdout)", 0},
    {0}};

static double parse_horizon(const char *text, struct argp_state *state)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value > 0.0) || !isfinite(value))
        argp_error(state, "--horizon %s: give a time above 0, in the unit of the fit", text);
    return value;
}

static void take_argument(struct options *opt, const char *text, struct argp_state *state)
{
    if (opt->model_file == NULL)
        opt->model_file = text;
    else if (opt->file == NULL)
        opt->file = text;
    else
        argp_error(state, "one table at a time: %s and %s", opt->file, text);
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
    case KEY_HORIZON:
        opt->horizon = parse_horizon(text, state);
        break;
    case KEY_OUT:
        opt->out_file = text;
        break;
    case ARGP_KEY_ARG:
        take_argument(opt, text, state);
        break;
    case ARGP_KEY_END:
        if (opt->file == NULL)
            argp_error(state, "name a model and a table: the file that `remise fit ... --model` "
                              "wrote, and a CSV file, plain or .gz");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static enum status apply_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {
        .options = option_list, .parser = parse_option, .args_doc = "MODEL FILE", .doc = doc};
    struct options *opt = NULL;
    enum status status = memory_new(&opt, 1, sizeof *opt);
    if (status != OK) return status;
    opt->horizon = NAN;
    argp_parse(&argp, argc, argv, 0, NULL, opt);
    *options = opt;
    return OK;
}

static void apply_free(void *options)
{
    struct options *opt = options;
    free(opt->names);
    free(opt);
}

/* ---- the model ---- */

struct saved {
    const struct model_kind *kind;
    void *model;
    struct dictionary columns;
};

static void saved_clear(struct saved *saved)
{
    if (saved->model != NULL) saved->kind->free(saved->model);
    dictionary_clear(&saved->columns);
}

static enum status find_kind(const char *path, const char *name, const struct model_kind **kind)
{
    if (*name == '\0')
        return FAIL(ERR_DATA, "%s is not a saved model; `remise fit ... --model` makes one", path);
    return model_kind_find(name, kind);
}

static enum status read_saved(const struct comm *comm, const char *path, struct saved *saved)
{
    enum status status = OK;
    struct store *store = NULL;
    char *name = NULL;
    TRY(store_open(comm, path, &store));
    TRY(store_read_note(comm, store, "kind", &name));
    TRY_ALL(comm, find_kind(path, name, &saved->kind));
    TRY(store_read_dictionary(comm, store, "columns", &saved->columns));
    TRY(saved->kind->read(comm, store, &saved->model));
done:
    store_close(comm, &store);
    free(name);
    return status;
}

/* The columns to read: those asked for, or those of the fit. */
static enum status choose_names(const struct options *opt, const struct saved *saved,
                                const char ***names)
{
    enum status status = OK;
    int64_t columns = saved->columns.count;
    *names = NULL;
    if (opt->names_count > 0 && opt->names_count != columns)
        TRY(FAIL(ERR_USAGE, "--columns names %lld columns; %s takes %lld, first \"%s\"",
                 (long long)opt->names_count, opt->model_file, (long long)columns,
                 dictionary_text(&saved->columns, 0)));
    TRY(memory_new(names, columns, sizeof **names));
    for (int64_t j = 0; j < columns; j++)
        (*names)[j] = opt->names_count > 0 ? opt->names[j] : dictionary_text(&saved->columns, j);
done:
    return status;
}

static enum status apply_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct options *opt = options;
    struct saved saved = {0};
    struct fit_table table = {0};
    struct model_rows rows = {0};
    struct applied applied = {0};
    const char **names = NULL;
    TRY(read_saved(comm, opt->model_file, &saved));
    TRY_ALL(comm, choose_names(opt, &saved, &names));
    int64_t columns = saved.columns.count;
    TRY(fit_table_read_ids(comm, opt->file, names, columns, names, saved.kind->ids ? columns : 0,
                           &table));
    TRY(model_rows_take(comm, &table, names, columns, saved.kind->texts, &rows));
    rows.horizon = opt->horizon;
    if (saved.kind->settle != NULL) saved.kind->settle(&rows);
    TRY(model_rows_tell(comm, &rows));
    applied.blocks = rows.blocks;
    TRY(saved.kind->apply(comm, saved.model, &rows, &applied));
    TRY(applied_write(comm, &applied, opt->out_file));
    log_info("%s: a %s model said of %lld rows", opt->model_file, saved.kind->name,
             (long long)rows.blocks->rows_total);
done:
    applied_clear(&applied);
    model_rows_clear(&rows);
    fit_table_clear(&table);
    saved_clear(&saved);
    free(names);
    return status;
}

const struct command command_apply = {.name = "apply",
                                      .summary = "a saved model on the rows of one table",
                                      .alone = false,
                                      .parse = apply_parse,
                                      .run = apply_run,
                                      .free = apply_free};
