/**
 * Why no choice from a table of cells keeps its constraints: the smallest set of them in conflict,
 * and what each would need.
 */
#ifndef REMISE_JOBS_TABLE_CONFLICT_H
#define REMISE_JOBS_TABLE_CONFLICT_H

#include "jobs/cell_table.h"

/**
 * Find the set and say it in the log, each limit with what it would need.
 *
 * Collective. To be called where knapsack_solve found the cells impossible; never returns OK.
 * price, used  in  [limits] that knapsack_solve left behind
 * Cost: that of knapsack_conflict_find.
 * Errors: ERR_NUMERIC with the constraints in conflict; ERR_MEMORY.
 */
enum status table_conflict_tell(const struct comm *comm, const struct cell_table *cells,
                                const struct constraint *constraint, const int64_t *price,
                                const int64_t *used);

#endif
