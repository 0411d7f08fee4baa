/* EXPRESSION <= EXPRESSION [per NAME | for NAME = GROUP] */
#include "jobs/limits.h"

#include "jobs/suggest.h"
#include "mpi/memory.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES = 64, DECIMALS_MOST = 15, TERMS_MOST = 16 };

#define LIMIT_MOST ((int64_t)1 << 60)

struct measure_facts {
    const char *name;
    int decimals;
    const char *unit_name;
};

#define FACTS(name, decimals, unit, help) {#name, decimals, unit},
static const struct measure_facts measures[LIMIT_MEASURES] = {LIMIT_MEASURES_LIST(FACTS)};
#undef FACTS

/* vendor and brand are one */
static const struct {
    const char *name;
    enum limit_by by;
} groupings[] = {{"category", BY_CATEGORY}, {"brand", BY_BRAND},   {"vendor", BY_BRAND},
                 {"product", BY_PRODUCT},   {"market", BY_MARKET}, {"segment", BY_SEGMENT},
                 {"day", BY_ALL},           {NULL, LIMIT_BYS}};

const char *limit_by_name(enum limit_by by)
{
    for (int g = 0; groupings[g].name != NULL; g++)
        if (groupings[g].by == by && by != BY_ALL) return groupings[g].name;
    return "all";
}

/* An exact decimal: mantissa x 10^-decimals. */
struct decimal {
    int64_t mantissa;
    int decimals;
};

/* number x measure, measure LIMIT_MEASURES for a number alone, or the stock. */
struct term {
    struct decimal number;
    int measure;
    bool stock;
};

struct parser {
    const char *text, *at;
    struct term term[TERMS_MOST]; /* left side less right side */
    int terms;
};

static enum status refuse(const struct parser *p, const char *what)
{
    return FAIL(ERR_CONFIG,
                "\"%.200s\": %s; write for example \"cost <= 250 per category\", \"purchases >= "
                "2000\", \"profit_gain >= 1.5 * cost\" or \"cost <= 80 for category = DAIRY\"",
                p->text, what);
}

static void skip_blanks(struct parser *p)
{
    while (isspace((unsigned char)*p->at)) p->at++;
}

static bool take(struct parser *p, const char *sign)
{
    skip_blanks(p);
    if (strncmp(p->at, sign, strlen(sign)) != 0) return false;
    p->at += strlen(sign);
    return true;
}

/* A name of letters, digits and _; false if there is none, or a longer one than there can be. */
static bool take_word(struct parser *p, char word[WORD_BYTES])
{
    size_t bytes = 0;
    skip_blanks(p);
    if (!isalpha((unsigned char)*p->at)) return false;
    while (isalnum((unsigned char)p->at[bytes]) || p->at[bytes] == '_') bytes++;
    if (bytes >= WORD_BYTES) return false;
    memcpy(word, p->at, bytes);
    word[bytes] = 0;
    p->at += bytes;
    return true;
}

static bool take_number(struct parser *p, struct decimal *number)
{
    int digits = 0;
    bool point = false;
    skip_blanks(p);
    *number = (struct decimal){0};
    for (; isdigit((unsigned char)*p->at) || (*p->at == '.' && !point); p->at++) {
        if (*p->at == '.') {
            point = true;
            continue;
        }
        if (++digits > 17) return false;
        number->mantissa = 10 * number->mantissa + (*p->at - '0');
        number->decimals += point;
    }
    while (number->decimals > 0 && number->mantissa % 10 == 0) {
        number->mantissa /= 10;
        number->decimals--;
    }
    return digits > 0 && !isalpha((unsigned char)*p->at) && *p->at != '.';
}

static enum status unknown_measure(const struct parser *p, const char *word)
{
    char what[256];
    struct suggestion near = SUGGESTION(word);
    suggestion_offer(&near, "stock");
    for (int m = 0; m < LIMIT_MEASURES; m++) suggestion_offer(&near, measures[m].name);
    if (near.best != NULL)
        snprintf(what, sizeof what, "there is no \"%s\" to limit, did you mean %s?", word,
                 near.best);
    else
        snprintf(what, sizeof what,
                 "there is no \"%s\" to limit, only cost, purchases, revenue, profit, profit_gain, "
                 "surplus, discount and discounts",
                 word);
    return refuse(p, what);
}

static enum status name_term(const struct parser *p, const char *word, struct term *term)
{
    term->stock = strcmp(word, "stock") == 0;
    for (int m = 0; m < LIMIT_MEASURES; m++)
        if (strcmp(measures[m].name, word) == 0) term->measure = m;
    return term->measure < LIMIT_MEASURES || term->stock ? OK : unknown_measure(p, word);
}

