/**
 * Formulas of linear models, as statisticians write them: log(sales) ~ log(price) * brand | store +
 * week.
 *
 * Left of ~ stands the outcome, an expression (jobs/expression.h). Right of it stand terms joined
 * by +; a term is factors joined by : (their product), and a * b means a + b + a:b, likewise for
 * more. A factor is a column, a call such as log(price), or I(...) around any arithmetic. A text
 * column stands for its levels. There is an intercept unless the formula says - 1 or + 0; - takes
 * terms away again. Behind | stand columns whose distinct values each have an effect that is
 * absorbed and not reported.
 */
#ifndef REMISE_JOBS_FORMULA_H
#define REMISE_JOBS_FORMULA_H

#include "jobs/expression.h"

enum { FORMULA_FACTORS = 64, FORMULA_TERMS = 256, FORMULA_NAMES = 256 };

struct formula_factor {
    char *text; /* as it is named in results: spaces removed, a column without backticks */
    struct expression *expression;
    int64_t column; /* its name's number if it is a bare column, else -1 */
};

struct formula {
    int64_t names; /* columns that the formula reads; expressions know them by number */
    char *name[FORMULA_NAMES];
    struct formula_factor outcome;
    int64_t factors;
    struct formula_factor factor[FORMULA_FACTORS];
    bool intercept;
    int64_t terms;
    uint64_t term[FORMULA_TERMS]; /* set of factors, bit f for factor f; by number of factors, then
                                     as written */
    int64_t effects;
    int64_t effect[FORMULA_NAMES]; /* name numbers */
};

/**
 * Parse a formula. Local.
 * formula  out  new; caller frees with formula_free; NULL unless OK
 * Errors: ERR_USAGE with the formula, the position, the reason and the remedy; ERR_MEMORY.
 */
enum status formula_parse(const char *text, struct formula **formula);

/**
 * Whether the model holds a term with exactly these factors; the empty set is a constant. Local.
 */
bool formula_has(const struct formula *formula, uint64_t factors);
/** Free and null; accepts NULL inside. */
void formula_free(struct formula **formula);

#endif
