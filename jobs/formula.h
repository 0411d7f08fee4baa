/**
 * Formulas of linear models, as statisticians write them: log(sales) ~ log(price) * brand | store +
 * week.
 *
 * Left of ~ stands the outcome, an expression (jobs/expression.h). Right of it stand terms joined
 * by +; a term is factors joined by : (their product), and a * b means a + b + a:b, likewise for
 * more; parentheses group. A factor is a column, a call such as log(12 * price / oz), a comparison
 * of two of these or of one with a number (1 or 0), or I(...) around any arithmetic. A text column
 * stands for its levels, and so does C(...) around a column of numbers or arithmetic. There is an
 * intercept unless the formula says - 1 or + 0; - takes terms away again. [p ~ z1 + z2] among the
 * terms says that p is endogenous, and what else is to explain it: its instruments. Behind | stand
 * columns, or combinations such as store:week, whose distinct values each have an effect that is
 * absorbed and not reported.
 */
#ifndef REMISE_JOBS_FORMULA_H
#define REMISE_JOBS_FORMULA_H

#include "jobs/expression.h"

enum { FORMULA_FACTORS = 64, FORMULA_TERMS = 256, FORMULA_NAMES = 256, FORMULA_EFFECTS = 16 };

/** What a term is to a model with instruments; without them all are exogenous. */
enum formula_role { FORMULA_EXOGENOUS, FORMULA_ENDOGENOUS, FORMULA_INSTRUMENT };

struct formula_factor {
    char *text; /* as it is named in results: spaces removed, a column without backticks */
    struct expression *expression;
    int64_t column; /* its name's number if it is a bare column, else -1 */
    bool levels;    /* written C(...): its distinct values are levels */
};

/* Columns whose combinations of values each have an absorbed effect; mostly one. */
struct formula_effect {
    char *text; /* such as store:week */
    int64_t names;
    int64_t name[FORMULA_EFFECTS]; /* numbers of names */
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
    enum formula_role role[FORMULA_TERMS];
    int64_t effects;
    struct formula_effect effect[FORMULA_EFFECTS];
    int64_t weight, cluster; /* numbers of names that formula_read added, -1: none */
};

/**
 * Parse a formula without instruments. Local.
 * formula  out  new; caller frees with formula_free; NULL unless OK
 * Errors: ERR_USAGE with the formula, the position, the reason and the remedy; ERR_MEMORY.
 */
enum status formula_parse(const char *text, struct formula **formula);
/** The same of one that may have instruments, [endogenous ~ instruments]. Local. */
enum status formula_parse_instrumented(const char *text, struct formula **formula);

/**
 * Have another column read with the formula's: rows without a value in it are left out too. Local.
 * number  out  of its name; formula->weight or formula->cluster may be set to it
 * Errors: ERR_USAGE too many columns; ERR_MEMORY.
 */
enum status formula_read(struct formula *formula, const char *name, int64_t *number);

/** Whether the formula has instruments. Local. */
bool formula_instrumented(const struct formula *formula);

/**
 * Whether a term with exactly these factors is there, exogenous or of the same role; the empty set
 * is a constant. Local.
 */
bool formula_has(const struct formula *formula, uint64_t factors, enum formula_role role);
/** Free and null; accepts NULL inside. */
void formula_free(struct formula **formula);

#endif
