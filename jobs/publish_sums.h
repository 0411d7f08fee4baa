/**
 * Checksums of the columns of discounts.h5, block of users by block: who reads a part of the file
 * can check that part, and who finds damage knows in which rows.
 */
#ifndef REMISE_JOBS_PUBLISH_SUMS_H
#define REMISE_JOBS_PUBLISH_SUMS_H

#include "jobs/publish_rows.h"

enum { PUBLISH_COLUMNS = 96, PUBLISH_NAME_BYTES = 64 };

struct publish_sums {
    int64_t blocks;  /* of users, of this rank */
    int64_t *row;    /* [blocks + 1] first local row of the table of each block */
    uint64_t *sum;   /* [blocks][PUBLISH_COLUMNS] */
    int64_t columns; /* so far */
    char name[PUBLISH_COLUMNS][PUBLISH_NAME_BYTES];
};

/** Begin: where the blocks' rows are. Local. Free with publish_sums_clear. Errors: ERR_MEMORY. */
enum status publish_sums_open(const struct publisher *publisher, struct publish_sums *sums);

/** Take the local rows of a column: XXH3, 64 bits, of each block's bytes. Local. */
void publish_sums_add(struct publish_sums *sums, const char *name, const void *data,
                      size_t row_bytes);

/**
 * Write checksums/rows, checksums/column and checksums/xxh3.
 * Collective. Errors: those of store_write; ERR_MEMORY.
 */
enum status publish_sums_write(const struct comm *comm, struct store *store,
                               const struct publish_sums *sums);

/** Free; accepts a zeroed struct. Local. */
void publish_sums_clear(struct publish_sums *sums);

#endif
