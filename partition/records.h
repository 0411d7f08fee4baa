/**
 * Records of users on their way to the ranks that own them.
 *
 * A record is any bytes that begin with a `struct user_key`. Records are grouped in place, so the
 * exchange holds two copies at its peak and not three. The order inside a group is not kept:
 * whoever needs one sorts by a total order.
 */
#ifndef REMISE_PARTITION_RECORDS_H
#define REMISE_PARTITION_RECORDS_H

#include "partition/users.h"

/**
 * Permute records in place so that those of one bucket stand together, buckets in ascending order.
 * Local.
 * start  out  [buckets + 1] first record of each bucket. bucket(record, context) is in [0,
 *             buckets).
 * Cost: two calls of bucket and at most one move per record.
 * Errors: ERR_MEMORY.
 */
enum status records_group(void *records, int64_t count, size_t bytes, int64_t buckets,
                          int64_t (*bucket)(const void *record, const void *context),
                          const void *context, int64_t *start);

/**
 * Send every record to the owner of its user's block.
 * Collective. *records and *count in: this rank's; out: those it owns, in no defined order. The old
 * array is freed.
 */
enum status records_to_owners(const struct comm *comm, const struct user_cut *cut,
                              void *records_inout, int64_t *count, size_t bytes);

/**
 * Sort this rank's records by user and then by `compare`, a total order on records that includes
 * the key.
 * Local. Blocks first, then within each block: the working set stays in cache.
 * Errors: ERR_MEMORY.
 */
enum status records_sort(void *records, int64_t count, size_t bytes, int bits,
                         int (*compare)(const void *a, const void *b));

#endif
