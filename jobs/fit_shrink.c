/* `remise fit shrink FILE`: a coefficient for each of many units, shrunk by empirical Bayes. */
#include "jobs/command.h"
#include "jobs/fit_table.h"

#include "jobs/fit_print.h"
#include "jobs/fit_shrink_result.h"
#include "jobs/fit_shrink_units.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the command line ---- */

static const char doc[] =
    "Estimate one coefficient of a linear model for each of many units, such as the price "
    "elasticity of each store, and shrink it toward what the units have in common (empirical "
    "Bayes). JSON on stdout: units, prior (mean, sd), pooled, positive (unit, shrunk), test_rmse "
    "(unit, pooled, shrunk), levels (level, count, mean, sd).\v"
    "A unit with few rows has an estimate of its own that is mostly noise: some stores' sales "
    "seem to rise with the price. Taken together, units tell how far they really differ, and "
    "each estimate b with standard error s moves toward the mean by as much as it is noise:\n"
    "  shrunk = (sd^2 b + s^2 mean) / (sd^2 + s^2)\n"
    "with mean and sd of the prior fitted to all units by restricted maximum likelihood.\n\n"
    "With --within units lie in groups, those in larger ones, and all in one: a unit is shrunk "
    "toward its group, a group toward the one it lies in. levels tells for the units and each "
    "column of groups how many there are, their mean, and their sd around what they lie in; "
    "groups lists the groups, where they are at most 1,000 in all, with their own estimate and, "
    "shrunk, mean and sd. "
    "prior is then that of a unit of no known group. Columns must be nested, the inner one first; "
    "a unit in two groups is refused by name.\n\n"
    "Every unit has its own level. Its estimate comes from a regression of its own rows on all "
    "terms. A unit whose rows do not tell all terms, as where one is constant in it, gets the "
    "mean of its group; with --partial it counts, too, if its rows tell the coefficient without "
    "what they do not tell. Error variances of units with few rows are shrunk as well "
    "(error_variance: the typical one, and as how many rows' worth of evidence it counts).\n\n"
    "With --joint all slopes of a unit are shrunk together (8 at most): they are draws from one "
    "normal distribution with a full covariance matrix, fitted likewise, so that each slope is "
    "told by the others, too, and every unit counts by what its rows tell, be it little. joint "
    "lists the terms with mean, sd and correlations; test_rmse.shrunk then predicts with all "
    "shrunk slopes. It costs little more and mostly predicts better where other slopes differ "
    "between "
    "units, too (cheese below: 0.314 for 0.317).\n\n"
    "With --train-rows N all this is made from the first N rows of each unit in the order of the "
    "file (of all its rows where it has no more), and its other rows are predicted: test_rmse is "
    "that of each unit's own regression (of the pooled one where its rows do not tell all terms), "
    "of the pooled regression (slopes in common, levels of the units), and of the pooled "
    "regression with the shrunk coefficient. positive counts units whose coefficient is above "
    "zero.\n\n"
    "The table of --out has a line for each unit: its value in the column, rows, estimate, "
    "std_error, shrunk, shrunk_sd (that of the posterior, with what is unsure of the prior: "
    "shrunk +- 1.96 shrunk_sd holds the truth 95 times in 100), in_full: 1 where its own rows "
    "tell all terms, level: what it was shrunk to, the innermost column whose group has an "
    "estimate, or all; weak: 1 where that weighs more than its own rows, or the 95 % interval "
    "holds zero. With --sign the posterior is cut off at zero, shrunk and shrunk_sd are its mean "
    "and standard deviation, and share is the part of it that had the sign. The bytes are the "
    "same at any number of ranks.\n\n"
    "Examples:\n"
    "  remise fit shrink cheese.csv --formula 'log(VOLUME) ~ log(PRICE) + DISP' --by RETAILER "
    "--coefficient 'log(PRICE)' --train-rows 12\n"
    "  (88 stores; own estimates are above zero in 11 of them and predict with an error of 1.80, "
    "the pooled one with 0.325, shrunk ones with 0.317)\n"
    "  mpirun -n 4 remise fit shrink sales.csv.gz -f 'log(units) ~ log(price) + month' --by user "
    "-c 'log(price)' --within segment,category --sign negative --out users.csv\n";

enum { KEY_JOINT = 1000, KEY_OUT, KEY_PARTIAL, KEY_SIGN, KEY_TRAIN, KEY_WEIGHTS, KEY_WITHIN };

