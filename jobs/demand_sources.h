/**
 * What elasticities are estimated from: the shop's purchases but those at personal prices, added up
 * by product, week and segment; the prices; the segment of every user in every fold of weeks.
 */
#ifndef REMISE_JOBS_DEMAND_SOURCES_H
#define REMISE_JOBS_DEMAND_SOURCES_H

#include "jobs/demand_panel.h"
#include "jobs/run.h"

struct demand_sources {
    struct dataset *dataset;
    int64_t segments;
    int32_t *segment; /* [users_local][DEMAND_FOLDS] */
    bool *personal;   /* [events_local] */
    struct demand_cells cells;
    struct demand_prices prices;
    struct demand_panel panel;
};

/**
 * Read the run's data set and profiles and add them up.
 * Collective.
 * sources  out  the caller clears it with demand_sources_clear, also on failure
 * Errors: those of dataset_read and store_read; ERR_MEMORY.
 */
enum status demand_sources_make(const struct comm *comm, const struct run *run,
                                struct demand_sources *sources);
/** Free; accepts a zeroed struct. Local. */
void demand_sources_clear(struct demand_sources *sources);

#endif
