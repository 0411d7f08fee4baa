/**
 * Ids to pseudonyms, many times over: a keyed hash costs half a microsecond, and most rows are of
 * users met before, so the last ones met are remembered. All local.
 */
#ifndef REMISE_JOBS_PSEUDONYMS_H
#define REMISE_JOBS_PSEUDONYMS_H

#include "partition/users.h"

struct pseudonyms;

/**
 * Begin. secret in [USER_SECRET_BYTES], copied. memory_bytes: for what is remembered, at least
 * 4 KiB. Errors: ERR_MEMORY.
 */
enum status pseudonyms_new(const unsigned char *secret, int64_t memory_bytes,
                           struct pseudonyms **pseudonyms);

/** user_key_of(secret, id, bytes), at the cost of a look into memory where it is remembered. */
struct user_key pseudonym_of(struct pseudonyms *pseudonyms, const char *id, size_t bytes);

/** Wipe secret and ids, free and null; accepts NULL inside. */
void pseudonyms_free(struct pseudonyms **pseudonyms);

#endif
