/**
 * The shop's price of every product in every week in which it was sold: what was paid a unit.
 *
 * In other weeks the price is not known, and they do not count (algorithms/count_panel.h says what
 * becomes of that). Other ranks' products are here as well: users buy what they like.
 * Where the shop tells of promotions, the share of the week's purchases that were on one stands
 * beside the price.
 */
#ifndef REMISE_JOBS_DEMAND_PRICES_H
#define REMISE_JOBS_DEMAND_PRICES_H

#include "jobs/demand_cells.h"

struct demand_prices {
    int64_t products, weeks;
    double *x;        /* [products][weeks] log of the price in currency units; NaN where not sold */
    double *promoted; /* [products of this rank][weeks] in [0, 1]; NULL: not told */
};

/**
 * Work the prices out at the products' owners and give them to all.
 * Collective. Free with demand_prices_clear.
 * Memory: 8 bytes per product and week.
 * Errors: ERR_MEMORY.
 */
enum status demand_prices_make(const struct comm *comm, const struct demand_cells *cells,
                               int64_t weeks, struct demand_prices *prices);
/** Free; accepts a zeroed struct. Local. */
void demand_prices_clear(struct demand_prices *prices);

#endif
