/* Options, table, warnings and JSON of linear models. */
#include "jobs/fit_linear.h"

#include "jobs/fit_print.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>

#define CONDITION_WARNING 1e6 /* above it coefficients keep fewer than four digits */
#define ABSORB_ENOUGH 1e-8    /* a rest of absorbed effects that leaves six digits of estimates */

enum { FEW_CLUSTERS = 10 };

/* ---- the command line ---- */

static const struct argp_option option_list[] = {
    {"formula", 'f', "F", 0, "What explains what, such as 'log(sales) ~ log(price) * brand'", 0},
    {"weights", 'w', "COL", 0, "Weight rows by this column", 0},
    {"robust", 'r', NULL, 0, "Errors that allow for rows of different variance (HC1)", 0},
    {"cluster", 'c', "COL", 0,
     "Errors that allow for rows that depend on each other where this column has the same value",
     0},
    {"ridge", 'R', "L", 0,
     "Add L times the squares of all coefficients but the intercept and absorbed effects (fit lsq)",
     0},
    {0}};

static void check_options(const struct fit_linear *fit, struct argp_state *state)
{
    if (fit->file == NULL) argp_error(state, "name a table: a CSV file, plain or .gz");
    if (fit->text == NULL) argp_error(state, "say what explains what: --formula 'y ~ x'");
    if (fit->robust && fit->cluster != NULL)
        argp_error(state, "--cluster allows for different variances too: leave --robust out");
    if (fit->ridge > 0.0 && (fit->robust || fit->cluster != NULL))
        argp_error(state, "--ridge biases the estimates, which then have no standard errors: leave "
                          "--robust and --cluster out");
}

