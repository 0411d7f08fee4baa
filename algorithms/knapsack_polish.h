/**
 * Prices of the limits of one kind searched for by themselves, those of other kinds standing still.
 * Part of algorithms/knapsack.h.
 *
 * Newton's method moves all prices together; where there are very many limits, some may be left far
 * too high: nobody uses what they price, so nothing tells how far to go down. The limits of one
 * kind do not meet in any slot, so that all of them can be halved towards their own best price at
 * once.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_POLISH_H
#define REMISE_ALGORITHMS_KNAPSACK_POLISH_H

#include "algorithms/knapsack_point.h"

/* Prices that may be tried; NULL: from 0 on, whatever they are. */
struct knapsack_range {
    const double *low, *high; /* [limits] units of value per unit of use */
};

/**
 * Lower the bound kind by kind, where prices of what is not used up make up a part of it that
 * shows.
 *
 * Collective.
 * range   in     e.g. that within which a core tells of all slots
 * price   inout  [limits] as in algorithms/knapsack_point.h
 * choice  inout  [rows_local] of the slots at these prices
 * used    inout  [limits] likewise
 * point   inout  likewise; its bound does not rise
 * passes  inout  counts passes over the cells
 * Cost: about 30 passes for each kind that needs it, twice at most.
 * Errors: ERR_MEMORY; those of knapsack_at_prices.
 * Same bytes for any number of ranks.
 */
enum status knapsack_polish(const struct comm *comm, const struct knapsack_cells *cells,
                            const struct knapsack_range *range, int64_t *price, uint8_t *choice,
                            int64_t *used, struct knapsack_point *point, int64_t *passes);

#endif
