/**
 * Names met while reading - products, categories, brands, levels of attributes - on their way to
 * codes.
 *
 * A name travels as the 64-bit hash of its text, which is the same on every rank; each rank keeps
 * the distinct texts it met. When all tables are read, the texts of all ranks become one dictionary
 * and hashes become codes. Which names then still stand - those of users who refuse do not - is
 * said by names_keep.
 */
#ifndef REMISE_JOBS_INGEST_NAMES_H
#define REMISE_JOBS_INGEST_NAMES_H

#include "partition/dictionary.h"

struct names {
    struct text_set *met; /* by this rank; NULL once the dictionary stands */
    uint64_t *hash;       /* [capacity] of each text met */
    int64_t capacity;
    struct dictionary dictionary; /* of all ranks */
    int64_t slots;                /* a power of 2 */
    uint64_t *slot_hash;          /* [slots] 0: free */
    int32_t *slot_code;           /* [slots] */
};

/** Begin. Local. Errors: ERR_MEMORY. */
enum status names_init(struct names *names);

/** Take a name in; its hash, never 0, or 0 if out of memory. Local. Cost: O(1) expected. */
uint64_t names_add(struct names *names, const char *text, size_t bytes);

/**
 * Make the dictionary of all ranks' names.
 * Collective.
 * Errors: ERR_MEMORY; ERR_DATA two names have one hash (for a million names once in ten million
 *         shops), with both.
 */
enum status names_settle(const struct comm *comm, struct names *names);

/** Code of a hash, -1 for 0 or a hash unknown. Local, O(1) expected. */
int32_t names_code(const struct names *names, uint64_t hash);

/** Whether any rank has each flag set: 0 or 1 in place. Collective. Errors: ERR_MEMORY. */
enum status names_share(const struct comm *comm, uint8_t *used, int64_t count);

/** The highest of all ranks' codes, in place. Collective. */
void names_join(const struct comm *comm, int32_t *codes, int64_t count);

/**
 * Leave only the names in use in the dictionary.
 * Collective.
 * used  inout  [dictionary.count] not 0 where this rank uses the name; out: where any does
 * code  out    new [old count] code of each old one, ascending, -1 where it went; caller frees
 * names_code keeps giving old codes.
 * Errors: ERR_MEMORY.
 */
enum status names_keep(const struct comm *comm, struct names *names, uint8_t *used, int32_t **code);

/** Free; accepts a zeroed struct. Local. */
void names_clear(struct names *names);

#endif
