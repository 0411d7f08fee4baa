/* From the text of a formula to outcome, factors, terms and absorbed effects. */
#include "jobs/formula_parser.h"

#include "mpi/memory.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NESTING = 16 };

static const char no_quotient[] =
    "a quotient goes inside I(a / b); write a + a:b for effects of b within a";

/* ---- terms ---- */

static enum status sum_add(struct formula_parser *p, struct formula_sum *sum, uint64_t term)
{
    for (int64_t i = 0; i < sum->terms; i++)
        if (sum->term[i] == term) return OK;
    if (sum->terms == FORMULA_TERMS)
        return formula_wrong(p, p->at,
                             "more than %d terms; write the ones you need with :", FORMULA_TERMS);
    sum->term[sum->terms++] = term;
    return OK;
}

static void sum_remove(struct formula_sum *sum, uint64_t term)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < sum->terms; i++)
        if (sum->term[i] != term) sum->term[kept++] = sum->term[i];
    sum->terms = kept;
}

static enum status parse_sum(struct formula_parser *p, struct formula_sum *all);

/* ( sum ) */
static enum status parse_group(struct formula_parser *p, struct formula_sum *sum)
{
    const char *start = p->at++;
    if (p->nesting == NESTING) return formula_wrong(p, start, "nested more than %d deep", NESTING);
    p->nesting++;
    *sum = (struct formula_sum){0};
    enum status status = parse_sum(p, sum);
    p->nesting--;
    if (status != OK) return status;
    if (!formula_accept(p, ')'))
        return formula_wrong(p, start, "what is opened here is not closed");
    formula_skip_space(p);
    if (formula_comparison_length(p->at) > 0)
        return formula_wrong(p, p->at, "arithmetic that is compared goes inside I(...)");
    if (sum->terms == 0)
        return formula_wrong(p, start, "nothing is left between these parentheses");
    return OK;
}

/* A factor or a group. */
static enum status parse_primary(struct formula_parser *p, struct formula_sum *sum)
{
    formula_skip_space(p);
    if (*p->at == '(') return parse_group(p, sum);
    *sum = (struct formula_sum){.terms = 1};
    return formula_parse_factor(p, &sum->term[0], &sum->zero);
}

/* product = every term of a with every term of b, after those already in it. */
static enum status sum_cross(struct formula_parser *p, const struct formula_sum *a,
                             const struct formula_sum *b, struct formula_sum *product)
{
    enum status status = OK;
    for (int64_t i = 0; i < a->terms; i++)
        for (int64_t j = 0; j < b->terms && status == OK; j++)
            status = sum_add(p, product, a->term[i] | b->term[j]);
    return status;
}

/* a:b:c */
static enum status parse_product(struct formula_parser *p, struct formula_sum *product)
{
    const char *start = p->at;
    struct formula_sum left, right;
    enum status status = parse_primary(p, product);
    while (status == OK && formula_accept(p, ':')) {
        left = *product;
        status = parse_primary(p, &right);
        if (status == OK && (left.zero || right.zero))
            return formula_wrong(p, start, "0 stands alone, as in y ~ x + 0");
        *product = (struct formula_sum){0};
        if (status == OK) status = sum_cross(p, &left, &right, product);
    }
    return status;
}

/* a * b * c: all of them and all their products. */
static enum status parse_star(struct formula_parser *p, struct formula_sum *sum)
{
    const char *start = p->at;
    struct formula_sum left, right;
    enum status status = parse_product(p, sum);
    while (status == OK && formula_accept(p, '*')) {
        if (*p->at == '*') return formula_wrong(p, p->at - 1, "%s", formula_no_power);
        left = *sum;
        status = parse_product(p, &right);
        if (status == OK && (left.zero || right.zero))
            return formula_wrong(p, start, "0 stands alone, as in y ~ x + 0");
        for (int64_t i = 0; i < right.terms && status == OK; i++)
            status = sum_add(p, sum, right.term[i]);
        if (status == OK) status = sum_cross(p, &left, &right, sum);
    }
    return status;
}

static enum status parse_instruments(struct formula_parser *p);

/* One signed summand, added to or taken from all. */
static enum status parse_summand(struct formula_parser *p, bool minus, struct formula_sum *all)
{
    struct formula_sum sum;
    formula_skip_space(p);
    if (*p->at == '[' && !minus) return parse_instruments(p);
    enum status status = parse_star(p, &sum);
    if (status != OK) return status;
    if (sum.zero) minus = !minus; /* + 0 takes the constant away */
    for (int64_t i = 0; i < sum.terms && status == OK; i++) {
        if (minus)
            sum_remove(all, sum.term[i]);
        else
            status = sum_add(p, all, sum.term[i]);
    }
    return status;
}