/* [NUMBER [*]] NAME, NAME [* NUMBER] or NUMBER */
static enum status take_term(struct parser *p, bool negative)
{
    char word[WORD_BYTES];
    struct term term = {{1, 0}, LIMIT_MEASURES, false};
    if (p->terms == TERMS_MOST) return refuse(p, "it has too many terms");
    skip_blanks(p);
    bool number = isdigit((unsigned char)*p->at) || *p->at == '.';
    if (number && !take_number(p, &term.number)) return refuse(p, "a number is not understood");
    bool times = number && take(p, "*");
    const char *before = p->at;
    bool named = take_word(p, word);
    if (named && number && !times && (strcmp(word, "per") == 0 || strcmp(word, "for") == 0)) {
        p->at = before;
        named = false;
    }
    if (!named && (!number || times)) return refuse(p, "a measure or a number is missing");
    if (named) {
        enum status status = name_term(p, word, &term);
        if (status != OK) return status;
        if (!number && take(p, "*") && !take_number(p, &term.number))
            return refuse(p, "a number is missing after *");
    }
    if (negative) term.number.mantissa = -term.number.mantissa;
    p->term[p->terms++] = term;
    return OK;
}

/* TERM {+|- TERM}; sign -1 for the right side */
static enum status take_side(struct parser *p, bool right)
{
    bool minus = take(p, "-");
    for (;;) {
        enum status status = take_term(p, minus != right);
        if (status != OK) return status;
        minus = take(p, "-");
        if (!minus && !take(p, "+")) return OK;
    }
}

/* ---- what follows the comparison ---- */

static enum status find_grouping(const struct parser *p, const char *word, struct limit_rule *rule)
{
    char what[256];
    struct suggestion near = SUGGESTION(word);
    for (int g = 0; groupings[g].name != NULL; g++) {
        suggestion_offer(&near, groupings[g].name);
        if (strcmp(groupings[g].name, word) != 0) continue;
        rule->by = groupings[g].by;
        rule->per_day = rule->by == BY_ALL;
        return OK;
    }
    snprintf(what, sizeof what, "there is no \"%s\" to limit by%s%s%s", word,
             near.best != NULL ? ", did you mean " : "", near.best != NULL ? near.best : "",
             near.best != NULL ? "?" : ", only category, brand, product, market, segment and day");
    return refuse(p, what);
}

/* The rest of the text, without blanks and quotes around it. */
static enum status take_group(struct parser *p, struct limit_rule *rule)
{
    skip_blanks(p);
    size_t bytes = strlen(p->at);
    while (bytes > 0 && isspace((unsigned char)p->at[bytes - 1])) bytes--;
    bool quoted =
        bytes >= 2 && (p->at[0] == '"' || p->at[0] == '\'') && p->at[bytes - 1] == p->at[0];
    if (bytes == (quoted ? 2U : 0U)) return refuse(p, "the group's name is missing");
    rule->only = strndup(p->at + quoted, bytes - (quoted ? 2 : 0));
    p->at += strlen(p->at);
    return rule->only != NULL ? OK : FAIL(ERR_MEMORY, "no memory for a limit");
}

static enum status take_grouping(struct parser *p, struct limit_rule *rule)
{
    char word[WORD_BYTES];
    skip_blanks(p);
    if (*p->at == 0) return OK;
    bool known = take_word(p, word);
    bool one = known && strcmp(word, "for") == 0;
    if (!one && (!known || strcmp(word, "per") != 0))
        return refuse(p, "what follows the limit is not understood");
    if (!take_word(p, word)) return refuse(p, "a name is missing after \"per\" or \"for\"");
    enum status status = find_grouping(p, word, rule);
    if (status != OK) return status;
    if (one && rule->per_day) return refuse(p, "a single day has no limit of its own");
    if (one && !take(p, "=")) return refuse(p, "\"for\" wants a name, = and a group");
    if (one) return take_group(p, rule);
    skip_blanks(p);
    return *p->at == 0 ? OK : refuse(p, "\"per\" is followed by one name");
}

/* ---- meaning ---- */

/* Brings all to a finer unit; false and unchanged where a number would be too large. */
static bool refine(struct limit_rule *rule, int decimals)
{
    struct limit_rule fine = *rule;
    for (; fine.decimals < decimals; fine.decimals++) {
        bool large =
            __builtin_mul_overflow(fine.limit, 10, &fine.limit) || llabs(fine.limit) >= LIMIT_MOST;
        for (int m = 0; m < LIMIT_MEASURES; m++)
            large |= __builtin_mul_overflow(fine.factor[m], 10, &fine.factor[m]) ||
                     llabs(fine.factor[m]) >= LIMIT_MOST;
        if (large) return false;
    }
    *rule = fine;
    return true;
}

bool limit_same_unit(struct limit_rule *a, struct limit_rule *b)
{
    struct limit_rule fine_a = *a, fine_b = *b;
    if (!refine(&fine_a, b->decimals) || !refine(&fine_b, a->decimals)) return false;
    if (memcmp(fine_a.factor, fine_b.factor, sizeof fine_a.factor) != 0) return false;
    *a = fine_a;
    *b = fine_b;
    return true;
}

/* mantissa x 10^(to - decimals), if it stays within bounds */
static bool scale(struct decimal number, int to, int64_t *scaled)
{
    *scaled = number.mantissa;
    for (int d = number.decimals; d < to; d++)
        if (__builtin_mul_overflow(*scaled, 10, scaled)) return false;
    return *scaled<LIMIT_MOST && * scaled> - LIMIT_MOST;
}

