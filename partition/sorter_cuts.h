/**
 * Where the order of a sorter's records is cut into ranges of about equal counts.
 *
 * A cut is the words of a group: records before it belong to the ranges before. Cuts ascend; two
 * that are the same leave nothing between them. A part of partition/sorter.h.
 */
#ifndef REMISE_PARTITION_SORTER_CUTS_H
#define REMISE_PARTITION_SORTER_CUTS_H

#include "mpi/comm.h"
#include "partition/sorter_runs.h"

struct cuts {
    int64_t count; /* ranges - 1 */
    int words;
    uint64_t *key; /* [count][words] */
};

/**
 * Choose ranges - 1 cuts from samples of the records of all ranks.
 * Collective; the same cuts on every rank.
 * Cost: one gather of some thousand samples, more where there are very many runs or ranges.
 * Errors: ERR_MEMORY, ERR_IO.
 */
enum status cuts_choose(const struct comm *comm, struct runs *runs, int64_t ranges,
                        struct cuts *cuts);

/** Key of cut `at`; NULL before the first and after the last. Local. */
const uint64_t *cuts_key(const struct cuts *cuts, int64_t at);

/** Free; accepts zeros. Local. */
void cuts_clear(struct cuts *cuts);

#endif