static double parse_ridge(const char *text, struct argp_state *state)
{
    char *end = NULL;
    double ridge = strtod(text, &end);
    if (end == text || *end != 0 || !(ridge >= 0.0 && ridge < HUGE_VAL))
        argp_error(state, "--ridge %s is not a number from 0 on", text);
    return ridge;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct fit_linear *fit = state->input;
    switch (key) {
    case 'f':
        fit->text = text;
        break;
    case 'w':
        fit->weights = text;
        break;
    case 'r':
        fit->robust = true;
        break;
    case 'c':
        fit->cluster = text;
        break;
    case 'R':
        fit->ridge = parse_ridge(text, state);
        break;
    case ARGP_KEY_ARG:
        if (fit->file != NULL) argp_error(state, "one table at a time: %s and %s", fit->file, text);
        fit->file = text;
        break;
    case ARGP_KEY_END:
        check_options(fit, state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* The formula, and the columns of weights and clusters. */
static enum status parse_formula(struct fit_linear *fit, bool instruments)
{
    enum status status = OK;
    TRY(instruments ? formula_parse_instrumented(fit->text, &fit->formula)
                    : formula_parse(fit->text, &fit->formula));
    if (instruments && fit->ridge > 0.0)
        TRY(FAIL(ERR_USAGE, "--ridge is for `remise fit lsq`: two stages drawn towards 0 estimate "
                            "nothing; leave it out"));
    if (instruments && !formula_instrumented(fit->formula))
        TRY(FAIL(
            ERR_USAGE,
            "formula \"%.300s\" has no instruments: write what is endogenous and what explains "
            "it in brackets, as in y ~ x + [price ~ cost]; without, use `remise fit lsq`",
            fit->text));
    if (fit->weights != NULL) TRY(formula_read(fit->formula, fit->weights, &fit->formula->weight));
    if (fit->cluster != NULL) TRY(formula_read(fit->formula, fit->cluster, &fit->formula->cluster));
done:
    return status;
}

enum status fit_linear_parse(int argc, char **argv, const char *doc, bool instruments,
                             void **options)
{
    const struct argp argp = {
        .options = option_list, .parser = parse_option, .args_doc = "FILE", .doc = doc};
    enum status status = OK;
    struct fit_linear *fit = NULL;
    TRY(memory_new(&fit, 1, sizeof *fit));
    argp_parse(&argp, argc, argv, 0, NULL, fit);
    TRY(parse_formula(fit, instruments));
    *options = fit;
    fit = NULL;
done:
    fit_linear_free(fit);
    return status;
}

void fit_linear_free(void *options)
{
    struct fit_linear *fit = options;
    if (fit == NULL) return;
    formula_free(&fit->formula);
    free(fit);
}

/* ---- the table ---- */

enum status fit_linear_read(const struct comm *comm, const struct fit_linear *fit,
                            struct fit_table *in, struct formula_design **design)
{
    enum status status = OK;
    const struct formula *formula = fit->formula;
    TRY(fit_table_read(comm, fit->file, (const char *const *)formula->name, formula->names, in));
    struct fit_columns all = {NULL, in->table->columns};
    for (int64_t j = 0; j < in->table->columns; j++)
        if (in->missing[j] == in->table->blocks.rows_total)
            TRY(fit_table_tell_left_out(in, all, in->missing[j]));
    TRY(fit_table_blame(in, formula_design_make(comm, formula, in->table, design)));
    TRY(fit_table_tell_left_out(in, all, (*design)->left_out));
    if ((*design)->weightless > 0)
        log_warning("%s: %lld rows have the weight 0 and do not count", fit->file,
                    (long long)(*design)->weightless);
    log_start(comm, LOG_INFO); /* fits are quiet, but how a model is solved is to be seen */
done:
    return status;
}

void fit_linear_set_errors(const struct fit_linear *fit, const struct formula_design *design,
                           struct least_squares_options *options)
{
    options->errors = fit->cluster != NULL ? ERRORS_CLUSTERED
                      : fit->robust        ? ERRORS_HC1
                                           : ERRORS_CLASSICAL;
    options->cluster = design->cluster;
    options->ridge = fit->ridge;
    options->nested_levels = design->nested_levels;
}

/* ---- what is said about the fit ---- */

static void warn_dropped(const struct formula_design *design, const struct least_squares *least,
                         const bool *varies)
{
    int64_t first = design->design.intercept ? 1 : 0;
    for (int64_t i = 0; i < design->reported; i++) {
        int64_t at = design->parameter[i], column = at - first;
        if (!least->dropped[at] || design->role[i] == FORMULA_INSTRUMENT) continue;
        if (column >= 0 && column < design->design.dense && !varies[column])
            log_warning("%s is constant in the rows that are used and was dropped",
                        design->term[i]);
        else
            log_warning("%s is explained by the terms before it%s and was dropped", design->term[i],
                        design->design.effects > 0 ? " or the absorbed effects" : "");
    }
}

static enum status check_settled(const struct fit_linear *fit, const struct least_squares *least)
{
    if (least->converged || least->reached <= ABSORB_ENOUGH) return OK;
    return FAIL(ERR_NUMERIC,
                "%s: the absorbed effects did not settle: after %lld steps they still explain %.1e "
                "of a standard deviation of a column, and estimates would have few right digits; "
                "absorb fewer levels: join those with few rows, or leave an effect out",
                fit->file, (long long)least->iterations, least->reached);
}

static enum status check_clusters(const struct fit_linear *fit, const struct least_squares *least)
{
    if (fit->cluster == NULL || least->freedom < 1) return OK;
    if (least->clusters < 2)
        return FAIL(ERR_DATA,
                    "%s: column \"%s\" has a single value in the rows that are used; errors "
                    "clustered by it need two clusters at least",
                    fit->file, fit->cluster);
    if (least->clusters < FEW_CLUSTERS)
        log_warning("%lld clusters by \"%s\" are few: such errors tend to be too small below some "
                    "tens of clusters",
                    (long long)least->clusters, fit->cluster);
    return OK;
}

/* How the model was solved, and what that means for its figures. */
static void tell_path(const struct least_squares *least)
{
    log_info("solved by %s: %s", least_squares_path_text(least->path), least->why);
    if (least->absorbed == ABSORB_PROJECTED)
        log_info("%lld independent absorbed levels were projected out in %lld iterations",
                 (long long)least->levels, (long long)least->iterations);
    if (!least->converged && least->reached <= ABSORB_ENOUGH)
        log_warning("the absorbed effects settled to %.1e of a standard deviation only: estimates "
                    "have about %d right digits",
                    least->reached, (int)-log10(least->reached) - 1);
    if (least->path >= LEAST_SQUARES_GRID && least->wanted_count > LEAST_SQUARES_GRID_ERRORS)
        log_warning("%lld coefficients of a model this wide are too many for standard errors: "
                    "levels have none, and beyond 64 others nothing has; absorb a factor instead, "
                    "as in y ~ x | factor",
                    (long long)least->wanted_count);
}

enum status fit_linear_warn(const struct comm *comm, const struct fit_linear *fit,
                            const struct formula_design *design, const struct least_squares *least)
{
    enum status status = OK;
    bool *varies = NULL;
    TRY_ALL(comm, memory_new(&varies, design->design.dense + 1, sizeof *varies));
    TRY(formula_design_varying(comm, design, varies));
    TRY(check_settled(fit, least));
    tell_path(least);
    warn_dropped(design, least, varies);
    if (!varies[design->design.dense])
        log_warning("%s is the same in all rows that are used: nothing is there to explain",
                    fit->formula->outcome.text);
    if (least->condition > CONDITION_WARNING)
        log_warning("the columns are nearly dependent (condition %.3g): estimates may have few "
                    "right digits; leave out a term that others explain",
                    least->condition);
    if (least->freedom < 1)
        log_warning(
            "%lld rows for %lld coefficients: no degree of freedom is left for standard errors",
            (long long)least->rows, (long long)(least->rows - least->freedom));
    TRY(check_clusters(fit, least));
done:
    free(varies);
    return status;
}

/* ---- JSON ---- */

json_t *fit_linear_coefficient(const char *term, double estimate, double std_error)
{
    return json_pack("{s:s, s:o, s:o, s:o}", "term", term, "estimate", fit_number(estimate),
                     "std_error", fit_number(std_error), "t", fit_number(estimate / std_error));
}

static json_t *absorbed_json(const struct least_squares *least)
{
    if (least->absorbed == ABSORB_NONE) return json_null();
    if (least->absorbed == ABSORB_COLUMNS) return json_pack("{s:s}", "way", "columns");
    return json_pack("{s:s, s:I, s:I, s:o}", "way", "projected", "levels",
                     (json_int_t)least->levels, "iterations", (json_int_t)least->iterations,
                     "reached", fit_number(least->reached));
}

json_t *fit_linear_solver(const struct least_squares *least)
{
    return json_pack("{s:s, s:s, s:o}", "path", least_squares_path_text(least->path), "why",
                     least->why, "absorbed", absorbed_json(least));
}

json_t *fit_linear_errors(const struct fit_linear *fit, const struct least_squares *least)
{
    if (fit->ridge > 0.0) return json_null();
    if (fit->cluster == NULL) return json_pack("{s:s}", "type", fit->robust ? "HC1" : "classical");
    return json_pack("{s:s, s:s, s:I}", "type", "cluster", "by", fit->cluster, "clusters",
                     (json_int_t)least->clusters);
}
