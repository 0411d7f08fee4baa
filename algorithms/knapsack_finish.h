/**
 * From what slots choose at prices to a choice that keeps all limits and leaves little unused.
 * Part of algorithms/knapsack.h.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_FINISH_H
#define REMISE_ALGORITHMS_KNAPSACK_FINISH_H

#include "algorithms/knapsack_core.h"

struct knapsack_finish {
    bool holds;               /* all limits do */
    int64_t repaired, filled; /* slots moved so that they do, and to use what was left */
    double passes;            /* over the cells, those over the core by its share */
};

/**
 * Move slots until all limits hold, then others where something is left: those of the core, and of
 * all slots where that does not do.
 *
 * Collective.
 * price   in     [limits] as in algorithms/knapsack_point.h
 * core    inout  at these prices; NULL: all slots are looked at
 * choice  inout  [rows_local] of the slots at these prices
 * used    inout  [limits] by it
 * Cost: some 2 to 20 passes over the core, or over all cells; one gather of 1.8 MB each.
 * Errors: ERR_MEMORY.
 * Same bytes for any number of ranks.
 */
enum status knapsack_finish(const struct comm *comm, const struct knapsack_cells *cells,
                            const struct knapsack_scale *scale, const int64_t *price,
                            struct knapsack_core *core, uint8_t *choice, int64_t *used,
                            struct knapsack_finish *finish);

/**
 * Only what brings a choice within all limits by moves of single slots, if they do soon.
 * Collective. Arguments, cost and errors as above.
 */
enum status knapsack_finish_repair(const struct comm *comm, const struct knapsack_cells *cells,
                                   const struct knapsack_scale *scale, const int64_t *price,
                                   uint8_t *choice, int64_t *used, struct knapsack_finish *finish);

#endif
