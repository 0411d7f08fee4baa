/**
 * The way of raw ids from the tables to ids.vault, where publish.user_ids is original.
 *
 * Each id met is put beside its user's key, in pieces of fixed size that a sorter takes, encrypted
 * already, so that none stands in the clear in the sorter's file. When the users of the data set
 * are known, every id is brought to the rank that has its user, and written into the vault there.
 */
#ifndef REMISE_JOBS_INGEST_IDS_H
#define REMISE_JOBS_INGEST_IDS_H

#include "mpi/comm.h"
#include "partition/users.h"

struct ids;

/**
 * Begin without any id. Local.
 * secret        in   [USER_SECRET_BYTES] of the run; not kept
 * folder        in   where ids beyond the memory go, encrypted; borrowed while ids lives
 * memory_bytes  in   for ids on this rank
 * ids           out  new; ids_free frees it; NULL unless OK
 * Errors: ERR_MEMORY.
 */
enum status ids_new(const unsigned char *secret, const char *folder, int64_t memory_bytes,
                    struct ids **ids);

/**
 * Add the id of a user; again and again is allowed. Local.
 * key  in  user_key_of the id
 * Cost: one look into a table where the id has been met lately; else 64 bytes for each 40 of it.
 * Errors: ERR_MEMORY; ERR_WRITE.
 */
enum status ids_add(struct ids *ids, struct user_key key, const char *text, size_t bytes);

/**
 * Write the ids of these users as a vault.
 * Collective.
 * users        in  [users_local] keys of this rank's users, ascending; the first rank has the
 *                  lowest, and so on; every one's id has been added, on any rank
 * Memory: a few MiB and the vault's streams beside what is added.
 * Errors: those of the sorter and the vault; ERR_BUG a user without an id.
 */
enum status ids_write(const struct comm *comm, struct ids *ids, const char *path,
                      const struct user_key *users, int64_t users_local);

/** Wipe, free and null; accepts NULL inside. Local. */
void ids_free(struct ids **ids);

#endif
