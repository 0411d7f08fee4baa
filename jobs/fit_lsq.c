/* `remise fit lsq FILE --formula F`: a linear model of one table. */
#include "jobs/command.h"
#include "jobs/fit_table.h"

#include "algorithms/least_squares.h"
#include "jobs/formula_design.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <argp.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CONDITION_WARNING 1e6 /* above it coefficients keep fewer than four digits */

struct options {
    const char *file;
    const char *text;
    struct formula *formula;
};

/* ---- the command line ---- */

static const char doc[] =
    "Fit a linear model to the rows of a CSV table by least squares and print it as JSON on "
    "stdout: "
    "rows, coefficients (term, estimate, std_error, t), r_squared, condition.\v"
    "A formula reads outcome ~ terms:\n"
    "  a + b        both columns\n"
    "  a:b          their product\n"
    "  a * b        a + b + a:b, and likewise for more\n"
    "  log(a)       also exp, sqrt, abs, min, max; other arithmetic inside I(a / b)\n"
    "  - 1          no intercept\n"
    "  | a + b      effects of the values of a and of b, absorbed and not printed\n"
    "A text column stands for its levels, compared with the first in sorted order; names with "
    "spaces or "
    "signs go in `backticks`. Rows with a missing value in a column of the formula are left out "
    "and counted. "
    "A term that earlier ones explain is dropped: its estimate is null, and the log says so. The "
    "condition "
    "is that of the columns centred and scaled: above a million, few digits of the coefficients "
    "mean "
    "anything. Standard errors assume independent errors of one variance. The bytes are the same "
    "at any "
    "number of ranks.\n\n"
    "Examples:\n"
    "  remise fit lsq oj.csv --formula 'log(sales) ~ log(price) * brand'\n"
    "  mpirun -n 4 remise fit lsq weeks.csv.gz -f 'log(units) ~ log(price):category | product + "
    "week'\n";

static const struct argp_option option_list[] = {
    {"formula", 'f', "F", 0, "What explains what, such as 'log(sales) ~ log(price) * brand'", 0},
    {0}};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *opt = state->input;
    switch (key) {
    case 'f':
        opt->text = text;
        break;
    case ARGP_KEY_ARG:
        if (opt->file != NULL) argp_error(state, "one table at a time: %s and %s", opt->file, text);
        opt->file = text;
        break;
    case ARGP_KEY_END:
        if (opt->file == NULL) argp_error(state, "name a table: a CSV file, plain or .gz");
        if (opt->text == NULL) argp_error(state, "say what explains what: --formula 'y ~ x'");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void fit_lsq_free(void *options)
{
    struct options *opt = options;
    if (opt == NULL) return;
    formula_free(&opt->formula);
    free(opt);
}

static enum status fit_lsq_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {
        .options = option_list, .parser = parse_option, .args_doc = "FILE", .doc = doc};
    enum status status = OK;
    struct options *opt = NULL;
    TRY(memory_new(&opt, 1, sizeof *opt));
    argp_parse(&argp, argc, argv, 0, NULL, opt);
    TRY(formula_parse(opt->text, &opt->formula));
    *options = opt;
    opt = NULL;
done:
    fit_lsq_free(opt);
    return status;
}

/* ---- what is said about the fit ---- */

static void warn(const struct formula_design *made, const struct least_squares *fit)
{
    for (int64_t i = 0; i < made->reported; i++)
        if (fit->dropped[made->parameter[i]])
            log_warning("%s is explained by the terms before it and was dropped", made->term[i]);
    if (fit->condition > CONDITION_WARNING)
        log_warning("the columns are nearly dependent (condition %.3g): estimates may have few "
                    "right digits; "
                    "leave out a term that others explain",
                    fit->condition);
    if (fit->freedom < 1)
        log_warning(
            "%lld rows for %lld coefficients: no degree of freedom is left for standard errors",
            (long long)fit->rows, (long long)fit->rank);
}

static json_t *number_json(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *coefficient_json(const struct formula_design *made, const struct least_squares *fit,
                                int64_t i)
{
    int64_t at = made->parameter[i];
    double estimate = fit->dropped[at] ? NAN : fit->coefficient[at], error = fit->std_error[at];
    return json_pack("{s:s, s:o, s:o, s:o}", "term", made->term[i], "estimate",
                     number_json(estimate), "std_error", number_json(error), "t",
                     number_json(estimate / error));
}

static json_t *result_json(const struct formula_design *made, const struct least_squares *fit)
{
    json_t *coefficients = json_array();
    for (int64_t i = 0; i < made->reported; i++)
        json_array_append_new(coefficients, coefficient_json(made, fit, i));
    return json_pack("{s:I, s:o, s:o, s:o}", "rows", (json_int_t)fit->rows, "coefficients",
                     coefficients, "r_squared", number_json(fit->r_squared), "condition",
                     number_json(fit->condition));
}

static enum status print_result(const struct formula_design *made, const struct least_squares *fit)
{
    json_t *result = result_json(made, fit);
    if (result == NULL)
        return FAIL(ERR_MEMORY, "no memory for the result, or a name in it is not UTF-8");
    bool written = json_dumpf(result, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) == 0 &&
                   fputc('\n', stdout) != EOF && fflush(stdout) == 0;
    json_decref(result);
    return written ? OK : FAIL(ERR_WRITE, "cannot write the result to stdout: %m");
}

static enum status fit_lsq_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct options *opt = options;
    struct fit_table in = {0};
    struct formula_design *made = NULL;
    struct least_squares *fit = NULL;
    struct least_squares_options least = LEAST_SQUARES_DEFAULTS;
    TRY(fit_table_read(comm, opt->file, (const char *const *)opt->formula->name,
                       opt->formula->names, &in));
    struct fit_columns all = {NULL, in.table->columns};
    for (int64_t j = 0; j < in.table->columns; j++)
        if (in.missing[j] == in.table->blocks.rows_total)
            TRY(fit_table_tell_left_out(&in, all, in.missing[j]));
    TRY(fit_table_blame(&in, formula_design_make(comm, opt->formula, in.table, &made)));
    TRY(fit_table_tell_left_out(&in, all, made->left_out));
    table_free(&in.table);
    least.all_errors = false;
    least.wanted = made->parameter;
    least.wanted_count = made->reported;
    TRY(fit_table_blame(&in, least_squares_fit(comm, &made->design, &least, &fit)));
    warn(made, fit);
    TRY_ALL(comm, comm->rank == 0 ? print_result(made, fit) : OK);
done:
    least_squares_free(&fit);
    formula_design_free(&made);
    fit_table_clear(&in);
    return status;
}

const struct command command_fit_lsq = {.name = "lsq",
                                        .summary =
                                            "a linear model by least squares, from a formula",
                                        .alone = false,
                                        .parse = fit_lsq_parse,
                                        .run = fit_lsq_run,
                                        .free = fit_lsq_free};
