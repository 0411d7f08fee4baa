/* Policies for missing values: words to rules. */
#include "jobs/impute.h"

#include "io/parse.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { POLICY_BYTES = 64 };

static const char *const rule_words[] = {
    [IMPUTE_DROP] = "drop",       [IMPUTE_KEEP] = "keep", [IMPUTE_DERIVE] = "derive",
    [IMPUTE_NUMBER] = "a number", [IMPUTE_MEAN] = "mean", [IMPUTE_MEDIAN] = "median"};
static const char *const group_words[] = {NULL, "product", "category"};

#define RULE(rule) (1u << (rule))
#define COMMON (RULE(IMPUTE_NUMBER) | RULE(IMPUTE_MEAN) | RULE(IMPUTE_MEDIAN))

/* What each setting takes. */
static const struct {
    const char *key;
    unsigned rules, groups;
    bool positive; /* its numbers are above 0 */
    const char *expected;
} settings[IMPUTE_WHATS] = {
    [IMPUTE_UNIT_PRICE] = {"ingest.missing.unit_price", COMMON | RULE(IMPUTE_DROP),
                           RULE(IMPUTE_PRODUCT) | RULE(IMPUTE_CATEGORY), true,
                           "drop, a number above 0, or mean or median, also `mean by product` or "
                           "`mean by category`"},
    [IMPUTE_QUANTITY] = {"ingest.missing.quantity", COMMON | RULE(IMPUTE_DROP),
                         RULE(IMPUTE_PRODUCT) | RULE(IMPUTE_CATEGORY), true,
                         "drop, a number above 0, or mean or median, also `mean by product` or "
                         "`mean by category`"},
    [IMPUTE_LIST_PRICE] = {"ingest.missing.list_price", COMMON | RULE(IMPUTE_DERIVE),
                           RULE(IMPUTE_CATEGORY), true,
                           "derive, a number above 0, or mean or median, also `mean by category`"},
    [IMPUTE_UNIT_COST] = {"ingest.missing.unit_cost", COMMON | RULE(IMPUTE_DERIVE),
                          RULE(IMPUTE_CATEGORY), true,
                          "derive, a number above 0, or mean or median, also `mean by category`"},
    [IMPUTE_ATTRIBUTES] = {"ingest.missing.attributes", COMMON | RULE(IMPUTE_KEEP), 0, false,
                           "keep, a number, mean or median"},
};

const char *impute_key(enum impute_what what)
{
    return settings[what].key;
}

/* A copy of the words with one blank between them; false if there are more than fit. */
static bool tidy(const char *text, char words[POLICY_BYTES])
{
    size_t length = 0;
    for (const char *c = text; *c != 0; c++) {
        if (*c == ' ' && (length == 0 || words[length - 1] == ' ')) continue;
        if (length + 1 >= POLICY_BYTES) return false;
        words[length++] = *c;
    }
    if (length > 0 && words[length - 1] == ' ') length--;
    words[length] = 0;
    return true;
}

/* "mean", "mean by product": the rule's word and maybe a group. */
static bool read_rule(const char *words, enum impute_rule rule, struct impute_policy *policy)
{
    size_t length = strlen(rule_words[rule]);
    if (rule == IMPUTE_NUMBER) {
        policy->rule = rule;
        return parse_number(words, strlen(words), &policy->number);
    }
    if (strncasecmp(words, rule_words[rule], length) != 0) return false;
    policy->rule = rule;
    policy->group = IMPUTE_ALL;
    if (words[length] == 0) return true;
    if (rule < IMPUTE_MEAN || strncasecmp(words + length, " by ", 4) != 0) return false;
    for (int g = IMPUTE_PRODUCT; g <= IMPUTE_CATEGORY; g++)
        if (strcasecmp(words + length + 4, group_words[g]) == 0) {
            policy->group = (enum impute_group)g;
            return true;
        }
    return false;
}

static bool is_allowed(enum impute_what what, struct impute_policy policy)
{
    bool rule = (settings[what].rules & RULE(policy.rule)) != 0;
    bool group = policy.group == IMPUTE_ALL || (settings[what].groups & RULE(policy.group)) != 0;
    bool number = policy.rule != IMPUTE_NUMBER || !settings[what].positive || policy.number > 0.0;
    return rule && group && number;
}

bool impute_parse(enum impute_what what, const char *text, struct impute_policy *policy,
                  char *problem, size_t bytes)
{
    char words[POLICY_BYTES];
    struct impute_policy read = {0}; /* of a number the group is IMPUTE_ALL */
    bool found = false;
    if (tidy(text, words))
        for (int r = IMPUTE_DROP; r <= IMPUTE_MEDIAN && !found; r++)
            found = read_rule(words, (enum impute_rule)r, &read);
    if (found && is_allowed(what, read)) {
        *policy = read;
        return true;
    }
    snprintf(problem, bytes, "\"%.40s\" is not what can stand in for a missing value; expected %s",
             text, settings[what].expected);
    return false;
}

struct impute_policy impute_policy_of(const struct config *config, enum impute_what what)
{
    char problem[256];
    struct impute_policy policy;
    if (impute_parse(what, config_text(config, impute_key(what)), &policy, problem, sizeof problem))
        return policy;
    fprintf(stderr, "bug: %s: %s\n", impute_key(what), problem);
    abort();
}

bool impute_needs_statistics(struct impute_policy policy)
{
    return policy.rule == IMPUTE_MEAN || policy.rule == IMPUTE_MEDIAN;
}

double impute_value(struct impute_policy policy, const struct group_statistics *statistics,
                    int64_t group)
{
    if (policy.rule == IMPUTE_NUMBER) return policy.number;
    if (!impute_needs_statistics(policy)) return NAN;
    bool whole = policy.group == IMPUTE_ALL;
    struct group_statistic found = group_statistics_of(statistics, whole ? -1 : group);
    return policy.rule == IMPUTE_MEAN ? found.mean : found.median;
}
