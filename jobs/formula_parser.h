/**
 * The reading of a formula, piece by piece: positions and messages, names of columns, factors.
 *
 * For jobs/formula.c alone, which puts the pieces together to terms.
 */
#ifndef REMISE_JOBS_FORMULA_PARSER_H
#define REMISE_JOBS_FORMULA_PARSER_H

#include "jobs/formula.h"

#include <stddef.h>

/* A sum of terms while it is built: sets of factors in order of first mention; 0 is the constant.
 */
struct formula_sum {
    int64_t terms;
    uint64_t term[FORMULA_TERMS];
    bool zero; /* it is a 0 that stands alone */
};

struct formula_parser {
    const char *text; /* the whole of it, for messages */
    const char *at;
    int nesting;
    const char *bracket; /* where [endogenous ~ instruments] begins, NULL: there is none */
    struct formula_sum endogenous, instruments;
    struct formula *out;
};

/** Say what is wrong with the user's words at `where`; ERR_USAGE. Local. */
__attribute__((format(printf, 3, 4))) enum status
formula_wrong(const struct formula_parser *p, const char *where, const char *format, ...);

/** The message about a power, which people who know other tools write as x^2. */
extern const char formula_no_power[];

/** Go past spaces. Local. */
void formula_skip_space(struct formula_parser *p);
/** The same for a place in a text. Local. */
const char *formula_past_space(const char *at);

/** Go past spaces and, if it comes next, the character c. Local. */
bool formula_accept(struct formula_parser *p, char c);

/** Length of the comparison sign at `at`, 0 if there is none. Local. */
int formula_comparison_length(const char *at);

/** Behind the end of a name. Local. */
const char *formula_name_end(const char *at);
/** Behind the end of what the backtick or parenthesis at `at` opens; NULL: it is never. Local. */
const char *formula_closing(const char *at);

/** Whether start .. end is I(...) or C(...). Local. */
bool formula_is_wrapped(const char *start, const char *end);

/** Behind the column or call at p->at. Local. Errors: ERR_USAGE. */
enum status formula_factor_extent(const struct formula_parser *p, const char **end);

/** start .. end without spaces outside backticks; `bare`: without backticks too. Local. New. */
enum status formula_normal_text(const char *start, const char *end, bool bare, char **text);

/**
 * Number of the name start .. start + bytes, added if new. Local.
 * Errors: ERR_USAGE, ERR_MEMORY.
 */
enum status formula_add_name(struct formula_parser *p, const char *start, size_t bytes,
                             int64_t *number);

/**
 * Compile the factor named start .. end; I(...) and C(...) are taken off its expression. Local.
 * Free with formula_factor_clear. Errors: ERR_USAGE, ERR_MEMORY.
 */
enum status formula_factor_compile(struct formula_parser *p, const char *start, const char *end,
                                   struct formula_factor *factor);
/** Free; accepts a zeroed struct. Local. */
void formula_factor_clear(struct formula_factor *factor);

/**
 * Read one factor. Local.
 * set   out  its bit among p->out->factor, 0 for the constant 1
 * zero  out  it is the number 0
 * Errors: ERR_USAGE, ERR_MEMORY.
 */
enum status formula_parse_factor(struct formula_parser *p, uint64_t *set, bool *zero);

#endif
