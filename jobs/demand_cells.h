/**
 * Sales and prices per product, week and segment, brought to the rank that owns the product.
 *
 * Everything is an integer, so cells merge exactly whatever rank their sales were on. Products are
 * owned in fixed blocks of DEMAND_BLOCK consecutive products. Weeks have seven days and begin with
 * the day (UTC) of the shop's first event; week t is in fold t modulo DEMAND_FOLDS.
 */
#ifndef REMISE_JOBS_DEMAND_CELLS_H
#define REMISE_JOBS_DEMAND_CELLS_H

#include "io/dataset.h"

enum { DEMAND_BLOCK = 64, DEMAND_FOLDS = 5, DEMAND_WEEK_SECONDS = 7 * 86400 };

struct demand_cell {
    int32_t product, segment;
    int64_t week;
    int64_t sales;        /* purchases, whatever their quantity */
    int64_t price_micros; /* sum over them of what was paid a unit, in 1e-6 of the currency unit */
    int64_t promoted;     /* purchases on a promotion */
};

struct demand_cells {
    struct blocks products;   /* blocks of DEMAND_BLOCK products; rows are products */
    bool promotions;          /* the shop tells which purchases were on a promotion */
    int64_t cells;            /* of this rank */
    struct demand_cell *cell; /* [cells] in the order of product, week, segment */
};

/** Week of a time, from 0 on the day of the first event. Local. */
int64_t demand_week(const struct dataset *dataset, int64_t time);
/** How many weeks there are. Local. */
int64_t demand_weeks(const struct dataset *dataset);

/**
 * Add up the purchases of the data set.
 * Collective.
 * segment   in  [users_local][DEMAND_FOLDS] of a user in the weeks of each fold
 * personal  in  [events_local] purchases at a price of the user's own: left out; NULL: none
 * Free with demand_cells_clear.
 * Memory: 48 bytes per purchase at first, then per distinct cell.
 * Errors: ERR_MEMORY.
 */
enum status demand_cells_make(const struct comm *comm, const struct dataset *dataset,
                              const int32_t *segment, const bool *personal,
                              struct demand_cells *cells);
/** Free; accepts a zeroed struct. Local. */
void demand_cells_clear(struct demand_cells *cells);

/**
 * Mark the purchases that came of a personal offer: for each redeemed offer the user's first
 * purchase of the product from then on, within 30 days. Whether such a purchase is there hangs on
 * its price, so it tells nothing of what a price for all does. Local.
 * personal  out  new [events_local]; the caller frees it
 * Returns their number through *count. Errors: ERR_MEMORY.
 */
enum status demand_personal_mark(const struct dataset *dataset, bool **personal, int64_t *count);

#endif
