/**
 * ids.vault: the shop's own ids of the users, encrypted, in the order of the data set's users.
 *
 * The one file that holds raw ids. It is written as streams of up to VAULT_STREAM_USERS ids, each
 * encrypted and authenticated by itself (XChaCha20-Poly1305), and a directory of the streams, so
 * that every rank later reads its own users alone, at any number of ranks. Nonces are random: two
 * vaults of the same ids differ in their bytes, as those of no other file do. Where a key is wrong
 * or a byte has changed nothing is handed out.
 */
#ifndef REMISE_IO_VAULT_H
#define REMISE_IO_VAULT_H

#include "mpi/comm.h"

enum { VAULT_KEY_BYTES = 32, VAULT_STREAM_USERS = 4096 };

struct vault;

/* The ids of some users; wiped by vault_ids_clear. */
struct vault_ids {
    int64_t rows;
    int64_t longest; /* bytes of the longest id, over all ranks; 0 if there is none */
    int64_t *start;  /* [rows + 1] where each id begins in text */
    char *text;      /* [start[rows]] the ids, one behind the other without an end mark */
};

/**
 * Begin a vault at `path`: mode 0600, a temporary file until vault_commit.
 * Collective.
 * key         in   [VAULT_KEY_BYTES] the same on every rank
 * rows_local  in   users that this rank will append; over the ranks in their order they are all
 * vault       out  new; vault_commit or vault_abandon frees it; NULL unless OK
 * Errors: ERR_MEMORY; ERR_WRITE.
 */
enum status vault_create(const struct comm *comm, const char *path, const unsigned char *key,
                         int64_t rows_local, struct vault **vault);

/**
 * Append the id of this rank's next user. Local.
 * Memory: what is appended until vault_flush.
 * Errors: ERR_MEMORY; ERR_BUG more than rows_local.
 */
enum status vault_append(struct vault *vault, const char *id, size_t bytes);

/** Write what is encrypted so far. Collective. Errors: ERR_WRITE. */
enum status vault_flush(const struct comm *comm, struct vault *vault);

/**
 * Write the rest and the directory, and give the file its name; frees the vault.
 * Collective.
 * Errors: ERR_WRITE; ERR_MEMORY; ERR_BUG fewer ids than rows_local.
 */
enum status vault_commit(const struct comm *comm, struct vault **vault);

/** Remove the temporary file and free; accepts NULL inside. Local, as text_file_abandon is. */
void vault_abandon(const struct comm *comm, struct vault **vault);

/**
 * Read the ids of rows row_first .. row_first + rows - 1.
 * Collective; each rank asks for its own rows, which may be none.
 * rows_total  in   users there should be in all
 * ids         out  free with vault_ids_clear; zeroed unless OK
 * Cost: each stream that holds one of the rows is read and decrypted once.
 * Errors: ERR_NO_INPUT there is no vault; ERR_CONFIG it was written with another secret; ERR_DATA
 *         it is damaged, or holds another number of users; ERR_IO; ERR_MEMORY.
 */
enum status vault_read(const struct comm *comm, const char *path, const unsigned char *key,
                       int64_t rows_total, int64_t row_first, int64_t rows, struct vault_ids *ids);

/** Wipe and free; accepts a zeroed struct. Local. */
void vault_ids_clear(struct vault_ids *ids);

#endif
