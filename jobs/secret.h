/**
 * The secret behind the users' pseudonyms: a file of 32 bytes that only its owner can read.
 */
#ifndef REMISE_JOBS_SECRET_H
#define REMISE_JOBS_SECRET_H

#include "jobs/run.h"

/**
 * Read the secret named by privacy.secret_file; without one it is derived from `seed`.
 *
 * The order of users, and with it every table, follows from the secret: the same secret (or seed)
 * gives the same bytes in any run folder. A secret derived from the seed hides ids from the eye
 * only, and the log says so.
 * Collective.
 * secret  out  [USER_SECRET_BYTES] on every rank
 * Errors: ERR_CONFIG others can read the file, or it has another size; ERR_NO_INPUT.
 */
enum status secret_read(const struct comm *comm, const struct run *run, unsigned char *secret);

#endif
