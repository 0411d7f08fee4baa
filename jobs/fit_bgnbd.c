/* `remise fit bgnbd FILE`: who is still a customer, and how often they will buy. */
#include "jobs/command.h"
#include "jobs/fit_print.h"
#include "jobs/fit_table.h"
#include "jobs/model_bgnbd.h"

#include "mpi/exact.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>

struct options {
    const char *file;
    const char *out_file, *model_file;      /* NULL: none */
    const char *names[MODEL_BGNBD_COLUMNS]; /* frequency, recency, age; NULL: the usual ones */
    double horizon;                         /* NaN: none */
};

/* ---- the command line ---- */

enum { KEY_FREQUENCY = 'f', KEY_RECENCY = 'r', KEY_AGE = 'a', KEY_OUT = 'o' };
enum { KEY_MODEL = 256, KEY_HORIZON };

static const char doc[] =
    "Fit the BG/NBD model of repeat purchases to a CSV table of customers by maximum likelihood "
    "and print it as JSON on stdout: rows, distinct, r, alpha, a, b, log_likelihood, iterations, "
    "converged; with --horizon also expected_purchases of all customers together.\v"
    "A row is a customer. The frequency is the number of purchases after the first; days on which "
    "one bought count better than receipts. The recency is the time from the first purchase to the "
    "last, 0 without a repeat purchase; the age is the time from the first purchase to now. Both "
    "are in one unit of time, which is that of alpha and of the horizon, too. Customers who never "
    "came back belong into the table; rows with a missing value are left out and counted.\n\n"
    "--out writes for each row the chance that the customer is still one (p_alive) and the "
    "purchases to expect within the horizon (expected_purchases). --model saves the model for "
    "`remise apply`. The bytes are the same at any number of ranks.\n\n"
    "Example:\n"
    "  remise fit bgnbd cdnow.csv --frequency orders --age weeks --horizon 39 --out next.csv\n";

static const struct argp_option option_list[] = {
    {"frequency", KEY_FREQUENCY, "COLUMN", 0, "Number of repeat purchases (frequency or x)", 0},
    {"recency", KEY_RECENCY, "COLUMN", 0,
     "Time from the first to the last purchase (recency or t_x)", 0},
    {"age", KEY_AGE, "COLUMN", 0, "Time from the first purchase to now (age or T)", 0},
    {"horizon", KEY_HORIZON, "H", 0, "Expect purchases within so much time from now", 0},
    {"out", KEY_OUT, "CSV", 0, "What is expected of each row, in the order of the rows", 0},
    {"model", KEY_MODEL, "FILE", 0, "Save the model, for remise apply", 0},
    {0}};

static double parse_horizon(const char *text, struct argp_state *state)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value > 0.0) || !isfinite(value))
        argp_error(state, "--horizon %s: give a time above 0, in the unit of the age", text);
    return value;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *opt = state->input;
    switch (key) {
    case KEY_FREQUENCY:
        opt->names[0] = text;
        break;
    case KEY_RECENCY:
        opt->names[1] = text;
        break;
    case KEY_AGE:
        opt->names[2] = text;
        break;
    case KEY_HORIZON:
        opt->horizon = parse_horizon(text, state);
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
        if (opt->file == NULL) argp_error(state, "name a table: a CSV file, plain or .gz");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static enum status fit_bgnbd_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {
        .options = option_list, .parser = parse_option, .args_doc = "FILE", .doc = doc};
    struct options *opt = NULL;
    enum status status = memory_new(&opt, 1, sizeof *opt);
    if (status != OK) return status;
    *opt = (struct options){.horizon = NAN};
    argp_parse(&argp, argc, argv, 0, NULL, opt);
    *options = opt;
    return OK;
}

/* ---- the fit ---- */

static const char *const usual[MODEL_BGNBD_COLUMNS][FIT_USUAL_NAMES] = {
    {"frequency", "x"}, {"recency", "t_x"}, {"age", "T"}};