static const struct argp_option option_list[] = {
    {"formula", 'f', "F", 0, "What explains what, such as 'log(sales) ~ log(price) + promo'", 0},
    {"by", 'b', "COL", 0, "The column that tells units apart, such as store", 0},
    {"coefficient", 'c', "TERM", 0, "The term whose coefficient is shrunk, such as 'log(price)'",
     0},
    {"joint", KEY_JOINT, NULL, 0,
     "Shrink all slopes together, with the covariance matrix of how they differ", 0},
    {"train-rows", KEY_TRAIN, "N", 0,
     "Fit each unit's first N rows in the order of the file, test on its others (all, no test)", 0},
    {"partial", KEY_PARTIAL, NULL, 0,
     "Take in units that tell the coefficient, but not all other terms", 0},
    {"sign", KEY_SIGN, "SIGN", 0,
     "negative or positive, where the coefficient's sign is known (free: it is not)", 0},
    {"weights", KEY_WEIGHTS, "COL", 0,
     "Column of weights: a row of weight w counts as w of weight 1 (0: not at all)", 0},
    {"within", KEY_WITHIN, "COL,...", 0,
     "Columns of groups that units lie in, the inner one first, such as segment,category", 0},
    {"out", KEY_OUT, "FILE", 0, "Write a CSV table with a line for each unit", 0},
    {0}};

static void parse_sign(const char *text, struct fit_shrink_options *opt, struct argp_state *state)
{
    if (strcmp(text, "negative") == 0)
        opt->sign = -1;
    else if (strcmp(text, "positive") == 0)
        opt->sign = 1;
    else if (strcmp(text, "free") == 0)
        opt->sign = 0;
    else
        argp_error(state, "--sign is negative or positive (or free), not %s", text);
}

static void parse_train_rows(const char *text, struct fit_shrink_options *opt,
                             struct argp_state *state)
{
    char *end = NULL;
    long long rows = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || rows < 1)
        argp_error(state, "--train-rows is a whole number from 1 on, not %s", text);
    opt->train_rows = rows;
}

