/**
 * What each discount level of one candidate is worth and costs: the cells that allocation chooses
 * among.
 *
 * Money is in units of 1/10,000 of the currency ("hundredths of a cent"), rounded once per cell, so
 * that every total is a sum of integers and can be recomputed from the published table to the last
 * digit.
 *
 * With cross elasticities a discount also counts what it takes from the user's other candidates: of
 * each that has the product among its neighbours the part demand_taken of its chance without a
 * discount, at its list price; in all no more than the discount adds to the product's own chance.
 *
 * Where a promotion of the shop runs for the user (jobs/running.h), every level stands on it: level
 * 0 is the promotion alone, the price of level k is that of both together (allocate.stacking), and
 * its cost is what it takes off the price of level 0.
 *
 * Level 0 is always allowed: it is no discount of ours, and where a product cannot be sold at its
 * list price without breaking a floor, recommend does not make it a candidate.
 */
#ifndef REMISE_JOBS_CELLS_H
#define REMISE_JOBS_CELLS_H

#include "io/dataset.h"
#include "jobs/candidates.h"
#include "jobs/config.h"
#include "jobs/curves.h"
#include "jobs/demand.h"
#include "jobs/reference.h"
#include "jobs/run.h"
#include "jobs/running.h"

enum { CELL_LEVELS = 32, CELL_UNITS_PER_CENT = 100 };

/* What forbids levels of a product, each by itself; docs/configuration.md has their settings. */
enum cell_rule {
    CELL_MARGIN_FLOOR,
    CELL_PRICE_FLOOR,
    CELL_REFERENCE,
    CELL_STACKING, /* with `best`: not above the promotion that runs */
    CELL_COMBINED, /* promotion and level together are beyond allocate.combined_most */
    CELL_RULES
};

/* What a level comes to beside a promotion, as parts of the list price. */
enum stacking { STACKING_ADD, STACKING_MULTIPLY, STACKING_BEST };

struct labels; /* jobs/labels.h */

/* The settings and tables cells are made from; all borrowed. */
struct cell_maker {
    const struct products *products;
    const struct candidates *candidates;
    const struct curves *curves;
    const struct demand *demand; /* cross elasticities; NULL: none */
    int levels;
    const double *level; /* [levels] discounts, ascending, the first is 0 */
    double floor; /* margin floor as a fraction of the price, of products without their own */
    const struct labels
        *labels;            /* discounts that users are to have; NULL: what they bring decides */
    const double *lifetime; /* [users_local] currency: what one more purchase today adds to the
                               user's expected value (jobs/profile_lifetime.h); NULL: not known */
    const struct reference *reference; /* NULL: not known */
    bool keep_reference;               /* a discount must lead below the reference price */
    const struct running *running;     /* promotions; NULL: none */
    enum stacking stacking;
    double combined_most; /* of promotion and level together; NaN: any */
    double weight_profit, weight_revenue, weight_surplus;
    double weight_purchases; /* currency for each */
    double weight_lifetime;
};

/* One candidate at every level. */
struct slot_cells {
    int64_t product;                /* -1: no candidate; then only level 0 with zeros */
    uint32_t allowed;               /* bit k: no rule forbids level k; bit 0 always */
    uint32_t forbidden[CELL_RULES]; /* bit k: the rule forbids level k; bit 0 never */
    int32_t promotion;              /* that runs: row of the data set's promotions, -1: none */
    double combined[CELL_LEVELS];   /* off the list price: the promotion with the level */
    double chance[CELL_LEVELS];     /* of buying */
    int64_t price_cents[CELL_LEVELS];
    int64_t revenue[CELL_LEVELS], profit[CELL_LEVELS],
        surplus[CELL_LEVELS]; /* expected, 1/10,000; revenue and profit less what is taken */
    /* From the user's other candidates, expected: */
    double taken[CELL_LEVELS]; /* purchases */
    int64_t taken_revenue[CELL_LEVELS], taken_profit[CELL_LEVELS];
    int64_t
        lifetime[CELL_LEVELS];  /* what the purchases add to the user's value, less those taken */
    int64_t cost[CELL_LEVELS];  /* of the discount: chance x (price of level 0 - price) */
    int64_t value[CELL_LEVELS]; /* the objective */
};

/**
 * Take the settings. Local.
 * Errors: ERR_CONFIG levels that do not begin with 0 or are too many, or weights all 0.
 */
enum status cell_maker_open(const struct config *config, const struct products *products,
                            const struct candidates *candidates, const struct curves *curves,
                            struct cell_maker *maker);

/**
 * Read the cross elasticities of the run, where demand.cross asks for them and there are any.
 * Collective.
 * demand  inout  zero; the caller clears it
 * Errors: those of demand_read.
 */
enum status cell_maker_cross(const struct comm *comm, const struct run *run, struct demand *demand,
                             struct cell_maker *maker);

/**
 * A promotion and a level together, as a part of the list price; exactly the level where there is
 * no promotion; at most 1. Local.
 */
double cells_combine(enum stacking stacking, double promotion, double level);

/** The cells of slot `row` (user x slots + slot, local). Local. */
void cells_of_slot(const struct cell_maker *maker, int64_t row, struct slot_cells *cells);

#endif
