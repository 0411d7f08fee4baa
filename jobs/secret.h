/**
 * The secret behind the users' pseudonyms, and everything that is derived from it: 32 random bytes
 * from a file that its owner alone can read, or from a descriptor that the job inherits; never from
 * arguments, the environment or the seed.
 *
 * Rank 0 reads it once, before the first stage, and keeps it in locked memory for the run. A stage
 * that needs it asks with secret_read and wipes its copy when it is done.
 */
#ifndef REMISE_JOBS_SECRET_H
#define REMISE_JOBS_SECRET_H

#include "jobs/run.h"

enum { SECRET_DIGEST_BYTES = 16 };

/* What keys are derived for: secret_derive. */
#define SECRET_FOR_VAULT "remise ids.vault"
#define SECRET_FOR_PIECES "remise ids in passing"

struct secret;

/**
 * Read the secret: from privacy.secret_file, from privacy.secret_fd, or else from
 * ~/.config/remise/secret.key ($XDG_CONFIG_HOME/remise/secret.key), which is made where there is
 * none. So one user's runs share one secret, whatever their folders. Also calls secret_guard.
 * Collective.
 * secret  out  new on every rank, empty but on rank 0; secret_free frees it; NULL unless OK
 * Errors: ERR_CONFIG both are given; not 32 bytes; others than the user can read the file, or own
 *         it; it is not there; none can be made.
 */
enum status secret_open(const struct comm *comm, const struct config *config,
                        struct secret **secret);

/**
 * The secret of the run.
 * Collective. Says in the log where it comes from.
 * secret  out  [USER_SECRET_BYTES] on every rank; to be wiped with sodium_memzero
 */
enum status secret_read(const struct comm *comm, const struct run *run, unsigned char *secret);

/**
 * The secret as it stands, for a look-up that runs alone: none is made.
 * Local.
 * path    in   NULL: the user's own
 * secret  out  [USER_SECRET_BYTES] to be wiped with sodium_memzero
 * Errors: ERR_CONFIG not 32 bytes, or others can read it; ERR_NO_INPUT it is not there.
 */
enum status secret_look(const char *path, unsigned char *secret);

/**
 * What tells one secret from another and nothing else about it. Local, on rank 0.
 * digest  out  [SECRET_DIGEST_BYTES]
 */
void secret_digest(const struct secret *secret, unsigned char *digest);

/**
 * A key of USER_SECRET_BYTES bytes for another purpose; from it neither the secret nor the key of
 * a third purpose can be told. Local.
 */
void secret_derive(const unsigned char *secret, const char *purpose, unsigned char *key);

/**
 * From now on this process leaves no core file, in which secrets and ids would stand. Local.
 */
void secret_guard(void);

/** Wipe, free and null; accepts NULL inside. Local. */
void secret_free(struct secret **secret);

#endif
