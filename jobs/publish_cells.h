/**
 * The allocation problem behind the table, in discounts.h5: of each of its rows, and in its order,
 * what every level is worth and uses and which limits it counts against; and the limits with their
 * prices. So the published file alone tells why a row has its level, and proves the receipt.
 */
#ifndef REMISE_JOBS_PUBLISH_CELLS_H
#define REMISE_JOBS_PUBLISH_CELLS_H

#include "jobs/publish_sums.h"

/**
 * Write the publisher's problem as the table's rows have it.
 * Collective. The problem is brought to the order of the rows, and cleared.
 * sums  inout  takes the columns that have a row for each of the table's
 * Memory: one of the problem's columns.
 * Errors: ERR_MEMORY; those of problem_write.
 */
enum status publish_cells(const struct comm *comm, struct store *store,
                          const struct publisher *publisher, struct publish_sums *sums);

#endif
