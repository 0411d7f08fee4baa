/**
 * Sales per product, week and segment, brought to the rank that owns the product.
 *
 * Everything is an integer, so cells merge exactly whatever rank their sales were on. Products are
 * owned in fixed blocks of DEMAND_BLOCK consecutive products; week 0 is that of the shop's first
 * event.
 */
#ifndef REMISE_JOBS_DEMAND_CELLS_H
#define REMISE_JOBS_DEMAND_CELLS_H

#include "io/dataset.h"

enum { DEMAND_BLOCK = 64, DEMAND_WEEK_SECONDS = 7 * 86400 };

struct demand_cell {
    int32_t product, segment;
    int64_t week;
    int64_t quantity_milli, paid_cents, list_cents;
};

struct demand_cells {
    struct blocks products;   /* blocks of DEMAND_BLOCK products; rows are products */
    int64_t cells;            /* of this rank */
    struct demand_cell *cell; /* [cells] in the order of product, week, segment */
};

/**
 * Add up the purchases of the data set.
 * Collective.
 * segment  in  [users_local]
 * Free with demand_cells_clear.
 * Memory: 40 bytes per purchase at first, then per distinct cell.
 * Errors: ERR_MEMORY.
 */
enum status demand_cells_make(const struct comm *comm, const struct dataset *dataset,
                              const int32_t *segment, struct demand_cells *cells);
/** Free; accepts a zeroed struct. Local. */
void demand_cells_clear(struct demand_cells *cells);

#endif
