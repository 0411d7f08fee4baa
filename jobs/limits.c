/* The limits of the configuration, and whether its tables can tell what they ask. */
#include "jobs/limits.h"

#include "mpi/memory.h"

#include <stdlib.h>

bool limit_is_possible(const struct config *config, const struct limit_rule *rule, char *problem,
                       size_t room)
{
    const char *table = "products", *role = NULL;
    if (rule->stock) role = "stock";
    if (rule->by == BY_BRAND) role = "brand";
    if (rule->by == BY_MARKET) role = "market";
    if (rule->by == BY_MARKET) table = "users";
    if (role == NULL || config_column(config, table, role) != NULL) return true;
    snprintf(problem, room, "\"%.200s\": no column tells the %s; set %s.columns.%s", rule->text,
             role, table, role);
    return false;
}

/* Limits of the same sum come to be in the finest unit of them all, whatever their order. */
static void unite(struct limits *limits)
{
    for (int64_t i = 0; i < limits->count; i++)
        for (int64_t j = 0; j < limits->count; j++)
            limit_same_unit(&limits->rule[i], &limits->rule[j]);
}

enum status limits_read(const struct config *config, struct limits **limits)
{
    enum status status = OK;
    const char *const *text = NULL;
    int64_t count = config_texts(config, "allocate.limits", &text);
    *limits = NULL;
    TRY(memory_new(limits, 1, sizeof **limits));
    if (count > LIMIT_RULES)
        TRY(FAIL(ERR_CONFIG, "allocate.limits: at most %d are possible", LIMIT_RULES));
    for (int64_t i = 0; i < count; i++)
        TRY(limit_parse(text[i], &(*limits)->rule[(*limits)->count++]));
    unite(*limits);
done:
    if (status != OK) limits_free(limits);
    return status;
}

void limits_free(struct limits **limits)
{
    if (*limits == NULL) return;
    for (int64_t i = 0; i < (*limits)->count; i++) limit_rule_clear(&(*limits)->rule[i]);
    free(*limits);
    *limits = NULL;
}
