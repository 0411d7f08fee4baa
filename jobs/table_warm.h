/**
 * Where the search for prices begins: those in the receipt of an earlier allocation of a similar
 * table.
 */
#ifndef REMISE_JOBS_TABLE_WARM_H
#define REMISE_JOBS_TABLE_WARM_H

#include "jobs/cell_table.h"

/**
 * Take them over.
 *
 * Collective; rank 0 reads.
 * path   in     what `remise allocate FILE` printed; constraints are the same if they limit the
 *               same column the same way, in all or for the same value, whatever the limit
 * price  inout  [limits] those that the receipt has
 * Errors: ERR_NO_INPUT; ERR_DATA it is no receipt, or none of its constraints is there.
 */
enum status table_warm(const struct comm *comm, const char *path, const struct cell_table *cells,
                       const struct constraint *constraint, int64_t *price);

#endif