/* Add summands to *all, up to what ends a sum. */
static enum status parse_sum(struct formula_parser *p, struct formula_sum *all)
{
    bool minus = formula_accept(p, '-');
    if (!minus) formula_accept(p, '+');
    for (;;) {
        enum status status = parse_summand(p, minus, all);
        if (status != OK) return status;
        formula_skip_space(p);
        if (*p->at == 0 || strchr("|)~]", *p->at) != NULL) return OK;
        if (*p->at == '^') return formula_wrong(p, p->at, "%s", formula_no_power);
        if (*p->at == '/') return formula_wrong(p, p->at, "%s", no_quotient);
        minus = *p->at == '-';
        if (!minus && *p->at != '+')
            return formula_wrong(p, p->at,
                                 "+, -, * or : is expected, not \"%.1s\"; arithmetic goes inside "
                                 "I(...), names with spaces or signs in backticks",
                                 p->at);
        p->at++;
    }
}

/* ---- terms in order ---- */

static bool has_term(const struct formula *formula, uint64_t term)
{
    for (int64_t t = 0; t < formula->terms; t++)
        if (formula->term[t] == term) return true;
    return false;
}

/* Append terms of one role: main effects first, then products of two, and so on. */
static enum status keep_terms(struct formula_parser *p, const char *where,
                              const struct formula_sum *all, enum formula_role role)
{
    struct formula *out = p->out;
    for (int degree = 1; degree <= FORMULA_FACTORS; degree++)
        for (int64_t i = 0; i < all->terms; i++) {
            if (__builtin_popcountll(all->term[i]) != degree) continue;
            if (has_term(out, all->term[i]))
                return formula_wrong(
                    p, where,
                    "a term stands both inside the brackets and outside, or on both "
                    "sides within; it is exogenous, endogenous or an instrument");
            if (out->terms == FORMULA_TERMS)
                return formula_wrong(p, where, "more than %d terms", FORMULA_TERMS);
            out->role[out->terms] = role;
            out->term[out->terms++] = all->term[i];
        }
    return OK;
}

/* A side of [endogenous ~ instruments]. */
static enum status parse_side(struct formula_parser *p, char end, struct formula_sum *sum)
{
    const char *start = p->at;
    enum status status = parse_sum(p, sum);
    if (status != OK) return status;
    for (int64_t i = 0; i < sum->terms; i++)
        if (sum->term[i] == 0)
            return formula_wrong(p, start, "the intercept is said outside the brackets");
    if (!formula_accept(p, end))
        return formula_wrong(p, p->at,
                             end == '~' ? "~ is expected: [endogenous ~ instruments]"
                                        : "] is expected behind the instruments");
    return sum->terms > 0 ? OK : formula_wrong(p, start, "nothing is left here");
}

/* [endogenous ~ instruments] */
static enum status parse_instruments(struct formula_parser *p)
{
    const char *start = p->at++;
    if (p->nesting > 0)
        return formula_wrong(p, start, "[...] stands by itself, not inside parentheses");
    if (p->bracket != NULL)
        return formula_wrong(p, start,
                             "there is one [...] already; name all endogenous terms in it, as in "
                             "[p + q ~ z1 + z2]");
    p->bracket = start;
    enum status status = parse_side(p, '~', &p->endogenous);
    return status == OK ? parse_side(p, ']', &p->instruments) : status;
}