static enum status fit(const struct comm *comm, const struct model_rows *rows,
                       struct bgnbd_model *model)
{
    enum status status = OK;
    const struct bgnbd_options defaults = BGNBD_DEFAULTS;
    struct bgnbd_customer *customer = NULL;
    int64_t customers = 0;
    TRY_ALL(comm, model_bgnbd_customers(rows, &customer, &customers));
    TRY(fit_table_blame(rows->table, bgnbd_fit(comm, customer, customers, &defaults, model)));
    if (!model->converged)
        log_warning("%s: the likelihood has no peak that could be found; r, alpha, a and b are the "
                    "best of what was tried, not to be relied on",
                    rows->table->path);
    else if (bgnbd_extreme(model) != NULL)
        log_warning("%s: the likelihood peaks at the end of the scale: %s", rows->table->path,
                    bgnbd_extreme(model));
done:
    free(customer);
    return status;
}

/* ---- the result ---- */

/* Purchases expected of all usable rows; exact sums, so the same at any number of ranks. */
static enum status add_up(const struct comm *comm, const struct applied *applied, double *total)
{
    enum status status = OK;
    struct exact_sums sums = {0};
    const struct applied_column *column = &applied->column[applied->columns - 1];
    TRY_ALL(comm, exact_init(&sums, 1));
    for (int64_t i = 0; i < applied->blocks->rows_local; i++)
        if (!isnan(column->x[i])) exact_add_one(&sums, 0, column->x[i]);
    TRY(exact_reduce(comm, &sums));
    *total = exact_get(&sums, 0);
done:
    exact_clear(&sums);
    return status;
}

static json_t *result_json(const struct model_bgnbd *m, double expected)
{
    json_t *result = json_pack(
        "{s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:I, s:b}", "rows", (json_int_t)m->model.customers,
        "distinct", (json_int_t)m->model.distinct, "r", m->model.r, "alpha", m->model.alpha, "a",
        m->model.a, "b", m->model.b, "log_likelihood", m->model.log_likelihood, "iterations",
        (json_int_t)m->model.iterations, "converged", m->model.converged);
    if (result == NULL || isnan(m->horizon)) return result;
    json_object_set_new(result, "horizon", json_real(m->horizon));
    json_object_set_new(result, "expected_purchases", fit_number(expected));
    return result;
}

static enum status fit_bgnbd_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct options *opt = options;
    struct fit_table table = {0};
    struct model_rows rows = {0};
    struct model_bgnbd model = {.horizon = opt->horizon};
    struct applied applied = {0};
    double expected = NAN;
    TRY(fit_table_usual_names(comm, opt->file, usual, MODEL_BGNBD_COLUMNS, opt->names));
    TRY(fit_table_read(comm, opt->file, opt->names, MODEL_BGNBD_COLUMNS, &table));
    TRY(model_rows_take(comm, &table, opt->names, MODEL_BGNBD_COLUMNS, false, &rows));
    TRY(model_rows_tell(comm, &rows));
    TRY(fit(comm, &rows, &model.model));
    if (opt->model_file != NULL) TRY(model_bgnbd_write(comm, opt->model_file, opt->names, &model));
    applied.blocks = rows.blocks;
    if (opt->out_file != NULL || !isnan(opt->horizon))
        TRY(model_bgnbd_apply(comm, &model, &rows, &applied));
    if (opt->out_file != NULL) TRY(applied_write(comm, &applied, opt->out_file));
    if (!isnan(opt->horizon)) TRY(add_up(comm, &applied, &expected));
    TRY_ALL(comm, comm->rank == 0 ? fit_print(result_json(&model, expected)) : OK);
done:
    applied_clear(&applied);
    model_rows_clear(&rows);
    fit_table_clear(&table);
    return status;
}

const struct command command_fit_bgnbd = {.name = "bgnbd",
                                          .summary = "repeat purchases and who still is a "
                                                     "customer (BG/NBD)",
                                          .alone = false,
                                          .parse = fit_bgnbd_parse,
                                          .run = fit_bgnbd_run,
                                          .free = free};
