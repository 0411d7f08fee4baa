/* Positions, messages, names and factors of a formula. */
#include "jobs/formula_parser.h"

#include "mpi/memory.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_BYTES = 1024 };

const char formula_no_power[] =
    "there is no power; write I(x * x) for a square, a * b for a + b + a:b";

/* About the user's words: the message has no place in our code behind it. */
__attribute__((format(printf, 3, 4))) enum status
formula_wrong(const struct formula_parser *p, const char *where, const char *format, ...)
{
    char reason[MESSAGE_BYTES], message[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    snprintf(message, sizeof message, "formula \"%.300s\", character %d: %.600s", p->text,
             (int)(where - p->text) + 1, reason);
    status_set_message(message);
    return ERR_USAGE;
}

/* ---- characters ---- */

static bool starts_name(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool continues_name(char c)
{
    return starts_name(c) || isdigit((unsigned char)c) || c == '.';
}

void formula_skip_space(struct formula_parser *p)
{
    while (isspace((unsigned char)*p->at)) p->at++;
}

bool formula_accept(struct formula_parser *p, char c)
{
    formula_skip_space(p);
    if (*p->at != c) return false;
    p->at++;
    return true;
}

const char *formula_name_end(const char *at)
{
    while (continues_name(*at)) at++;
    return at;
}

/* Behind a number such as 1.5e-3. */
static const char *number_end(const char *at)
{
    while (isdigit((unsigned char)*at) || *at == '.') at++;
    if (*at != 'e' && *at != 'E') return at;
    const char *exponent = at + 1 + (at[1] == '+' || at[1] == '-');
    while (isdigit((unsigned char)*exponent)) at = ++exponent;
    return at;
}

/* Behind the parenthesis or backtick that closes the one at `at`; NULL if none does. */
const char *formula_closing(const char *at)
{
    int64_t depth = 0;
    for (char quote = 0; *at != 0; at++) {
        if (*at == '`') quote = quote != 0 ? 0 : '`';
        if (quote == 0) depth += (*at == '(') - (*at == ')');
        if (quote == 0 && depth == 0) return at + 1;
    }
    return NULL;
}

/* ---- names of columns ---- */

static enum status text_copy(const char *start, size_t bytes, char **copy)
{
    enum status status = memory_new(copy, (int64_t)bytes + 1, 1);
    if (status == OK) memcpy(*copy, start, bytes);
    return status;
}

static int64_t find_name(const struct formula *formula, const char *start, size_t bytes)
{
    for (int64_t i = 0; i < formula->names; i++)
        if (strlen(formula->name[i]) == bytes && memcmp(formula->name[i], start, bytes) == 0)
            return i;
    return -1;
}

enum status formula_add_name(struct formula_parser *p, const char *start, size_t bytes,
                             int64_t *number)
{
    struct formula *out = p->out;
    *number = find_name(out, start, bytes);
    if (*number >= 0) return OK;
    if (bytes == 0)
        return formula_wrong(p, start, "a column name is missing between the backticks");
    if (out->names == FORMULA_NAMES)
        return formula_wrong(p, start, "more than %d columns; fit fewer at once", FORMULA_NAMES);
    *number = out->names;
    enum status status = text_copy(start, bytes, &out->name[out->names]);
    if (status == OK) out->names++;
    return status;
}

/* Add all columns that the expression start .. end reads; a name before a parenthesis is a
 * function. */
static enum status add_names(struct formula_parser *p, const char *start, const char *end)
{
    enum status status = OK;
    int64_t number = 0;
    for (const char *at = start; at < end && status == OK;) {
        const char *next = at + 1;
        if (*at == '`') {
            next = formula_closing(at);
            if (next == NULL || next > end)
                return formula_wrong(p, at, "the backtick is not closed");
            status = formula_add_name(p, at + 1, (size_t)(next - at) - 2, &number);
        } else if (isdigit((unsigned char)*at)) {
            next = number_end(at);
        } else if (starts_name(*at)) {
            const char *behind = next = formula_name_end(at);
            while (behind < end && isspace((unsigned char)*behind)) behind++;
            if (behind == end || *behind != '(')
                status = formula_add_name(p, at, (size_t)(next - at), &number);
        }
        at = next;
    }
    return status;
}

static int64_t resolve(const void *context, const char *name)
{
    return find_name(context, name, strlen(name));
}

/* ---- factors ---- */

void formula_factor_clear(struct formula_factor *factor)
{
    free(factor->text);
    expression_free(&factor->expression);
}

/* start .. end without the spaces outside backticks; a bare column also without its backticks. */
enum status formula_normal_text(const char *start, const char *end, bool bare, char **text)
{
    enum status status = text_copy(start, (size_t)(end - start), text);
    if (status != OK) return status;
    char *to = *text;
    bool quoted = false;
    for (const char *at = start; at < end; at++) {
        if (*at == '`') quoted = !quoted;
        if (bare && *at == '`') continue;
        if (quoted || !isspace((unsigned char)*at)) *to++ = *at;
    }
    *to = 0;
    return OK;
}

/* People who know other tools write x^2. */
static enum status refuse_power(const struct formula_parser *p, const char *start, const char *end)
{
    bool quoted = false;
    for (const char *at = start; at < end; at++) {
        if (*at == '`') quoted = !quoted;
        if (!quoted && *at == '^') return formula_wrong(p, at, "%s", formula_no_power);
    }
    return OK;
}

enum status formula_factor_compile(struct formula_parser *p, const char *start, const char *end,
                                   struct formula_factor *factor)
{
    enum status status = OK;
    char *text = NULL;
    bool wrapped = formula_is_wrapped(start, end);
    const char *inner = wrapped ? start + 2 : start, *inner_end = wrapped ? end - 1 : end;
    *factor = (struct formula_factor){.column = -1, .levels = wrapped && *start == 'C'};
    TRY(refuse_power(p, inner, inner_end));
    TRY(add_names(p, inner, inner_end));
    TRY(text_copy(inner, (size_t)(inner_end - inner), &text));
    status = expression_compile(text, resolve, p->out, &factor->expression);
    if (status == ERR_CONFIG) status = formula_wrong(p, inner, "%s", status_message());
    if (status != OK) goto done;
    factor->column = expression_column(factor->expression);
    bool bare = factor->column >= 0 && !factor->levels;
    TRY(formula_normal_text(bare ? inner : start, bare ? inner_end : end, bare, &factor->text));
done:
    free(text);
    if (status != OK) formula_factor_clear(factor);
    return status;
}

/* Keep the factor, or find that it is there already; its bit in *set. */
static enum status factor_keep(struct formula_parser *p, const char *where,
                               struct formula_factor *factor, uint64_t *set)
{
    struct formula *out = p->out;
    int64_t f = 0;
    while (f < out->factors && strcmp(out->factor[f].text, factor->text) != 0) f++;
    if (f == FORMULA_FACTORS) {
        formula_factor_clear(factor);
        return formula_wrong(p, where, "more than %d different factors; fit fewer at once",
                             FORMULA_FACTORS);
    }
    if (f == out->factors)
        out->factor[out->factors++] = *factor;
    else
        formula_factor_clear(factor);
    *set = (uint64_t)1 << f;
    return OK;
}

/* Behind a column or call at `start`; *end is NULL where what is opened is not closed. */
static enum status operand_extent(const struct formula_parser *p, const char *start,
                                  const char **end)
{
    *end = *start == '`' ? formula_closing(start) : formula_name_end(start);
    if (*end != NULL && *start != '`' && **end == '(') *end = formula_closing(*end);
    return *end != NULL ? OK : formula_wrong(p, start, "what is opened here is not closed");
}

static bool starts_number(const char *at)
{
    return isdigit((unsigned char)*at) || (*at == '.' && isdigit((unsigned char)at[1]));
}

/* The comparison sign at `at`: its length, 0 if there is none. */
int formula_comparison_length(const char *at)
{
    if (strncmp(at, "==", 2) == 0 || strncmp(at, "!=", 2) == 0) return 2;
    if (*at != '<' && *at != '>') return 0;
    return at[1] == '=' ? 2 : 1;
}

const char *formula_past_space(const char *at)
{
    while (isspace((unsigned char)*at)) at++;
    return at;
}

/* What may stand right of a comparison sign: a number, perhaps negative, a column or a call. */
static enum status comparand_extent(const struct formula_parser *p, const char *start,
                                    const char **end)
{
    if (*start == '-') start = formula_past_space(start + 1);
    if (starts_number(start)) {
        *end = number_end(start);
        return OK;
    }
    if (*start != '`' && !starts_name(*start))
        return formula_wrong(
            p, start,
            "a comparison needs a number, a column or a call on either side; other "
            "arithmetic goes inside I(...)");
    return operand_extent(p, start, end);
}

/* From an operand's end to that of the comparison it begins, if it begins one. */
static enum status comparison_extent(const struct formula_parser *p, const char **end)
{
    const char *sign = formula_past_space(*end);
    int length = formula_comparison_length(sign);
    if (length == 0 && *sign == '=')
        return formula_wrong(p, sign, "= does not compare; write == for whether two are equal");
    if (length == 0) return OK;
    enum status status = comparand_extent(p, formula_past_space(sign + length), end);
    if (status != OK) return status;
    sign = formula_past_space(*end);
    if (formula_comparison_length(sign) > 0)
        return formula_wrong(p, sign,
                             "comparisons do not chain; write a > 1 : a < 2 for both at once");
    return OK;
}

/* What a factor may begin with; *end behind it. */
enum status formula_factor_extent(const struct formula_parser *p, const char **end)
{
    const char *start = p->at;
    if (*start == 0 || strchr("+-*:|~)]", *start) != NULL)
        return formula_wrong(p, start,
                             "a term is expected here: a column, log(column) or I(arithmetic)");
    if (*start != '`' && !starts_name(*start))
        return formula_wrong(
            p, start, "a term cannot begin with \"%.1s\"; arithmetic goes inside I(...)", start);
    return operand_extent(p, start, end);
}

/* A number is a constant, none, or the left side of a comparison. */
static enum status parse_number(struct formula_parser *p, const char **end, bool *zero)
{
    const char *start = p->at;
    *end = number_end(start);
    if (formula_comparison_length(formula_past_space(*end)) > 0) return OK;
    p->at = *end;
    *zero = *end - start == 1 && *start == '0';
    *end = NULL;
    if (p->at - start == 1 && (*start == '0' || *start == '1')) return OK;
    return formula_wrong(p, start,
                         "the only numbers among the terms are 1 (intercept) and 0 (none); write "
                         "I(2 * x) for arithmetic");
}

/* The text of I(...) and C(...) without what is around it. */
bool formula_is_wrapped(const char *start, const char *end)
{
    return (strncmp(start, "I(", 2) == 0 || strncmp(start, "C(", 2) == 0) &&
           formula_closing(start + 1) == end;
}

/* One factor; *set is its bit, or 0 for the constant 1. `zero` tells that it was 0. */
enum status formula_parse_factor(struct formula_parser *p, uint64_t *set, bool *zero)
{
    struct formula_factor factor;
    const char *start, *end = NULL;
    enum status status = OK;
    formula_skip_space(p);
    start = p->at;
    *set = 0;
    *zero = false;
    if (*start == '.' && !starts_number(start))
        return formula_wrong(p, start, "there is no . for all columns; name the ones wanted");
    if (starts_number(start)) {
        status = parse_number(p, &end, zero);
        if (status != OK || end == NULL) return status;
    } else {
        status = formula_factor_extent(p, &end);
    }
    if (status == OK) status = comparison_extent(p, &end);
    if (status != OK) return status;
    status = formula_factor_compile(p, start, end, &factor);
    p->at = end;
    return status == OK ? factor_keep(p, start, &factor, set) : status;
}
