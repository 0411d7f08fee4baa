/**
 * Arithmetic over named columns, as the configuration's derived columns and the formulas of
 * `fit lsq` use it.
 *
 * Grammar: numbers, column names (letters, digits, `_`, `.`; anything else inside backticks), + - *
 * / with the usual precedence, parentheses, unary minus, comparisons (< <= > >= == !=, giving 1 or
 * 0), and log, exp, sqrt, abs, min, max; I(...) is a parenthesis. A missing value (NaN) in makes
 * the result missing; x / 0 and log(0) are infinite: callers refuse what is not finite. Text that
 * is as a whole the name of a column, spaces and signs included, means that column.
 */
#ifndef REMISE_JOBS_EXPRESSION_H
#define REMISE_JOBS_EXPRESSION_H

#include "mpi/status.h"

#include <stdbool.h>
#include <stdint.h>

struct expression;

/** Tells the column number of a name, -1 if there is none. */
typedef int64_t expression_resolve(const void *context, const char *name);

/**
 * Compile text. Local.
 * expression  out  new; caller frees with expression_free; NULL unless OK
 * Errors: ERR_CONFIG with the text, the position and the reason (unknown column, missing
 *         parenthesis, ...).
 */
enum status expression_compile(const char *text, expression_resolve *resolve, const void *context,
                               struct expression **expression);

/** The column number if the expression is a bare column name, else -1. Local. */
int64_t expression_column(const struct expression *expression);

/**
 * Columns that the expression reads: number of them, and the numbers into `columns` (NULL to only
 * count). Local.
 */
int64_t expression_columns(const struct expression *expression, int64_t *columns);

/** Value for one row; values is indexed by column number. Local. */
double expression_evaluate(const struct expression *expression, const double *values);
/** Free and null; accepts NULL inside. */
void expression_free(struct expression **expression);

#endif
