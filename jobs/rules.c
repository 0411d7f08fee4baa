/* Rules in words. */
#include "jobs/rules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LISTED_MAX = 8 }; /* texts of a list before it is cut short */

/* The first text of a condition's list and the one behind its last. */
static void list_bounds(const struct tree_condition *condition, const char *const *level,
                        int64_t *first, int64_t *end)
{
    int64_t count = 0;
    while (level[count] != NULL) count++;
    double above = fmax(floor((double)condition->above) + 1, 0);
    double upto = fmin(floor((double)condition->upto) + 1, (double)count);
    *first = (int64_t)above;
    *end = (int64_t)upto;
}

/* name is A, B or C */
static void put_list(FILE *to, const char *name, const struct tree_condition *condition,
                     const char *const *level)
{
    int64_t first, end;
    list_bounds(condition, level, &first, &end);
    int64_t listed = end - first <= LISTED_MAX ? end : first + LISTED_MAX;
    fprintf(to, "%s is ", name);
    for (int64_t l = first; l < listed; l++)
        fprintf(to, "%s%s", l == first ? "" : l + 1 == end ? " or " : ", ", level[l]);
    if (listed < end) fprintf(to, " or one of %lld more", (long long)(end - listed));
}

static void put_range(FILE *to, const char *name, const struct tree_condition *condition)
{
    bool lower = isfinite(condition->above), upper = isfinite(condition->upto);
    if (lower && upper)
        fprintf(to, "%.6g < %s <= %.6g", (double)condition->above, name, (double)condition->upto);
    else if (lower)
        fprintf(to, "%s > %.6g", name, (double)condition->above);
    else if (upper)
        fprintf(to, "%s <= %.6g", name, (double)condition->upto);
    else
        fprintf(to, "%s is known", name);
}

static void put_condition(FILE *to, const struct rules_words *words,
                          const struct tree_condition *condition)
{
    int32_t column = condition->column;
    const char *name = words->name[column];
    bool limited = isfinite(condition->above) || isfinite(condition->upto);
    if (condition->above == INFINITY) {
        fprintf(to, "%s is missing", name);
        return;
    }
    if (limited && words->level != NULL && words->level[column] != NULL)
        put_list(to, name, condition, words->level[column]);
    else
        put_range(to, name, condition);
    if (condition->missing && words->missing != NULL && words->missing[column])
        fputs(" or missing", to);
}

enum status rules_text(const struct tree_rule *rule, const struct rules_words *words, char **text)
{
    size_t bytes = 0;
    *text = NULL;
    FILE *to = open_memstream(text, &bytes);
    if (to == NULL) return FAIL(ERR_MEMORY, "no memory for a rule");
    if (rule->conditions == 0) fputs("always", to);
    for (int64_t i = 0; i < rule->conditions; i++) {
        if (i > 0) fputs(" and ", to);
        put_condition(to, words, &rule->condition[i]);
    }
    bool written = ferror(to) == 0;
    if (fclose(to) == 0 && written) return OK;
    free(*text);
    *text = NULL;
    return FAIL(ERR_MEMORY, "no memory for a rule");
}
