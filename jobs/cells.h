/**
 * What each discount level of one candidate is worth and costs: the cells that allocation chooses
 * among.
 *
 * Money is in units of 1/10,000 of the currency ("hundredths of a cent"), rounded once per cell, so
 * that every total is a sum of integers and can be recomputed from the published table to the last
 * digit.
 */
#ifndef REMISE_JOBS_CELLS_H
#define REMISE_JOBS_CELLS_H

#include "io/dataset.h"
#include "jobs/candidates.h"
#include "jobs/config.h"
#include "jobs/curves.h"

enum { CELL_LEVELS = 32, CELL_UNITS_PER_CENT = 100 };

/* The settings and tables cells are made from; all borrowed. */
struct cell_maker {
    const struct products *products;
    const struct candidates *candidates;
    const struct curves *curves;
    int levels;
    const double *level; /* [levels] discounts, ascending, the first is 0 */
    double floor;        /* margin floor as a fraction of the price */
    double weight_profit, weight_revenue, weight_surplus;
};

/* One candidate at every level. */
struct slot_cells {
    int64_t product;            /* -1: no candidate; then only level 0 with zeros */
    uint32_t allowed;           /* bit k: level k keeps the margin floor; bit 0 always */
    double chance[CELL_LEVELS]; /* of buying */
    int64_t price_cents[CELL_LEVELS];
    int64_t revenue[CELL_LEVELS], profit[CELL_LEVELS],
        surplus[CELL_LEVELS];   /* expected, 1/10,000 */
    int64_t cost[CELL_LEVELS];  /* of the discount: chance x (list price - price) */
    int64_t value[CELL_LEVELS]; /* the objective */
};

/**
 * Take the settings. Local.
 * Errors: ERR_CONFIG levels that do not begin with 0 or are too many, or weights all 0.
 */
enum status cell_maker_open(const struct config *config, const struct products *products,
                            const struct candidates *candidates, const struct curves *curves,
                            struct cell_maker *maker);

/** The cells of slot `row` (user x slots + slot, local). Local. */
void cells_of_slot(const struct cell_maker *maker, int64_t row, struct slot_cells *cells);

#endif
