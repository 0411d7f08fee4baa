/* `remise fit iv FILE --formula F`: a linear model with instruments of one table. */
#include "jobs/command.h"
#include "jobs/fit_linear.h"
#include "jobs/fit_print.h"

#include "algorithms/instruments.h"
#include "algorithms/tails.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WEAK_F 10.0 /* Staiger and Stock 1997, Econometrica 65(3) */

enum { NAMES_BYTES = 512 };

/* ---- the command line ---- */

static const char doc[] =
    "Fit a linear model with instruments to the rows of a CSV table by two-stage least squares "
    "and print it as JSON on stdout: what `remise fit lsq` prints, first_stage (for each "
    "endogenous term f, degrees_of_freedom, p) and overidentification (test, statistic, "
    "degrees_of_freedom, p; null without instruments to spare).\v"
    "Did the price move for other reasons than what buyers wanted? Name the endogenous terms, and "
    "what explains them but not the outcome, in brackets:\n"
    "  y ~ x + [p ~ z1 + z2]          p is endogenous, its instruments z1 and z2\n"
    "  y ~ x + [p + q ~ z1 + z2] | s  both p and q are; effects of s are absorbed\n"
    "There must be as many instruments as endogenous columns, or more.\n\n" FIT_LINEAR_FORMULA_HELP
    "f is that of all instruments in the first stage, by the errors asked for (classically the "
    "partial F): below 10 instruments are weak and the estimates not to be trusted. The test of "
    "over-identification, chi-squared with as many degrees of freedom as there are instruments to "
    "spare, is Sargan's, or the score test that allows for what --robust or --cluster allow for: "
    "where its p is small some instrument explains the outcome by itself. r_squared is that of the "
    "residuals with the endogenous columns themselves; it may be "
    "negative.\n\n" FIT_LINEAR_ERRORS_HELP "Examples:\n"
    "  remise fit iv wages.csv --robust \\\n"
    "    -f 'log(wage) ~ exper + [educ ~ motheduc + fatheduc]'\n"
    "  mpirun -n 4 remise fit iv weeks.csv.gz --cluster store \\\n"
    "    -f 'log(units) ~ promo + [log(price) ~ log(cost)] | store + week'\n";

static enum status fit_iv_parse(int argc, char **argv, void **options)
{
    return fit_linear_parse(argc, argv, doc, true, options);
}

/* ---- roles ---- */

/* Role of each parameter of the design; *role new. */
static enum status list_roles(const struct formula_design *made, enum instruments_role **role)
{
    static const enum instruments_role roles[] = {[FORMULA_EXOGENOUS] = ROLE_EXOGENOUS,
                                                  [FORMULA_ENDOGENOUS] = ROLE_ENDOGENOUS,
                                                  [FORMULA_INSTRUMENT] = ROLE_INSTRUMENT};
    enum status status = memory_new(role, design_parameters(&made->design), sizeof **role);
    for (int64_t i = 0; status == OK && i < made->reported; i++)
        (*role)[made->parameter[i]] = roles[made->role[i]];
    return status;
}

static const char *name_of(const struct formula_design *made, int64_t parameter)
{
    int64_t i = 0;
    while (made->parameter[i] != parameter) i++;
    return made->term[i];
}

/* ---- what is said about the fit ---- */

static void append_name(char *names, const char *name)
{
    size_t length = strlen(names);
    snprintf(names + length, NAMES_BYTES - length, "%s%s", length > 0 ? ", " : "", name);
}

static bool is_constant(const struct formula_design *made, const bool *varies, int64_t parameter)
{
    int64_t column = parameter - (made->design.intercept ? 1 : 0);
    return column >= 0 && column < made->design.dense && !varies[column];
}

static enum status check_identified(const struct fit_linear *opt, const struct formula_design *made,
                                    const bool *varies, const struct instruments *fit)
{
    char names[NAMES_BYTES] = "";
    if (fit->identified) return OK;
    for (int64_t k = 0; k < fit->endogenous; k++)
        if (is_constant(made, varies, fit->parameter[k]))
            return FAIL(ERR_DATA,
                        "%s: the effect of %s is not identified: it is constant in the rows that "
                        "are used; leave it out",
                        opt->file, name_of(made, fit->parameter[k]));
    for (int64_t k = 0; k < fit->endogenous; k++)
        if (fit->unidentified[k]) append_name(names, name_of(made, fit->parameter[k]));
    return FAIL(ERR_DATA,
                "%s: the effect of %s is not identified: of the instruments, %lld say something "
                "that the other terms do not, for %lld endogenous columns, and none tells it from "
                "the rest; name instruments that move it otherwise",
                opt->file, names, (long long)fit->instruments, (long long)fit->endogenous);
}

