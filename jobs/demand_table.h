/**
 * elasticities.csv: the elasticities in words and figures, less those of few users.
 */
#ifndef REMISE_JOBS_DEMAND_TABLE_H
#define REMISE_JOBS_DEMAND_TABLE_H

#include "io/dataset.h"
#include "jobs/demand.h"
#include "jobs/run.h"

/**
 * Write elasticities.csv into the run folder.
 * Collective; demand is the same on every rank.
 * Where fewer users than privacy.min_users bought, the figures stay empty and `suppressed` is 1.
 * Errors: ERR_MEMORY; ERR_WRITE.
 */
enum status demand_table_write(const struct comm *comm, const struct run *run,
                               const struct demand *demand, const struct products *products);

#endif
