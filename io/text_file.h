/**
 * One text file written by all ranks in rank order, which appears under its name only when it is
 * whole.
 */
#ifndef REMISE_IO_TEXT_FILE_H
#define REMISE_IO_TEXT_FILE_H

#include "mpi/comm.h"

struct text_file;

/**
 * Start `path` as a temporary file beside it. Collective. mode e.g. 0644.
 * Errors: ERR_WRITE with the reason.
 */
enum status text_file_open(const struct comm *comm, const char *path, unsigned mode,
                           struct text_file **file);

/**
 * Append every rank's bytes, rank 0's first, then rank 1's and so on.
 * Collective; bytes may be 0 on a rank.
 * Cost: one prefix sum, one write per rank.
 * Errors: ERR_WRITE (disk full).
 */
enum status text_file_append(const struct comm *comm, struct text_file *file, const char *text,
                             int64_t bytes);

/** fsync, rename to the final name, free. Collective. On failure the temporary file is removed. */
enum status text_file_commit(const struct comm *comm, struct text_file **file);

/**
 * Remove the temporary file and free; accepts NULL inside.
 * Local (each rank closes; rank 0 removes).
 */
void text_file_abandon(const struct comm *comm, struct text_file **file);

/** Bytes so far. Local. */
int64_t text_file_bytes(const struct text_file *file);

#endif