static void warn_dropped(const struct formula_design *made, const bool *varies,
                         const struct instruments *fit)
{
    for (int64_t i = 0; i < made->reported; i++)
        if (made->role[i] == FORMULA_INSTRUMENT && fit->explained[made->parameter[i]])
            log_warning("instrument %s is %s and was dropped", made->term[i],
                        is_constant(made, varies, made->parameter[i])
                            ? "constant in the rows that are used"
                            : "explained by others and the exogenous terms");
}

static void warn_weak(const struct formula_design *made, const struct instruments *fit)
{
    for (int64_t k = 0; k < fit->endogenous; k++)
        if (fit->f[k] < WEAK_F)
            log_warning("the instruments are weak for %s (F %.3g, below 10): its estimate is "
                        "biased towards that of plain least squares, and its error too small",
                        name_of(made, fit->parameter[k]), fit->f[k]);
}

/* ---- JSON ---- */

static json_t *coefficients_json(const struct formula_design *made, const struct least_squares *fit)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < made->reported; i++) {
        int64_t at = made->parameter[i];
        if (made->role[i] == FORMULA_INSTRUMENT) continue;
        double estimate = fit->dropped[at] ? NAN : fit->coefficient[at];
        json_array_append_new(list,
                              fit_linear_coefficient(made->term[i], estimate, fit->std_error[at]));
    }
    return list;
}

static double first_stage_p(const struct instruments *fit, int64_t k)
{
    if (fit->instruments < 1 || fit->f_freedom < 1) return NAN;
    return tails_f(fit->f[k], (double)fit->instruments, (double)fit->f_freedom);
}

static json_t *first_stage_json(const struct formula_design *made, const struct instruments *fit)
{
    json_t *list = json_array();
    for (int64_t k = 0; k < fit->endogenous; k++)
        json_array_append_new(
            list,
            json_pack("{s:s, s:o, s:[I, I], s:o}", "term", name_of(made, fit->parameter[k]), "f",
                      fit_number(fit->f[k]), "degrees_of_freedom", (json_int_t)fit->instruments,
                      (json_int_t)fit->f_freedom, "p", fit_number(first_stage_p(fit, k))));
    return list;
}

static json_t *over_json(const struct fit_linear *opt, const struct instruments *fit)
{
    if (fit->over_freedom < 1) return json_null();
    return json_pack("{s:s, s:o, s:I, s:o}", "test",
                     opt->robust || opt->cluster != NULL ? "score" : "Sargan", "statistic",
                     fit_number(fit->over), "degrees_of_freedom", (json_int_t)fit->over_freedom,
                     "p", fit_number(tails_chi_squared(fit->over, (double)fit->over_freedom)));
}

static json_t *result_json(const struct fit_linear *opt, const struct formula_design *made,
                           const struct instruments *fit)
{
    const struct least_squares *second = fit->fit;
    return json_pack("{s:I, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o}", "rows",
                     (json_int_t)second->rows, "coefficients", coefficients_json(made, second),
                     "r_squared", fit_number(second->r_squared), "condition",
                     fit_number(second->condition), "degrees_of_freedom",
                     (json_int_t)second->freedom, "errors", fit_linear_errors(opt, second),
                     "solver", fit_linear_solver(second), "first_stage",
                     first_stage_json(made, fit), "overidentification", over_json(opt, fit));
}

/* ---- the fit ---- */

static enum status fit_iv_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct fit_linear *opt = options;
    struct fit_table in = {0};
    struct formula_design *made = NULL;
    struct instruments *fit = NULL;
    enum instruments_role *role = NULL;
    bool *varies = NULL;
    struct least_squares_options least = LEAST_SQUARES_DEFAULTS;
    TRY(fit_linear_read(comm, opt, &in, &made));
    table_free(&in.table);
    TRY_ALL(comm, list_roles(made, &role));
    least.all_errors = false;
    least.wanted = made->parameter;
    least.wanted_count = made->reported;
    fit_linear_set_errors(opt, made, &least);
    TRY(fit_table_blame(&in, instruments_fit(comm, &made->design, role, &least, &fit)));
    TRY_ALL(comm, memory_new(&varies, made->design.dense + 1, sizeof *varies));
    TRY(formula_design_varying(comm, made, varies));
    warn_dropped(made, varies, fit);
    TRY(check_identified(opt, made, varies, fit));
    TRY(fit_linear_warn(comm, opt, made, fit->fit));
    warn_weak(made, fit);
    TRY_ALL(comm, comm->rank == 0 ? fit_print(result_json(opt, made, fit)) : OK);
done:
    instruments_free(&fit);
    free(varies);
    free(role);
    formula_design_free(&made);
    fit_table_clear(&in);
    return status;
}

const struct command command_fit_iv = {.name = "iv",
                                       .summary = "a linear model with instruments, from a formula",
                                       .alone = false,
                                       .parse = fit_iv_parse,
                                       .run = fit_iv_run,
                                       .free = fit_linear_free};
