/**
 * The one table of all settings: key, type, default, range, unit and help.
 *
 * The checks of a configuration, `remise init`, `remise config`, the overrides and
 * docs/configuration.md all come from it; a new setting is a new row in jobs/config_keys_shop.c,
 * config_keys_models.c or config_keys_allocate.c, and nothing else.
 */
#ifndef REMISE_JOBS_CONFIG_KEYS_H
#define REMISE_JOBS_CONFIG_KEYS_H

#include "mpi/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum key_type {
    KEY_NUMBER,
    KEY_INTEGER,
    KEY_FRACTION, /* a number within its range in [0, 1] */
    KEY_MONEY,    /* kept in cents */
    KEY_TEXT,
    KEY_PATH,
    KEY_NUMBERS, /* strictly ascending */
    KEY_INTEGERS,
    KEY_TEXTS,
    KEY_CHOICE,
    KEY_BOOLEAN,
    KEY_TIME /* kept in seconds since 1970 UTC */
};

struct config_key {
    const char *name; /* "respond.epochs" */
    enum key_type type;
    const char *standard; /* default as it would be written; NULL for none */
    double min, max;      /* of numbers, also in lists; both 0: any */
    const char *choices;  /* of KEY_CHOICE, "reject|stop" */
    const char *unit;     /* "days"; NULL for none */
    const char *none;     /* what happens without a value, where there is no default */
    const char *example;  /* of a value, where there is no default */
    const char *help;
    bool personal; /* names people: its value is not written where others may read it */
    bool required; /* a file where there must be one; a role where its table is given */
};

struct config_section {
    const char *name; /* "respond" */
    const char *help;
};

/* Rows of one file; the files follow each other in the order of config_keys_parts. */
struct config_keys_part {
    const struct config_key *keys; /* [count] */
    int64_t count;
};
extern const struct config_keys_part config_keys_shop, config_keys_models, config_keys_allocate;

/** How many keys there are in all. Local. */
int64_t config_keys_count(void);

/** Key k, 0 <= k < config_keys_count(): those of a section are together. Local. */
const struct config_key *config_key_at(int64_t k);

/* The sections, in the order of their keys. */
extern const struct config_section config_sections[];
extern const int64_t config_sections_count;

/** Number of the key of this name, -1 if there is none. Local. */
int64_t key_find(const char *name);

/** Is it the beginning of longer keys, as "respond" and "events.columns" are? Local. */
bool key_is_section(const char *name);

/** The key or section most probably meant by a wrong name; NULL if none is near. Local. */
const char *key_suggest(const char *wrong);

/**
 * Is the key the section itself or under it? "respond" and "respond." mean the same; "" has
 * nothing. Local.
 */
bool key_is_under(const char *name, const char *section);

/** Print what a value must look like: "1 .. 1000", "reject or stop". Local. */
void key_print_expected(FILE *file, const struct config_key *key);

/** Print the keys of a section without its name, with commas between. Local. */
void key_print_known(FILE *file, const char *section);

/** A few words on the type: "integer", "list of numbers". Local. */
const char *key_type_text(enum key_type type);

/**
 * Print, as YAML, the headings of those sections of `name` that the key printed before it was not
 * in. before in "" for the first key.
 * Returns the indent of the key itself. Local.
 */
int key_print_headings(FILE *file, const char *before, const char *name);

#endif
