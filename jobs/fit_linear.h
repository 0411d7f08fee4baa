/**
 * What `fit lsq` and `fit iv` share: the options about rows and errors, the table and its design,
 * warnings, and how coefficients are printed.
 */
#ifndef REMISE_JOBS_FIT_LINEAR_H
#define REMISE_JOBS_FIT_LINEAR_H

#include "algorithms/least_squares.h"
#include "jobs/fit_table.h"
#include "jobs/formula_design.h"

#include <jansson.h>

struct fit_linear {
    const char *file, *text, *weights, *cluster; /* not owned; as on the command line */
    bool robust;
    double ridge; /* 0: none */
    struct formula *formula;
};

/** What --help says about formulas, weights and errors; texts to put together. */
#define FIT_LINEAR_FORMULA_HELP                                                                 \
    "A formula reads outcome ~ terms:\n"                                                        \
    "  a + b           both columns\n"                                                          \
    "  a:b             their product\n"                                                         \
    "  a * b           a + b + a:b, and likewise for more; (a + b):c is a:c + b:c\n"            \
    "  log(12 * a / b) also exp, sqrt, abs, min, max; other: I(a / b)\n"                        \
    "  a < 1           1 where it is so, 0 elsewhere; also <= > >= == !=; (a < 1):b\n"          \
    "  C(week)         its values as levels, those of numbers or arithmetic\n"                  \
    "  - 1             no intercept\n"                                                          \
    "  | a + b:c       effects of the values of a, and of combinations of b and c,\n"           \
    "                  absorbed and not printed\n"                                              \
    "A text column stands for its levels, compared with the first in sorted order; names with " \
    "spaces or signs go in `backticks`. Rows with a missing value in a column of the formula, " \
    "the "                                                                                      \
    "weights or the clusters are left out and counted. A term that others explain is dropped: " \
    "its "                                                                                      \
    "estimate is null, and the log names it.\n\n"

#define FIT_LINEAR_ERRORS_HELP                                                                     \
    "Standard errors assume independent errors of one variance, estimated with N - K degrees of "  \
    "freedom: K counts all coefficients, independent absorbed effects too (as areg, fixest and "   \
    "reghdfe do; two effects have as many as they have levels, less one for each group of levels " \
    "that no row joins to others, as in reghdfe; rows alone in their level stay in N, as in "      \
    "fixest). --robust allows for any variances: HC1, with the factor N / (N - K). --cluster "     \
    "allows for errors that depend on each other within the values of a column, with the factor "  \
    "G / (G - 1) * (N - 1) / (N - K) for G clusters, where absorbed effects that lie within "      \
    "clusters do not count in K but for one (as fixest and reghdfe do). \"errors\" in the result " \
    "says which they are. --weights are analytic: a row of weight w has variance 1 / w and "       \
    "counts "                                                                                      \
    "as one row; 0 leaves it out; only their proportions matter. The bytes are the same at any "   \
    "number of ranks.\n\n"

/**
 * Parse the command line and the formula, as struct command's parse does. Local.
 * doc          in   for --help
 * instruments  in   the formula must name some; otherwise it may not
 * options      out  new struct fit_linear; freed by fit_linear_free
 * Errors: ERR_USAGE, ERR_MEMORY; wrong usage ends the process.
 */
enum status fit_linear_parse(int argc, char **argv, const char *doc, bool instruments,
                             void **options);
/** Free; accepts NULL. Local. */
void fit_linear_free(void *options);

/**
 * Read the table and make the design.
 *
 * Collective.
 * in      out  cleared by fit_table_clear, also on failure; needed as long as the design
 * design  out  new; freed by formula_design_free
 * Errors: those of fit_table_read and formula_design_make.
 */
enum status fit_linear_read(const struct comm *comm, const struct fit_linear *fit,
                            struct fit_table *in, struct formula_design **design);

/** Set what the errors allow for. Local. */
void fit_linear_set_errors(const struct fit_linear *fit, const struct formula_design *design,
                           struct least_squares_options *options);

/**
 * Tell how the model was solved; warn of dropped terms and of what leaves errors without meaning;
 * fail if there are not two clusters, or absorbed effects did not settle. Collective; parameter
 * numbers are those of the design.
 * Errors: ERR_DATA; ERR_NUMERIC; ERR_MEMORY.
 */
enum status fit_linear_warn(const struct comm *comm, const struct fit_linear *fit,
                            const struct formula_design *design, const struct least_squares *least);

/** One coefficient: term, estimate, std_error, t; null where not finite. New. Local. */
json_t *fit_linear_coefficient(const char *term, double estimate, double std_error);

/** How the model was solved, and why so, as JSON. New. Local. */
json_t *fit_linear_solver(const struct least_squares *least);

/** What the errors allow for, as JSON. New. Local. */
json_t *fit_linear_errors(const struct fit_linear *fit, const struct least_squares *least);

#endif
