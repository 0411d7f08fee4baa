/**
 * Who is meant by a user on the command line: a pseudonym (32 hexadecimal digits, as in a table),
 * or the shop's own id, which the secret turns into one.
 */
#ifndef REMISE_JOBS_USER_NAMED_H
#define REMISE_JOBS_USER_NAMED_H

#include "jobs/config.h"
#include "partition/users.h"

/** Read a pseudonym. Local. False: it is none. */
bool user_named_pseudonym(const char *text, struct user_key *key);

/** A pseudonym as text. Local. text out [33], ended by 0. */
void user_named_text(struct user_key key, char *text);

/**
 * The key of the shop's own id. Local.
 * config  in  says where the secret is; NULL: the user's own
 * Errors: those of secret_look.
 */
enum status user_named_id(const struct config *config, const char *id, struct user_key *key);

#endif