/* The unit in which all terms are whole numbers. */
static void find_unit(const struct parser *p, struct limit_rule *rule)
{
    for (int t = 0; t < p->terms; t++) {
        const struct term *term = &p->term[t];
        int decimals = term->number.decimals;
        if (term->measure < LIMIT_MEASURES) {
            const struct measure_facts *facts = &measures[term->measure];
            decimals += facts->decimals;
            if (rule->unit_name != NULL && strcmp(rule->unit_name, facts->unit_name) != 0)
                rule->unit_name = "units";
            else
                rule->unit_name = facts->unit_name;
        }
        rule->decimals = decimals > rule->decimals ? decimals : rule->decimals;
    }
}

static enum status add_term(const struct parser *p, const struct term *term,
                            struct limit_rule *rule)
{
    int64_t scaled;
    bool measure = term->measure < LIMIT_MEASURES;
    if (term->stock) return OK;
    int decimals = rule->decimals - (measure ? measures[term->measure].decimals : 0);
    if (!scale(term->number, decimals, &scaled))
        return refuse(p, "a number is too large, or has too many digits");
    if (measure)
        rule->factor[term->measure] += scaled;
    else
        rule->limit -= scaled;
    return OK;
}

static enum status check_stock(const struct parser *p, struct limit_rule *rule)
{
    for (int t = 0; t < p->terms; t++) rule->stock = rule->stock || p->term[t].stock;
    if (!rule->stock) return OK;
    bool right = p->terms == 2 && !p->term[0].stock && p->term[0].measure == LIMIT_purchases &&
                 p->term[0].number.mantissa == 1 && p->term[0].number.decimals == 0 &&
                 p->term[1].number.mantissa == -1 && p->term[1].number.decimals == 0 &&
                 !rule->at_least && rule->by == BY_PRODUCT;
    return right ? OK : refuse(p, "a stock is kept by \"purchases <= stock per product\" alone");
}

/* "profit_gain - 1.5 * cost" of what stands on the left */
static enum status name_measure(const struct parser *p, struct limit_rule *rule)
{
    char text[512] = "";
    size_t used = 0;
    for (int t = 0; t < p->terms && used < sizeof text; t++) {
        const struct term *term = &p->term[t];
        if (term->measure == LIMIT_MEASURES) continue;
        int64_t whole = llabs(term->number.mantissa), part = 1;
        for (int d = 0; d < term->number.decimals; d++) part *= 10;
        const char *sign =
            term->number.mantissa < 0 ? (used > 0 ? " - " : "-") : (used > 0 ? " + " : "");
        used += (size_t)snprintf(text + used, sizeof text - used, "%s", sign);
        if (whole != part && used < sizeof text)
            used += (size_t)snprintf(text + used, sizeof text - used, "%.15g * ",
                                     (double)whole / (double)part);
        if (used < sizeof text)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s",
                                     measures[term->measure].name);
    }
    rule->measure = strdup(text);
    return rule->measure != NULL ? OK : FAIL(ERR_MEMORY, "no memory for a limit");
}

static enum status give_meaning(const struct parser *p, struct limit_rule *rule)
{
    enum status status = OK;
    int measured = 0;
    find_unit(p, rule);
    if (rule->decimals > DECIMALS_MOST) TRY(refuse(p, "a number has too many digits"));
    TRY(check_stock(p, rule));
    for (int t = 0; t < p->terms; t++) TRY(add_term(p, &p->term[t], rule));
    for (int m = 0; m < LIMIT_MEASURES; m++) measured += rule->factor[m] != 0;
    if (measured == 0) TRY(refuse(p, "it names nothing to limit"));
    rule->ratio = measured > 1;
    TRY(name_measure(p, rule));
done:
    return status;
}

/* "0.5 >= cost" is "cost <= 0.5": the measure that is named first counts as it is. */
static void turn(struct parser *p, struct limit_rule *rule)
{
    int first = 0;
    while (first < p->terms && p->term[first].measure == LIMIT_MEASURES) first++;
    if (first == p->terms || p->term[first].number.mantissa >= 0) return;
    for (int t = 0; t < p->terms; t++) p->term[t].number.mantissa = -p->term[t].number.mantissa;
    rule->at_least = !rule->at_least;
}

enum status limit_parse(const char *text, struct limit_rule *rule)
{
    enum status status = OK;
    struct parser p = {.text = text, .at = text};
    *rule = (struct limit_rule){.text = strdup(text)};
    if (rule->text == NULL) TRY(FAIL(ERR_MEMORY, "no memory for a limit"));
    TRY(take_side(&p, false));
    rule->at_least = take(&p, ">=");
    if (!rule->at_least && !take(&p, "<=")) TRY(refuse(&p, "no <= or >= between two sides"));
    TRY(take_side(&p, true));
    TRY(take_grouping(&p, rule));
    turn(&p, rule);
    TRY(give_meaning(&p, rule));
done:
    return status;
}

void limit_rule_clear(struct limit_rule *rule)
{
    free(rule->text);
    free(rule->measure);
    free(rule->only);
    *rule = (struct limit_rule){0};
}
