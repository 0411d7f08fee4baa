/**
 * How rows of the tables of settings are written (jobs/config_keys_*.c).
 *
 * Each macro is one kind of row, so that a setting is three lines: its name, what it may be, and a
 * sentence that teaches. Included by the tables alone.
 */
#ifndef REMISE_JOBS_CONFIG_KEYS_ROWS_H
#define REMISE_JOBS_CONFIG_KEYS_ROWS_H

#include "jobs/config_keys.h"

#define FILE_OF(table, needed, none_, help_)                                        \
    {                                                                               \
        .name = table ".file", .type = KEY_PATH, .required = needed, .none = none_, \
        .example = table ".csv", .help = help_                                      \
    }
#define ROLE(table, role, needed, none_, help_)                                              \
    {                                                                                        \
        .name = table ".columns." role, .type = KEY_TEXT, .required = needed, .none = none_, \
        .example = role, .help = help_                                                       \
    }

#define MISSING(what, standard_, help_)                                                        \
    {                                                                                          \
        .name = "ingest.missing." what, .type = KEY_TEXT, .standard = standard_, .help = help_ \
    }
#define CHOICE(name_, choices_, standard_, help_)                                      \
    {                                                                                  \
        .name = name_, .type = KEY_CHOICE, .standard = standard_, .choices = choices_, \
        .help = help_                                                                  \
    }
#define RANGE(name_, type_, standard_, min_, max_, unit_, help_)                       \
    {                                                                                  \
        .name = name_, .type = type_, .standard = standard_, .min = min_, .max = max_, \
        .unit = unit_, .help = help_                                                   \
    }
/* A number that is not limited, or unknown, where it is left out. */
#define OPEN(name_, type_, min_, max_, none_, example_, help_)                 \
    {                                                                          \
        .name = name_, .type = type_, .min = min_, .max = max_, .none = none_, \
        .example = example_, .help = help_                                     \
    }
#define BETWEEN(standard_, min_, max_) .standard = standard_, .min = min_, .max = max_

/* All rows of a file as one part of the table. */
#define PART_OF(keys)                                  \
    {                                                  \
        keys, (int64_t)(sizeof(keys) / sizeof *(keys)) \
    }

#endif
