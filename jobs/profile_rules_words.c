/* Rules about the features of profiles in words. */
#include "jobs/profile_rules_words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_BYTES = 32, AMOUNT_BYTES = 128, CURRENCY_BYTES = 32 };

/* A feature, or with a colon at its end all that begin so; {} is the amount, [] the feature's own
 * name behind the colon. */
struct words {
    const char *name;
    enum profile_scale scale;
    const char *unit; /* behind a number; "currency": the shop's */
    const char *phrase;
    const char *one;        /* the phrase where the amount ends in 1; NULL: the same */
    const char *none, *any; /* for "at most 0" and "over 0"; NULL: as any other */
};

static const struct words words[] = {
    {"recency", SCALE_LOG, "", "last bought {} days ago", "last bought {} day ago", NULL, NULL},
    {"frequency", SCALE_LOG, "", "buys {} times a month", "buys {} time a month", "never buys",
     "has bought"},
    {"spend", SCALE_LOG, "currency", "spends {} a month", NULL, "spends nothing", "has paid"},
    {"basket", SCALE_LOG, "currency", "pays {} a basket", NULL, "pays nothing", "has paid"},
    {"variety", SCALE_WHOLE, "", "buys from {} categories", "buys from {} category",
     "buys from no category", "has bought"},
    {"discount_share", SCALE_PERCENT, " %", "buys {} on promotion", NULL, "buys none on promotion",
     "buys on promotion"},
    {"discount_depth", SCALE_PERCENT, " %", "pays {} below list prices", NULL,
     "pays no less than list prices", "pays less than list prices"},
    {"browse_to_buy", SCALE_PERCENT, " %", "{} of views, clicks, carts and purchases are purchases",
     NULL, "views, clicks or fills carts but never buys", "has bought"},
    {"tenure", SCALE_LOG, "", "has been a customer for {} days", "has been a customer for {} day",
     NULL, NULL},
    {"category:", SCALE_PERCENT, " %", "spends {} on []", NULL, "spends nothing on []",
     "spends on []"},
    {"season:Q1", SCALE_PERCENT, " %", "spends {} from January to March", NULL,
     "spends nothing from January to March", "spends from January to March"},
    {"season:Q2", SCALE_PERCENT, " %", "spends {} from April to June", NULL,
     "spends nothing from April to June", "spends from April to June"},
    {"season:Q3", SCALE_PERCENT, " %", "spends {} from July to September", NULL,
     "spends nothing from July to September", "spends from July to September"},
    {"season:Q4", SCALE_PERCENT, " %", "spends {} from October to December", NULL,
     "spends nothing from October to December", "spends from October to December"},
};

static const struct words other = {"", SCALE_PLAIN, "", "has [] {}", NULL, NULL, NULL};

static const struct words *words_of(const char *name)
{
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        size_t bytes = strlen(words[w].name);
        bool begins = words[w].name[bytes - 1] == ':';
        if (begins ? strncmp(name, words[w].name, bytes) == 0 : strcmp(name, words[w].name) == 0)
            return &words[w];
    }
    return &other;
}

enum profile_scale profile_words_scale(const char *name)
{
    return words_of(name)->scale;
}

float profile_words_value(enum profile_scale scale, double value)
{
    switch (scale) {
    case SCALE_LOG:
        return (float)expm1(value);
    case SCALE_WHOLE:
        return (float)rint(expm1(value));
    case SCALE_PERCENT:
        return (float)(100 * value);
    case SCALE_PLAIN:
        break;
    }
    return (float)value;
}

/* ---- a condition ---- */

/* Six digits at most, never as a power of ten. */
static void number(double value, char text[NUMBER_BYTES])
{
    snprintf(text, NUMBER_BYTES, "%.6g", value);
    if (fabs(value) >= 1e5 && fabs(value) < 1e20)
        snprintf(text, NUMBER_BYTES, "%.0f", strtod(text, NULL));
}

static void amount(const struct words *w, const char *currency,
                   const struct tree_condition *condition, char text[AMOUNT_BYTES])
{
    char low[NUMBER_BYTES], high[NUMBER_BYTES], unit[CURRENCY_BYTES];
    bool above = isfinite(condition->above), upto = isfinite(condition->upto);
    bool counts = w->scale == SCALE_WHOLE && upto; /* over 2 and up to 5 are 3 to 5 */
    number((double)condition->above + counts, low);
    number((double)condition->upto, high);
    if (strcmp(w->unit, "currency") != 0)
        snprintf(unit, sizeof unit, "%s", w->unit);
    else
        snprintf(unit, sizeof unit, "%s%s", currency != NULL ? " " : "",
                 currency != NULL ? currency : "");
    if (!upto)
        snprintf(text, AMOUNT_BYTES, "over %s%s", low, unit);
    else if (!above)
        snprintf(text, AMOUNT_BYTES, "at most %s%s", high, unit);
    else if (strcmp(low, high) == 0)
        snprintf(text, AMOUNT_BYTES, "%s%s", low, unit);
    else
        snprintf(text, AMOUNT_BYTES, "%s to %s%s", low, high, unit);
}

static const char *phrase_of(const struct words *w, const struct tree_condition *condition)
{
    double above = (double)condition->above, upto = (double)condition->upto;
    bool limited = isfinite(upto);
    if (w->none != NULL && !isfinite(above) && upto == 0) return w->none;
    if (w->any != NULL && above == 0 && !limited) return w->any;
    return w->one != NULL && (limited ? upto : above) == 1 ? w->one : w->phrase;
}

static void put_condition(FILE *to, const struct dictionary *names, const char *currency,
                          const struct tree_condition *condition)
{
    const char *name = dictionary_text(names, condition->column);
    const struct words *w = words_of(name);
    char text[AMOUNT_BYTES];
    amount(w, currency, condition, text);
    for (const char *at = phrase_of(w, condition); *at != 0; at++) {
        if (at[0] == '{') {
            fputs(text, to);
            at++;
        } else if (at[0] == '[') {
            fputs(name + strlen(w->name), to);
            at++;
        } else {
            putc(at[0], to);
        }
    }
}

enum status profile_words_rule(const struct dictionary *names, const char *currency,
                               const struct tree_rule *rule, char **text)
{
    size_t bytes = 0;
    *text = NULL;
    FILE *to = open_memstream(text, &bytes);
    if (to == NULL) return FAIL(ERR_MEMORY, "no memory for a rule in words");
    if (rule->conditions == 0) fputs("any user", to);
    for (int64_t i = 0; i < rule->conditions; i++) {
        fputs(i == 0 ? "" : i + 1 < rule->conditions ? ", " : " and ", to);
        put_condition(to, names, currency, &rule->condition[i]);
    }
    bool bad = ferror(to) != 0;
    bad = fclose(to) != 0 || bad;
    if (!bad) return OK;
    free(*text);
    *text = NULL;
    return FAIL(ERR_MEMORY, "no memory for a rule in words");
}
