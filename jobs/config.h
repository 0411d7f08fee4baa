/**
 * The configuration of a run: what one YAML file, the defaults and the command line's `--set a.b=c`
 * come to.
 *
 * Every setting has a dotted key and one row in the key table (jobs/config_keys.h), from which its
 * checks, `remise init`, `remise config` and docs/configuration.md follow. Reading checks
 * everything and reports all that is wrong at once with line numbers; whoever holds a
 * `struct config` holds valid settings, the same on every rank. Stages ask for a setting by key and
 * type, outside of loops: asking for a key that does not exist, or as another type, is our bug and
 * aborts.
 */
#ifndef REMISE_JOBS_CONFIG_H
#define REMISE_JOBS_CONFIG_H

#include "mpi/comm.h"

#include <stdio.h>

struct config;

/* Hash of some settings' values: xxHash, XXH3 with 128 bits. */
struct config_fingerprint {
    uint64_t high, low;
};

/**
 * Read the configuration file on rank 0 and share it.
 *
 * Collective: the same settings on every rank.
 * sets    in   overrides "key=value", ended by NULL, the same on every rank; may be NULL
 * config  out  new; the caller frees it with config_free; NULL unless OK
 * Errors: ERR_NO_INPUT no such file; ERR_CONFIG, after one log line per problem; ERR_MEMORY.
 */
enum status config_read(const struct comm *comm, const char *path, const char *const *sets,
                        struct config **config);

/** config_read without MPI, for commands that run on a login node. Local. */
enum status config_read_alone(const char *path, const char *const *sets, struct config **config);

/** Free and null; accepts NULL inside. Local. */
void config_free(struct config **config);

/* ---- one setting: all local; texts and arrays are borrowed from config ---- */

/**
 * Has a value, be it the default. A setting without one reads as NAN, NULL or an empty list, or
 * aborts (integers).
 */
bool config_has(const struct config *config, const char *key);

/** Number or fraction; NAN without a value. */
double config_number(const struct config *config, const char *key);

/** Whole number; aborts without a value. */
int64_t config_integer(const struct config *config, const char *key);

/** Money in cents. */
int64_t config_cents(const struct config *config, const char *key);

/** Yes or no. */
bool config_boolean(const struct config *config, const char *key);

/** Seconds since 1970-01-01 UTC. */
int64_t config_time(const struct config *config, const char *key);

/** Text or choice as written; NULL without a value. */
const char *config_text(const struct config *config, const char *key);

/** Is the choice this one? `choice` must be among the key's choices. */
bool config_is(const struct config *config, const char *key, const char *choice);

/**
 * A path that can be opened: relative ones are resolved against the configuration's or the data
 * folder; NULL without a value.
 */
const char *config_path(const struct config *config, const char *key);

/** List of numbers, the configuration's; returns the count. */
int64_t config_numbers(const struct config *config, const char *key, const double **numbers);

/** List of whole numbers, the configuration's; returns the count. */
int64_t config_integers(const struct config *config, const char *key, const int64_t **integers);

/** List of texts, the configuration's; returns the count. */
int64_t config_texts(const struct config *config, const char *key, const char *const **texts);

/** Where the value comes from: "default", "shop.yaml:12" or "--set". */
const char *config_origin(const struct config *config, const char *key);

/* ---- the tables users, products, events, offers ---- */

/** Is there a file for this table? Its path is config_path(config, "<table>.file"). Local. */
bool config_table(const struct config *config, const char *table);

/**
 * The expression over the file's columns for a role of a table, e.g. ("events", "unit_price"); NULL
 * if not mapped. Its origin is config_origin(config, "<table>.columns.<role>"). Local.
 */
const char *config_column(const struct config *config, const char *table, const char *role);

/* ---- all settings ---- */

/**
 * Hash of the effective values of the keys under these prefixes ("respond", "ingest.", "seed"),
 * ended by NULL.
 * Local. Paths enter as written, so data that moved with its configuration keeps its fingerprint.
 */
struct config_fingerprint config_fingerprint(const struct config *config,
                                             const char *const *prefixes);

/**
 * Write the effective settings as YAML that can be read again, each with its origin; of lists of
 * people only their length. Local.
 * Errors: ERR_WRITE.
 */
enum status config_write(const struct config *config, FILE *file);

#endif
