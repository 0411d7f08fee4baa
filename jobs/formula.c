/* From the text of a formula to outcome, factors, terms and absorbed effects. */
#include "jobs/formula.h"

#include "mpi/memory.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_BYTES = 1024 };

static const char no_power[] = "there is no ^; write I(x * x) for a square, a * b for a + b + a:b";

struct parser {
    const char *text; /* the whole of it, for messages */
    const char *at;
    struct formula *out;
};

/* A sum of terms while it is built: sets of factors in order of first mention; 0 is the constant.
 */
struct sum {
    int64_t terms;
    uint64_t term[FORMULA_TERMS];
};

/* About the user's words: the message has no place in our code behind it. */
__attribute__((format(printf, 3, 4))) static enum status
wrong(const struct parser *p, const char *where, const char *format, ...)
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

static void skip_space(struct parser *p)
{
    while (isspace((unsigned char)*p->at)) p->at++;
}

static const char *name_end(const char *at)
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
static const char *closing(const char *at)
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

static enum status add_name(struct parser *p, const char *start, size_t bytes, int64_t *number)
{
    struct formula *out = p->out;
    *number = find_name(out, start, bytes);
    if (*number >= 0) return OK;
    if (bytes == 0) return wrong(p, start, "a column name is missing between the backticks");
    if (out->names == FORMULA_NAMES)
        return wrong(p, start, "more than %d columns; fit fewer at once", FORMULA_NAMES);
    *number = out->names;
    enum status status = text_copy(start, bytes, &out->name[out->names]);
    if (status == OK) out->names++;
    return status;
}

/* Add all columns that the expression start .. end reads; a name before a parenthesis is a
 * function. */
