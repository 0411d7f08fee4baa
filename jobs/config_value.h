/**
 * One setting's value: from the texts in a file or on the command line to what its key's type says.
 */
#ifndef REMISE_JOBS_CONFIG_VALUE_H
#define REMISE_JOBS_CONFIG_VALUE_H

#include "jobs/config_keys.h"

/* What stands at a key, before anybody knows what it should be. */
struct config_item {
    char *key;    /* "respond.layers" */
    int line;     /* in the file; 0 from the command line */
    bool list;    /* written as a list */
    bool nothing; /* empty, ~ or null: the default */
    int64_t count;
    char **texts; /* [count] one for a single value */
};

struct config_items {
    int64_t count;
    struct config_item *item; /* [count] in the order of the file */
};

enum config_origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_SET };

struct config_value {
    bool has;
    enum config_origin origin;
    int line;
    char *written;     /* as YAML, the same for the same value; NULL without a value */
    char *path;        /* of KEY_PATH, resolved; else NULL */
    int64_t count;     /* elements of a list, else 1 */
    double *numbers;   /* [count] of number types; NULL for texts */
    int64_t *integers; /* [count] of KEY_INTEGER, KEY_INTEGERS, KEY_MONEY (cents), KEY_BOOLEAN,
                          KEY_TIME (seconds) */
    char **texts;      /* [count] of KEY_TEXT, KEY_PATH, KEY_TEXTS, KEY_CHOICE */
};

/**
 * Make the value of a key from what stands there. Local.
 * value    out  new, cleared with value_clear; empty unless OK
 * problem  out  [bytes] what is wrong, such as "abc" is not an integer; expected 1 .. 1000 (default
 *               3)
 * Errors: ERR_CONFIG with `problem`; ERR_MEMORY.
 */
enum status value_read(const struct config_key *key, const struct config_item *item,
                       struct config_value *value, char *problem, size_t bytes);
/** Free; accepts a zeroed struct. Local. */
void value_clear(struct config_value *value);

/**
 * Item of one text: a list where the key takes one ("0, 0.1" or "[0, 0.1]"), else the text itself.
 * Local. Free with item_clear.
 * Errors: ERR_MEMORY.
 */
enum status item_from_text(const struct config_key *key, const char *text,
                           struct config_item *item);
/** Free; accepts a zeroed struct. Local. */
void item_clear(struct config_item *item);

/** Free all items; accepts a zeroed struct. Local. */
void items_clear(struct config_items *items);

#endif
