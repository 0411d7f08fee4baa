/**
 * Rows that repeat an earlier row of the same table in every column, found without gathering rows.
 */
#ifndef REMISE_JOBS_INGEST_REPEATS_H
#define REMISE_JOBS_INGEST_REPEATS_H

#include "mpi/comm.h"

/* 128-bit hash of a row's fields, and where the row was read. */
struct row_mark {
    uint64_t high, low;
    int64_t row; /* number on its rank */
    int64_t rank;
};

/**
 * Mark the rows that equal an earlier row: the first of equals in file order is not marked.
 * Collective.
 * marks     in   [rows] this rank's rows; freed and nulled
 * repeated  out  new [rows] 1 for a repeat; caller frees; NULL unless OK
 * Cost: each mark (32 bytes) moves once, each repeat once back. Equal hashes count as equal rows:
 *       with 2^40 rows the chance of a wrong one is below 2^-48.
 * Errors: ERR_MEMORY.
 */
enum status ingest_find_repeats(const struct comm *comm, struct row_mark **marks, int64_t rows,
                                uint8_t **repeated);

#endif
