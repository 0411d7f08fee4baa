/* Inputs of the models, listed and held against the protected group. */
#include "jobs/inputs.h"

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

json_t *inputs_json(const struct config *config, const struct dataset *dataset)
{
    const struct users *users = &dataset->users;
    const struct products *products = &dataset->products;
    const char *group =
        config_table(config, "users") ? config_column(config, "users", "group") : NULL;
    bool among = false;
    for (int64_t a = 0; group != NULL && a < users->attributes; a++)
        among = among || strcmp(column_of(config, users->attribute[a].name), group) == 0;
    return json_pack(
        "{s:o, s:o, s:o, s:b}", "user_attributes", names_of(users->attribute, users->attributes),
        "product_attributes", names_of(products->attribute, products->attributes), "protected",
        group != NULL ? json_string(group) : json_null(), "protected_among_inputs", among);
}