/* All terms of the right side; the constant becomes the intercept. */
static enum status parse_terms(struct formula_parser *p)
{
    const char *start = p->at;
    struct formula_sum all = {.terms = 1};
    enum status status = parse_sum(p, &all);
    if (status == OK && *p->at != 0 && *p->at != '|')
        return formula_wrong(p, p->at, "nothing was opened that \"%.1s\" could end", p->at);
    for (int64_t i = 0; i < all.terms; i++) p->out->intercept |= all.term[i] == 0;
    if (status == OK) status = keep_terms(p, start, &all, FORMULA_EXOGENOUS);
    if (status == OK) status = keep_terms(p, p->bracket, &p->endogenous, FORMULA_ENDOGENOUS);
    return status == OK ? keep_terms(p, p->bracket, &p->instruments, FORMULA_INSTRUMENT) : status;
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

static enum status parse_outcome(struct formula_parser *p)
{
    formula_skip_space(p);
    const char *start = p->at, *tilde = find_tilde(start), *end = tilde;
    if (tilde == NULL)
        return formula_wrong(
            p, start, "~ is missing: write outcome ~ terms, such as log(sales) ~ log(price)");
    while (end > start && isspace((unsigned char)end[-1])) end--;
    if (end == start) return formula_wrong(p, start, "the outcome is missing before ~");
    p->at = tilde + 1;
    enum status status = formula_factor_compile(p, start, end, &p->out->outcome);
    if (status == OK && p->out->outcome.levels)
        return formula_wrong(p, start, "the outcome is a number, not the levels of one");
    return status;
}

/* One column of an absorbed effect: its name, in backticks or not, or C(name). */
static enum status parse_effect_column(struct formula_parser *p, int64_t *number)
{
    const char *end = NULL, *start;
    formula_skip_space(p);
    start = p->at;
    enum status status = formula_factor_extent(p, &end);
    if (status != OK) return status;
    p->at = end;
    if (formula_is_wrapped(start, end) && *start == 'C') {
        start = formula_past_space(start + 2);
        while (end[-1] == ')' || isspace((unsigned char)end[-1])) end--;
    }
    bool quoted = *start == '`';
    if (quoted ? formula_closing(start) != end : formula_name_end(start) != end)
        return formula_wrong(p, start,
                             "only columns are absorbed, as in | store + week or | store:week");
    return formula_add_name(p, start + quoted, (size_t)(end - start) - 2 * quoted, number);
}

static bool same_effect(const struct formula_effect *a, const struct formula_effect *b)
{
    return a->names == b->names &&
           memcmp(a->name, b->name, (size_t)a->names * sizeof *a->name) == 0;
}

static enum status parse_effect(struct formula_parser *p)
{
    enum status status = OK;
    struct formula *out = p->out;
    formula_skip_space(p);
    const char *start = p->at;
    if (out->effects == FORMULA_EFFECTS)
        return formula_wrong(p, start, "more than %d absorbed effects", FORMULA_EFFECTS);
    struct formula_effect *effect = &out->effect[out->effects];
    do {
        if (effect->names == FORMULA_EFFECTS)
            return formula_wrong(p, p->at, "too many columns combined");
        status = parse_effect_column(p, &effect->name[effect->names]);
        if (status == OK) effect->names++;
    } while (status == OK && formula_accept(p, ':'));
    if (status != OK) return status;
    for (int64_t i = 0; i < out->effects; i++)
        if (same_effect(&out->effect[i], effect))
            return formula_wrong(p, start, "this column is absorbed twice");
    const char *end = p->at;
    while (end > start && isspace((unsigned char)end[-1])) end--;
    status = formula_normal_text(start, end, effect->names == 1, &effect->text);
    if (status == OK) out->effects++;
    return status;
}

static enum status parse_effects(struct formula_parser *p)
{
    enum status status = OK;
    if (!formula_accept(p, '|')) return OK;
    do status = parse_effect(p);
    while (status == OK && formula_accept(p, '+'));
    if (status == OK && *p->at != 0)
        return formula_wrong(p, p->at, "+ is expected between absorbed columns, not \"%.1s\"",
                             p->at);
    return status;
}

/* ---- public ---- */

static enum status parse(const char *text, bool instruments, struct formula **formula)
{
    enum status status = OK;
    struct formula *out = NULL;
    *formula = NULL;
    TRY(memory_new(&out, 1, sizeof *out));
    out->weight = out->cluster = -1;
    struct formula_parser p = {.text = text, .at = text, .out = out};
    TRY(parse_outcome(&p));
    TRY(parse_terms(&p));
    TRY(parse_effects(&p));
    if (p.bracket != NULL && !instruments)
        TRY(formula_wrong(&p, p.bracket, "instruments [p ~ z] are for `remise fit iv`"));
    if (out->terms == 0 && !out->intercept && out->effects == 0)
        TRY(formula_wrong(&p, p.at, "nothing is left to explain the outcome by"));
    *formula = out;
    out = NULL;
done:
    formula_free(&out);
    return status;
}

enum status formula_parse(const char *text, struct formula **formula)
{
    return parse(text, false, formula);
}

enum status formula_parse_instrumented(const char *text, struct formula **formula)
{
    return parse(text, true, formula);
}

enum status formula_read(struct formula *formula, const char *name, int64_t *number)
{
    struct formula_parser p = {.text = name, .at = name, .out = formula};
    return formula_add_name(&p, name, strlen(name), number);
}

bool formula_instrumented(const struct formula *formula)
{
    for (int64_t t = 0; t < formula->terms; t++)
        if (formula->role[t] != FORMULA_EXOGENOUS) return true;
    return false;
}

bool formula_has(const struct formula *formula, uint64_t factors, enum formula_role role)
{
    if (factors == 0) return formula->intercept || formula->effects > 0;
    for (int64_t t = 0; t < formula->terms; t++)
        if (formula->term[t] == factors)
            return formula->role[t] == FORMULA_EXOGENOUS || formula->role[t] == role;
    return false;
}

void formula_free(struct formula **formula)
{
    struct formula *f = *formula;
    if (f == NULL) return;
    for (int64_t i = 0; i < f->names; i++) free(f->name[i]);
    for (int64_t i = 0; i < f->factors; i++) formula_factor_clear(&f->factor[i]);
    for (int64_t i = 0; i < f->effects; i++) free(f->effect[i].text);
    formula_factor_clear(&f->outcome);
    free(f);
    *formula = NULL;
}
