/* `remise fit lsq FILE --formula F`: a linear model of one table. */
#include "jobs/command.h"
#include "jobs/fit_linear.h"
#include "jobs/fit_print.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

/* ---- the command line ---- */

static const char doc[] =
    "Fit a linear model to the rows of a CSV table by least squares and print it as JSON on "
    "stdout: rows, coefficients (term, estimate, std_error, t), r_squared, condition, "
    "degrees_of_freedom, errors, solver (path, why, absorbed).\v" FIT_LINEAR_FORMULA_HELP
    "The condition is that of the columns centred and scaled: above a million, few digits of the "
    "coefficients mean anything.\n\n" FIT_LINEAR_ERRORS_HELP
    "--ridge L draws coefficients towards 0, as scikit-learn's Ridge(alpha=L): nothing is dropped, "
    "and nothing has standard errors. Columns are taken as they are: bring them to like units "
    "first.\n\nExamples:\n"
    "  remise fit lsq oj.csv --formula 'log(sales) ~ log(price) * brand'\n"
    "  remise fit lsq weeks.csv --cluster store \\\n"
    "    -f 'log(sales) ~ log(price) * (feat == 1) | store + week'\n"
    "  mpirun -n 4 remise fit lsq weeks.csv.gz --weights stores --robust \\\n"
    "    -f 'log(units) ~ log(price):category | product + week'\n";

static enum status fit_lsq_parse(int argc, char **argv, void **options)
{
    return fit_linear_parse(argc, argv, doc, false, options);
}

/* ---- the fit ---- */

static json_t *result_json(const struct fit_linear *opt, const struct formula_design *made,
                           const struct least_squares *fit)
{
    json_t *coefficients = json_array();
    for (int64_t i = 0; i < made->reported; i++) {
        int64_t at = made->parameter[i];
        double estimate = fit->dropped[at] ? NAN : fit->coefficient[at];
        json_array_append_new(coefficients,
                              fit_linear_coefficient(made->term[i], estimate, fit->std_error[at]));
    }
    return json_pack("{s:I, s:o, s:o, s:o, s:I, s:o, s:o}", "rows", (json_int_t)fit->rows,
                     "coefficients", coefficients, "r_squared", fit_number(fit->r_squared),
                     "condition", fit_number(fit->condition), "degrees_of_freedom",
                     (json_int_t)fit->freedom, "errors", fit_linear_errors(opt, fit), "solver",
                     fit_linear_solver(fit));
}

static enum status fit_lsq_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct fit_linear *opt = options;
    struct fit_table in = {0};
    struct formula_design *made = NULL;
    struct least_squares *fit = NULL;
    struct least_squares_options least = LEAST_SQUARES_DEFAULTS;
    TRY(fit_linear_read(comm, opt, &in, &made));
    table_free(&in.table);
    least.all_errors = false;
    least.wanted = made->parameter;
    least.wanted_count = made->reported;
    fit_linear_set_errors(opt, made, &least);
    TRY(fit_table_blame(&in, least_squares_fit(comm, &made->design, &least, &fit)));
    TRY(fit_linear_warn(comm, opt, made, fit));
    TRY_ALL(comm, comm->rank == 0 ? fit_print(result_json(opt, made, fit)) : OK);
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
                                        .free = fit_linear_free};
