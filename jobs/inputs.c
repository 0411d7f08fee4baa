/* Inputs of the models, listed and held against the protected group. */
#include "jobs/inputs.h"

#include "jobs/protected.h"

#include <math.h>
#include <string.h>

/* The column an attribute is read from: its name, or what the role of that name is mapped to. */
static const char *column_of(const struct config *config, const char *attribute)
{
    const char *role =
        strcmp(attribute, "market") == 0 ? config_column(config, "users", "market") : NULL;
    return role != NULL ? role : attribute;
}

static json_t *names_of(const struct attribute *attribute, int64_t count)
{
    json_t *names = json_array();
    for (int64_t a = 0; a < count; a++)
        json_array_append_new(names, json_string(attribute[a].name));
    return names;
}

static json_t *number(bool known, double value)
{
    return known ? json_real(round(1e6 * value) / 1e6) : json_null();
}

/* How each attribute is tied to the group; whether one of them gives it away. */
static enum status find_ties(const struct comm *comm, const struct config *config,
                             const struct users *users, json_t *list, bool *among)
{
    enum status status = OK;
    const char *group = config_column(config, "users", "group");
    for (int64_t a = 0; users->group.name != NULL && a < users->attributes; a++) {
        const char *name = users->attribute[a].name;
        struct protected_tie tie;
        TRY(protected_tie_find(comm, &users->blocks, &users->attribute[a], &users->group, &tie));
        bool copy = protected_is_copy(&tie);
        *among = *among || copy || (group != NULL && strcmp(column_of(config, name), group) == 0);
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:b, s:b}", "attribute", name,
                                              "association", number(tie.known, tie.association),
                                              "entropy_left", number(tie.known, tie.entropy_left),
                                              "determines", copy, "allowed",
                                              protected_is_allowed(config, name)));
    }
done:
    return status;
}

enum status inputs_add(const struct comm *comm, const struct config *config,
                       const struct dataset *dataset, json_t *receipt)
{
    enum status status = OK;
    const struct users *users = &dataset->users;
    const struct products *products = &dataset->products;
    const char *group =
        config_table(config, "users") ? config_column(config, "users", "group") : NULL;
    bool among = false;
    json_t *ties = json_array();
    TRY(find_ties(comm, config, users, ties, &among));
    json_object_set_new(receipt, "inputs",
                        json_pack("{s:o, s:o, s:o, s:O, s:b}", "user_attributes",
                                  names_of(users->attribute, users->attributes),
                                  "product_attributes",
                                  names_of(products->attribute, products->attributes), "protected",
                                  group != NULL ? json_string(group) : json_null(),
                                  "protected_ties", ties, "protected_among_inputs", among));
done:
    json_decref(ties);
    return status;
}