static enum status add_names(struct parser *p, const char *start, const char *end)
{
    enum status status = OK;
    int64_t number = 0;
    for (const char *at = start; at < end && status == OK;) {
        const char *next = at + 1;
        if (*at == '`') {
            next = closing(at);
            if (next == NULL || next > end) return wrong(p, at, "the backtick is not closed");
            status = add_name(p, at + 1, (size_t)(next - at) - 2, &number);
        } else if (isdigit((unsigned char)*at)) {
            next = number_end(at);
        } else if (starts_name(*at)) {
            const char *behind = next = name_end(at);
            while (behind < end && isspace((unsigned char)*behind)) behind++;
            if (behind == end || *behind != '(')
                status = add_name(p, at, (size_t)(next - at), &number);
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

static void factor_clear(struct formula_factor *factor)
{
    free(factor->text);
    expression_free(&factor->expression);
}

/* start .. end without the spaces outside backticks; a bare column also without its backticks. */
static enum status normal_text(const char *start, const char *end, bool bare, char **text)
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
static enum status refuse_power(const struct parser *p, const char *start, const char *end)
{
    bool quoted = false;
    for (const char *at = start; at < end; at++) {
        if (*at == '`') quoted = !quoted;
        if (!quoted && *at == '^') return wrong(p, at, "%s", no_power);
    }
    return OK;
}

/* The factor named start .. end, whose expression is inner .. inner_end. */
static enum status factor_compile(struct parser *p, const char *start, const char *end,
                                  const char *inner, const char *inner_end,
                                  struct formula_factor *factor)
{
    enum status status = OK;
    char *text = NULL;
    *factor = (struct formula_factor){.column = -1};
    TRY(refuse_power(p, inner, inner_end));
    TRY(add_names(p, inner, inner_end));
    TRY(text_copy(inner, (size_t)(inner_end - inner), &text));
    status = expression_compile(text, resolve, p->out, &factor->expression);
    if (status == ERR_CONFIG) status = wrong(p, inner, "%s", status_message());
    if (status != OK) goto done;
    factor->column = expression_column(factor->expression);
    TRY(normal_text(start, end, factor->column >= 0, &factor->text));
done:
    free(text);
    if (status != OK) factor_clear(factor);
    return status;
}

/* Keep the factor, or find that it is there already; its bit in *set. */
static enum status factor_keep(struct parser *p, const char *where, struct formula_factor *factor,
                               uint64_t *set)
{
    struct formula *out = p->out;
    int64_t f = 0;
    while (f < out->factors && strcmp(out->factor[f].text, factor->text) != 0) f++;
    if (f == FORMULA_FACTORS) {
        factor_clear(factor);
        return wrong(p, where, "more than %d different factors; fit fewer at once",
                     FORMULA_FACTORS);
    }
    if (f == out->factors)
        out->factor[out->factors++] = *factor;
    else
        factor_clear(factor);
    *set = (uint64_t)1 << f;
    return OK;
}

/* What a factor may begin with; *end behind it. */
static enum status factor_extent(struct parser *p, const char **end)
{
    const char *start = p->at;
    if (*start == '(')
        return wrong(p, start,
                     "parentheses do not group terms: write I(...) around arithmetic, and "
                     "a:c + b:c for (a + b):c");
    if (*start == 0 || strchr("+-*:|~)", *start) != NULL)
        return wrong(p, start, "a term is expected here: a column, log(column) or I(arithmetic)");
    if (*start != '`' && !starts_name(*start))
        return wrong(p, start, "a term cannot begin with \"%.1s\"; arithmetic goes inside I(...)",
                     start);
    *end = *start == '`' ? closing(start) : name_end(start);
    if (*end != NULL && *start != '`' && **end == '(') *end = closing(*end);
    if (*end == NULL) return wrong(p, start, "what is opened here is not closed");
    return OK;
}

/* One factor; *set is its bit, or 0 for the constant 1. `zero` tells that it was 0. */
static enum status parse_factor(struct parser *p, uint64_t *set, bool *zero)
{
    struct formula_factor factor;
    const char *start, *end = NULL;
    skip_space(p);
    start = p->at;
    *set = 0;
    *zero = false;
    if (*start == '.' && !isdigit((unsigned char)start[1]))
        return wrong(p, start, "there is no . for all columns; name the ones wanted");
    if (isdigit((unsigned char)*start) || *start == '.') {
        p->at = number_end(start);
        *zero = p->at - start == 1 && *start == '0';
        if (p->at - start == 1 && (*start == '0' || *start == '1')) return OK;
        return wrong(p, start,
                     "the only numbers among the terms are 1 (intercept) and 0 (none); write "
                     "I(2 * x) for arithmetic");
    }
    enum status status = factor_extent(p, &end);
    if (status != OK) return status;
    bool arithmetic = strncmp(start, "I(", 2) == 0;
    const char *inner = arithmetic ? start + 2 : start, *inner_end = arithmetic ? end - 1 : end;
    status = factor_compile(p, start, end, inner, inner_end, &factor);
    p->at = end;
    return status == OK ? factor_keep(p, start, &factor, set) : status;
}

/* ---- terms ---- */

static enum status sum_add(struct parser *p, struct sum *sum, uint64_t term)
{
    for (int64_t i = 0; i < sum->terms; i++)
        if (sum->term[i] == term) return OK;
    if (sum->terms == FORMULA_TERMS)
        return wrong(p, p->at, "more than %d terms; write the ones you need with :", FORMULA_TERMS);
    sum->term[sum->terms++] = term;
    return OK;
}

static void sum_remove(struct sum *sum, uint64_t term)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < sum->terms; i++)
        if (sum->term[i] != term) sum->term[kept++] = sum->term[i];
    sum->terms = kept;
}

static bool accept(struct parser *p, char c)
{
    skip_space(p);
    if (*p->at != c) return false;
    p->at++;
    return true;
}

/* a:b:c */
static enum status parse_product(struct parser *p, uint64_t *product, bool *zero)
{
    const char *start = p->at;
    uint64_t set = 0;
    enum status status = parse_factor(p, product, zero);
    while (status == OK && accept(p, ':')) {
        bool next_zero = false;
        status = parse_factor(p, &set, &next_zero);
        if (status == OK && (*zero || next_zero))
            return wrong(p, start, "0 stands alone, as in y ~ x + 0");
        *product |= set;
    }
    return status;
}

/* a * b * c: all of them and all their products. */
static enum status parse_star(struct parser *p, struct sum *sum, bool *zero)
{
    const char *start = p->at;
    uint64_t set = 0;
    enum status status = parse_product(p, &set, zero);
    *sum = (struct sum){1, {set}};
    while (status == OK && accept(p, '*')) {
        bool next_zero = false;
        int64_t before = sum->terms;
        status = parse_product(p, &set, &next_zero);
        if (status == OK && (*zero || next_zero))
            return wrong(p, start, "0 stands alone, as in y ~ x + 0");
        if (status == OK) status = sum_add(p, sum, set);
        for (int64_t i = 0; i < before && status == OK; i++)
            status = sum_add(p, sum, sum->term[i] | set);
    }
    return status;
}

/* One signed summand, added to or taken from all. */
static enum status parse_summand(struct parser *p, bool minus, struct sum *all)
{
    struct sum sum;
    bool zero = false;
    enum status status = parse_star(p, &sum, &zero);
    if (status != OK) return status;
    if (zero) minus = !minus; /* + 0 takes the constant away */
    for (int64_t i = 0; i < sum.terms && status == OK; i++) {
        if (minus)
            sum_remove(all, sum.term[i]);
        else
            status = sum_add(p, all, sum.term[i]);
    }
    return status;
}

static enum status parse_sum(struct parser *p, struct sum *all)
{
    *all = (struct sum){1, {0}};
    bool minus = accept(p, '-');
    if (!minus) accept(p, '+');
    for (;;) {
        enum status status = parse_summand(p, minus, all);
        if (status != OK) return status;
        skip_space(p);
        if (*p->at == 0 || *p->at == '|') return OK;
        if (*p->at == '^') return wrong(p, p->at, "%s", no_power);
        minus = *p->at == '-';
        if (!minus && *p->at != '+')
            return wrong(p, p->at,
                         "+, -, * or : is expected, not \"%.1s\"; arithmetic goes inside "
                         "I(...), names with spaces or signs in backticks",
                         p->at);
        p->at++;
    }
}

/* Main effects first, then products of two, and so on; the constant becomes the intercept. */
static void order_terms(const struct sum *all, struct formula *out)
{
    for (int64_t i = 0; i < all->terms; i++) out->intercept |= all->term[i] == 0;
    for (int degree = 1; degree <= FORMULA_FACTORS; degree++)
        for (int64_t i = 0; i < all->terms; i++)
            if (__builtin_popcountll(all->term[i]) == degree)
                out->term[out->terms++] = all->term[i];
}

/* ---- outcome and effects ---- */

static const char *find_tilde(const char *at)
{
    bool quoted = false;
    for (; *at != 0; at++) {
        if (*at == '`') quoted = !quoted;
        if (!quoted && *at == '~') return at;
    }
    return NULL;
}

static enum status parse_outcome(struct parser *p)
{
    skip_space(p);
    const char *start = p->at, *tilde = find_tilde(start), *end = tilde;
    if (tilde == NULL)
        return wrong(p, start,
                     "~ is missing: write outcome ~ terms, such as log(sales) ~ log(price)");
    while (end > start && isspace((unsigned char)end[-1])) end--;
    if (end == start) return wrong(p, start, "the outcome is missing before ~");
    p->at = tilde + 1;
    return factor_compile(p, start, end, start, end, &p->out->outcome);
}

static enum status parse_effect(struct parser *p)
{
    const char *end = NULL, *start;
    int64_t number = 0;
    skip_space(p);
    start = p->at;
    enum status status = factor_extent(p, &end);
    if (status != OK) return status;
    bool quoted = *start == '`';
    if (!quoted && end[-1] == ')')
        return wrong(p, start, "only columns are absorbed, as in | store + week");
    status = add_name(p, start + quoted, (size_t)(end - start) - 2 * quoted, &number);
    p->at = end;
    for (int64_t i = 0; i < p->out->effects && status == OK; i++)
        if (p->out->effect[i] == number) return wrong(p, start, "this column is absorbed twice");
    if (status == OK) p->out->effect[p->out->effects++] = number;
    return status;
}

static enum status parse_effects(struct parser *p)
{
    enum status status = OK;
    if (!accept(p, '|')) return OK;
    do status = parse_effect(p);
    while (status == OK && accept(p, '+'));
    if (status == OK && *p->at != 0)
        return wrong(p, p->at, "+ is expected between absorbed columns, not \"%.1s\"", p->at);
    return status;
}

/* ---- public ---- */

enum status formula_parse(const char *text, struct formula **formula)
{
    enum status status = OK;
    struct formula *out = NULL;
    struct sum all;
    *formula = NULL;
    TRY(memory_new(&out, 1, sizeof *out));
    struct parser p = {.text = text, .at = text, .out = out};
    TRY(parse_outcome(&p));
    TRY(parse_sum(&p, &all));
    TRY(parse_effects(&p));
    order_terms(&all, out);
    if (out->terms == 0 && !out->intercept && out->effects == 0)
        TRY(wrong(&p, p.at, "nothing is left to explain the outcome by"));
    *formula = out;
    out = NULL;
done:
    formula_free(&out);
    return status;
}

bool formula_has(const struct formula *formula, uint64_t factors)
{
    if (factors == 0) return formula->intercept || formula->effects > 0;
    for (int64_t t = 0; t < formula->terms; t++)
        if (formula->term[t] == factors) return true;
    return false;
}

void formula_free(struct formula **formula)
{
    struct formula *f = *formula;
    if (f == NULL) return;
    for (int64_t i = 0; i < f->names; i++) free(f->name[i]);
    for (int64_t i = 0; i < f->factors; i++) factor_clear(&f->factor[i]);
    factor_clear(&f->outcome);
    free(f);
    *formula = NULL;
}