static void check_all_named(const struct fit_shrink_options *opt, struct argp_state *state)
{
    if (opt->file == NULL) argp_error(state, "name a table: a CSV file, plain or .gz");
    if (opt->text == NULL) argp_error(state, "say what explains what: --formula 'y ~ x'");
    if (opt->by == NULL) argp_error(state, "say what tells units apart: --by COLUMN");
    if (opt->coefficient == NULL)
        argp_error(state, "say which term's coefficient is wanted: --coefficient TERM");
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct fit_shrink_options *opt = state->input;
    switch (key) {
    case 'f':
        opt->text = text;
        break;
    case 'b':
        opt->by = text;
        break;
    case 'c':
        opt->coefficient = text;
        break;
    case KEY_JOINT:
        opt->joint = true;
        break;
    case KEY_OUT:
        opt->out = text;
        break;
    case KEY_PARTIAL:
        opt->partial = true;
        break;
    case KEY_SIGN:
        parse_sign(text, opt, state);
        break;
    case KEY_TRAIN:
        parse_train_rows(text, opt, state);
        break;
    case KEY_WEIGHTS:
        opt->weights = text;
        break;
    case KEY_WITHIN:
        opt->groups = text;
        break;
    case ARGP_KEY_ARG:
        if (opt->file != NULL) argp_error(state, "one table at a time: %s and %s", opt->file, text);
        opt->file = text;
        break;
    case ARGP_KEY_END:
        check_all_named(opt, state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void fit_shrink_free(void *options)
{
    struct fit_shrink_options *opt = options;
    if (opt == NULL) return;
    formula_free(&opt->formula);
    free(opt->within);
    free(opt);
}

/* The columns beside the formula's: rows without a value in them are left out, too. */
static enum status name_columns(struct fit_shrink_options *opt)
{
    enum status status = OK;
    struct formula *formula = opt->formula;
    int64_t at;
    if (opt->weights != NULL) TRY(formula_read(formula, opt->weights, &formula->weight));
    if (opt->groups == NULL) return OK;
    TRY(fit_names_parse(opt->groups, &opt->within, &opt->within_count));
    if (opt->within_count > SHRINK_WITHIN)
        return FAIL(ERR_USAGE, "--within names %lld columns, more than %d",
                    (long long)opt->within_count, SHRINK_WITHIN);
    for (int64_t c = 0; c < opt->within_count; c++) {
        if (strcmp(opt->within[c], opt->by) == 0)
            return FAIL(ERR_USAGE,
                        "--within names %s, which tells the units apart (--by); name "
                        "columns of groups of units",
                        opt->by);
        TRY(formula_read(formula, opt->within[c], &at));
    }
done:
    return status;
}

static enum status fit_shrink_parse(int argc, char **argv, void **options)
{
    static const struct argp argp = {
        .options = option_list, .parser = parse_option, .args_doc = "FILE", .doc = doc};
    enum status status = OK;
    struct fit_shrink_options *opt = NULL;
    TRY(memory_new(&opt, 1, sizeof *opt));
    argp_parse(&argp, argc, argv, 0, NULL, opt);
    TRY(formula_parse(opt->text, &opt->formula));
    if (opt->formula->effects > 0)
        TRY(FAIL(ERR_USAGE,
                 "\"%s\": effects behind | are of all rows, not of units; write them as terms, "
                 "and leave the units' own level to --by",
                 opt->text));
    TRY(name_columns(opt));
    *options = opt;
    opt = NULL;
done:
    fit_shrink_free(opt);
    return status;
}

/* ---- the fit ---- */

/* The columns of the formula, and that of the units. */
static enum status read_columns(const struct comm *comm, const struct fit_shrink_options *opt,
                                struct fit_table *in)
{
    enum status status = OK;
    const struct formula *formula = opt->formula;
    const char **names = NULL;
    int64_t count = formula->names;
    TRY_ALL(comm, memory_new(&names, count + 1, sizeof *names));
    bool there = false;
    for (int64_t i = 0; i < count; i++) {
        names[i] = formula->name[i];
        there = there || strcmp(names[i], opt->by) == 0;
    }
    if (!there) names[count++] = opt->by;
    TRY(fit_table_read(comm, opt->file, names, count, in));
done:
    free(names);
    return status;
}

static enum status tell_left_out(const struct fit_shrink_options *opt, const struct fit_table *in,
                                 const struct formula_design *made)
{
    enum status status = OK;
    int64_t *at = NULL;
    TRY(memory_new(&at, opt->formula->names, sizeof *at));
    struct fit_columns used = {at, 0};
    for (int64_t i = 0; i < opt->formula->names; i++)
        at[used.count++] = table_find(in->table, opt->formula->name[i]);
    TRY(fit_table_tell_left_out(in, used, made->left_out));
done:
    free(at);
    return status;
}

static void warn(const struct fit_shrink_options *opt, const struct fit_shrink *fit)
{
    if (fit->without_unit > 0)
        log_warning("%lld rows have no value in column %s and are left out",
                    (long long)fit->without_unit, opt->by);
    if (!opt->partial && !opt->joint && fit->in_part > 0)
        log_warning(
            "%lld of %lld units tell the coefficient but not all terms, and get the mean of "
            "the others; --partial takes their estimates in",
            (long long)fit->in_part, (long long)fit->statistics.units_total);
    if (fit->told < 2)
        log_warning("%lld of %lld units tell the coefficient: how far units differ is unknown, "
                    "and taken as not at all",
                    (long long)fit->told, (long long)fit->statistics.units_total);
    if (opt->train_rows > 0 && fit->test_rows == 0)
        log_warning("no unit has more than %lld rows, so nothing is left to test on; lower "
                    "--train-rows",
                    (long long)opt->train_rows);
}

/* Name the terms that say nothing within units. */
static enum status warn_dropped(const struct comm *comm, const struct fit_shrink_options *opt,
                                const struct formula_design *made, const struct fit_shrink *fit)
{
    enum status status = OK;
    bool *varies = NULL;
    int64_t dense = made->design.dense;
    TRY_ALL(comm, memory_new(&varies, dense + 1, sizeof *varies));
    TRY(formula_design_varying(comm, made, varies));
    for (int64_t i = 0; i < made->reported; i++) {
        int64_t column = made->parameter[i] - (made->design.intercept ? 1 : 0);
        if (column < 0 || !fit->regression->dropped[column]) continue;
        if (column < dense && !varies[column])
            log_warning("%s is constant in the rows that are used and was dropped", made->term[i]);
        else
            log_warning("%s is explained by other terms, or does not vary, within each %s and was "
                        "dropped",
                        made->term[i], opt->by);
    }
done:
    free(varies);
    return status;
}

static enum status fit_shrink_run(const struct comm *comm, void *options)
{
    enum status status = OK;
    struct fit_shrink_options *opt = options;
    struct fit_table in = {0};
    struct formula_design *made = NULL;
    struct fit_shrink fit = {0};
    json_t *result = NULL;
    TRY(read_columns(comm, opt, &in));
    TRY(fit_table_blame(&in, formula_design_make(comm, opt->formula, in.table, &made)));
    TRY_ALL(comm, tell_left_out(opt, &in, made));
    TRY(fit_table_blame(&in, fit_shrink_make(comm, opt, in.table, made, &fit)));
    if (made->weightless > 0)
        log_warning("%s: %lld rows have the weight 0 and do not count", opt->file,
                    (long long)made->weightless);
    warn(opt, &fit);
    TRY(warn_dropped(comm, opt, made, &fit));
    if (opt->out != NULL) {
        const struct table_column *by = &in.table->column[table_find(in.table, opt->by)];
        TRY(fit_shrink_write(comm, opt->out, by, opt->sign != 0, &fit));
    }
    TRY(fit_shrink_json(comm, opt, made, &fit, &result));
    TRY_ALL(comm, comm->rank == 0 ? fit_print(result) : OK);
done:
    fit_shrink_clear(&fit);
    formula_design_free(&made);
    fit_table_clear(&in);
    return status;
}

const struct command command_fit_shrink = {
    .name = "shrink",
    .summary = "a coefficient for each of many units, shrunk by empirical Bayes",
    .alone = false,
    .parse = fit_shrink_parse,
    .run = fit_shrink_run,
    .free = fit_shrink_free};
