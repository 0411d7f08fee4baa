/**
 * Equal rows merged over all ranks, with how often each is there.
 *
 * A likelihood that is a sum over rows needs each distinct row once: of a million customers counted
 * in days many are alike. Which rank holds a distinct row depends on the number of ranks; sums over
 * them by mpi/exact.h, one term for each row, do not.
 */
#ifndef REMISE_ALGORITHMS_DISTINCT_H
#define REMISE_ALGORITHMS_DISTINCT_H

#include "mpi/comm.h"

enum { DISTINCT_COLUMNS = 3 };

struct distinct_row {
    double x[DISTINCT_COLUMNS];
    int64_t count; /* over all ranks */
};

struct distinct {
    int64_t rows;             /* on this rank; no row is on two ranks */
    struct distinct_row *row; /* [rows] ascending by x[0], x[1], x[2] */
};

/**
 * Merge rows whose columns are all equal.
 *
 * Collective.
 * row       in   [rows_local] finite, counts >= 1; used as work space: the order is lost
 * distinct  out  the caller clears it with distinct_clear, also on failure
 * Cost: two local sorts, one exchange of each distinct row of a rank (32 bytes).
 * Memory: 64 bytes for each distinct row of the rank.
 * The rows and counts of all ranks together are the same at any number of ranks.
 * Errors: ERR_MEMORY.
 */
enum status distinct_merge(const struct comm *comm, struct distinct_row *row, int64_t rows_local,
                           struct distinct *distinct);

/** Free; accepts a zeroed struct. Local. */
void distinct_clear(struct distinct *distinct);

#endif
