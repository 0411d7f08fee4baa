/**
 * YAML text to a flat list of dotted keys, each with its line and what stands there.
 */
#ifndef REMISE_JOBS_CONFIG_YAML_H
#define REMISE_JOBS_CONFIG_YAML_H

#include "jobs/config_value.h"

/**
 * Flatten one YAML document of nested mappings. Local.
 * name      in   of the file, for messages
 * problems  in   receives one line "name:line: what is wrong" for each problem with the YAML as
 *                such
 * items     out  free with items_clear
 * Errors: ERR_MEMORY. Wrong YAML is no error here but a line in `problems`.
 */
enum status yaml_flatten(const char *name, const char *text, int64_t bytes, FILE *problems,
                         struct config_items *items);

#endif
