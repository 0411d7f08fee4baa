/**
 * From YAML text and overrides to checked settings; the inside of a struct config.
 */
#ifndef REMISE_JOBS_CONFIG_PARSE_H
#define REMISE_JOBS_CONFIG_PARSE_H

#include "jobs/config_value.h"

struct config {
    char *name;                 /* of the file, as given */
    char *folder;               /* that it stands in */
    struct config_value *value; /* [config_keys_count()] */
    char **origin;              /* [config_keys_count()] "default", "shop.yaml:12", "--set" */
};

/**
 * Parse and check everything, collecting all that is wrong. Local.
 * sets      in   "key=value", ended by NULL; may be NULL
 * problems  in   receives one line per problem
 * config    out  new; the caller frees it with config_free; complete only if there was no problem
 * Errors: ERR_MEMORY.
 */
enum status config_parse(const char *name, const char *text, int64_t bytes, const char *const *sets,
                         FILE *problems, struct config **config);

#endif
