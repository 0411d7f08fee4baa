/* `remise fit gamma-gamma FILE`: what customers will pay per purchase. */
#include "jobs/command.h"
#include "jobs/fit_print.h"
#include "jobs/fit_table.h"
#include "jobs/model_gamma_gamma.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>

struct options {
    const char *file;
    const char *out_file, *model_file;            /* NULL: none */
    const char *names[MODEL_GAMMA_GAMMA_COLUMNS]; /* frequency, spend; NULL: the usual ones */
};

/* ---- the command line ---- */

enum { KEY_FREQUENCY = 'f', KEY_SPEND = 's', KEY_OUT = 'o' };
enum { KEY_MODEL = 256 };

static const char doc[] =
    "Fit the Gamma-Gamma model of spend per purchase to a CSV table of customers by maximum "
    "likelihood and print it as JSON on stdout: rows, distinct, p, q, v, log_likelihood, "
    "mean_spend, iterations, converged.\v"
    "A row is a customer. The frequency is the number of repeat purchases, as for `remise fit "
    "bgnbd`; spend is their mean amount, in any currency. Customers without repeat purchases tell "
    "nothing of the parameters and are passed over; rows with a missing value are left out and "
    "counted. mean_spend is that of all customers the model knows of, v p / (q - 1); null where "
    "q <= 1. The model takes spend to be independent of frequency.\n\n"
    "--out writes for each row the mean spend to expect in future purchases (expected_spend); "
    "times expected_purchases of `remise fit bgnbd` it is what the customer will be worth. --model "
    "saves the model for `remise apply`. The bytes are the same at any number of ranks.\n\n"
    "Example:\n"
    "  remise fit gamma-gamma cdnow.csv --frequency orders --spend amount --out spend.csv\n";

static const struct argp_option option_list[] = {
    {"frequency", KEY_FREQUENCY, "COLUMN", 0, "Number of repeat purchases (frequency or x)", 0},
    {"spend", KEY_SPEND, "COLUMN", 0,
     "Mean amount of the repeat purchases (spend, zbar or monetary_value)", 0},
    {"out", KEY_OUT, "CSV", 0, "What is expected of each row, in the order of the rows", 0},
    {"model", KEY_MODEL, "FILE", 0, "Save the model, for remise apply", 0},
    {0}};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *opt = state->input;
    switch (key) {
    case KEY_FREQUENCY:
        opt->names[0] = text;
        break;
    case KEY_SPEND:
        opt->names[1] = text;
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

static enum status fit_gamma_gamma_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {
        .options = option_list, .parser = parse_option, .args_doc = "FILE", .doc = doc};
    struct options *opt = NULL;
    enum status status = memory_new(&opt, 1, sizeof *opt);
    if (status != OK) return status;
    argp_parse(&argp, argc, argv, 0, NULL, opt);
    *options = opt;
    return OK;
}

/* ---- the fit ---- */

static const char *const usual[MODEL_GAMMA_GAMMA_COLUMNS][FIT_USUAL_NAMES] = {
    {"frequency", "x"}, {"spend", "zbar", "monetary_value"}};

static enum status fit(const struct comm *comm, const struct model_rows *rows,
                       struct gamma_gamma_model *model)
{
    enum status status = OK;
    const struct gamma_gamma_options defaults = GAMMA_GAMMA_DEFAULTS;
    struct gamma_gamma_customer *customer = NULL;
    int64_t customers = 0;
    TRY_ALL(comm, model_gamma_gamma_customers(rows, &customer, &customers));
    TRY(fit_table_blame(rows->table, gamma_gamma_fit(comm, customer, customers, &defaults, model)));
    if (!model->converged)
        log_warning("%s: the likelihood has no peak that could be found; p, q and v are the best "
                    "of what was tried, not to be relied on",
                    rows->table->path);
    else if (gamma_gamma_extreme(model) != NULL)
        log_warning("%s: the likelihood peaks at the end of the scale: %s", rows->table->path,
                    gamma_gamma_extreme(model));
done:
    free(customer);
    return status;
}

static json_t *result_json(const struct gamma_gamma_model *m)
{
    const struct gamma_gamma_customer anyone = {0};
    return json_pack("{s:I, s:I, s:f, s:f, s:f, s:f, s:o, s:I, s:b}", "rows",
                     (json_int_t)m->customers, "distinct", (json_int_t)m->distinct, "p", m->p, "q",
                     m->q, "v", m->v, "log_likelihood", m->log_likelihood, "mean_spend",
                     fit_number(gamma_gamma_spend(m, &anyone)), "iterations",
                     (json_int_t)m->iterations, "converged", m->converged);
}

static enum status fit_gamma_gamma_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct options *opt = options;
    struct fit_table table = {0};
    struct model_rows rows = {0};
    struct gamma_gamma_model model = {0};
    struct applied applied = {0};
    TRY(fit_table_usual_names(comm, opt->file, usual, MODEL_GAMMA_GAMMA_COLUMNS, opt->names));
    TRY(fit_table_read(comm, opt->file, opt->names, MODEL_GAMMA_GAMMA_COLUMNS, &table));
    TRY(model_rows_take(comm, &table, opt->names, MODEL_GAMMA_GAMMA_COLUMNS, false, &rows));
    model_gamma_gamma_settle(&rows);
    TRY(model_rows_tell(comm, &rows));
    TRY(fit(comm, &rows, &model));
    if (opt->model_file != NULL)
        TRY(model_gamma_gamma_write(comm, opt->model_file, opt->names, &model));
    applied.blocks = rows.blocks;
    if (opt->out_file != NULL) {
        TRY(model_gamma_gamma_apply(comm, &model, &rows, &applied));
        TRY(applied_write(comm, &applied, opt->out_file));
    }
    TRY_ALL(comm, comm->rank == 0 ? fit_print(result_json(&model)) : OK);
done:
    applied_clear(&applied);
    model_rows_clear(&rows);
    fit_table_clear(&table);
    return status;
}

const struct command command_fit_gamma_gamma = {.name = "gamma-gamma",
                                                .summary = "spend per purchase (Gamma-Gamma)",
                                                .alone = false,
                                                .parse = fit_gamma_gamma_parse,
                                                .run = fit_gamma_gamma_run,
                                                .free = free};
