/**
 * From records anywhere to the data set at its owners: blocks of users, their events and offers in
 * order.
 */
#ifndef REMISE_JOBS_INGEST_SHARD_H
#define REMISE_JOBS_INGEST_SHARD_H

#include "jobs/ingest_records.h"

/**
 * Shard the records by user.
 *
 * Collective. The records are consumed: their arrays are freed on the way, so that the peak is
 * about two copies of the largest kind.
 * dataset  out  new, caller frees with dataset_free; NULL unless OK
 * The same data set, cut at other places, at any number of ranks.
 * Errors: ERR_MEMORY; ERR_DATA no user at all.
 */
enum status ingest_shard(const struct comm *comm, struct ingest_records *records,
                         struct dataset **dataset);

/** Write what ingest_shard made. Collective. Errors: those of dataset_write_parts. */
enum status dataset_write(const struct comm *comm, const char *path, struct dataset *dataset);

#endif
