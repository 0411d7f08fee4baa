/**
 * The allocation problem behind the table, in discounts.h5: of each of its rows, and in its order,
 * what every level is worth and uses and which limits it counts against; and the limits with their
 * prices. So the published file alone tells why a row has its level, and proves the receipt.
 */
#ifndef REMISE_JOBS_PUBLISH_CELLS_H
#define REMISE_JOBS_PUBLISH_CELLS_H

#include "jobs/publish_sums.h"
#include "jobs/run.h"

/**
 * Write what choices.h5 has of the table's rows.
 * Collective.
 * sums  inout  takes the columns that have a row for each of the table's
 * Memory: the problem of this rank's slots and one more of its columns; said by log_need.
 * Errors: those of choices_read_problem and problem_write.
 */
enum status publish_cells(const struct comm *comm, const struct run *run, struct store *store,
                          const struct publisher *publisher, struct publish_sums *sums);

#endif
