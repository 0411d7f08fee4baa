/**
 * A sequence of records of one size that grows at its end, in memory up to a limit and beyond it in
 * a file without a name.
 *
 * The file is readable by its owner alone, gets no name in its folder, and is gone when the process
 * ends, however it ends. All local.
 */
#ifndef REMISE_PARTITION_SPOOL_H
#define REMISE_PARTITION_SPOOL_H

#include "mpi/status.h"

#include <stddef.h>
#include <stdint.h>

struct spool;

/**
 * Begin an empty spool.
 * memory_bytes  in   kept in memory; what exceeds it goes to the file
 * folder        in   where the file would be; borrowed while the spool lives
 * spool         out  new; free with spool_free; NULL unless OK
 * Errors: ERR_MEMORY.
 */
enum status spool_new(size_t record_bytes, int64_t memory_bytes, const char *folder,
                      struct spool **spool);

/**
 * Append records.
 * Cost: amortised one copy; beyond the limit one write per MiB or so.
 * Errors: ERR_MEMORY; ERR_WRITE the folder is full or not writable, with the remedy.
 */
enum status spool_append(struct spool *spool, const void *records, int64_t count);

/** Records so far. */
int64_t spool_count(const struct spool *spool);

/**
 * Copy records first .. first + count - 1 to `records`.
 * Errors: ERR_IO; ERR_BUG beyond the end.
 */
enum status spool_read(const struct spool *spool, int64_t first, int64_t count, void *records);

/** Bytes held in memory now, and in the file. */
int64_t spool_memory_bytes(const struct spool *spool);
int64_t spool_file_bytes(const struct spool *spool);

/** Free and null; accepts NULL inside. */
void spool_free(struct spool **spool);

#endif
