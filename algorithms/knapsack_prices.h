/**
 * The prices of limits that make the dual of algorithms/knapsack.h small: Newton's method on the
 * smoothed dual, the temperature falling, on a sample first and on all slots last.
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_PRICES_H
#define REMISE_ALGORITHMS_KNAPSACK_PRICES_H

#include "algorithms/knapsack_core.h"

/** Prices as they are kept, whole numbers of 2^-30, to units of value per unit of use. Local. */
void knapsack_prices_open(const int64_t *price, int64_t limits, double *open);
/** And back, to the nearest; 2^60 at most. Local. */
void knapsack_prices_keep(const double *open, int64_t limits, int64_t *price);

/**
 * Find them.
 *
 * Collective.
 * lowest    in     sum over slots of their least value: a dual below it proves that no choice keeps
 *                  the limits
 * price     inout  [limits] units of value per unit of use, >= 0
 * passes    inout  counts passes over all cells, those over samples by their part
 * looks     inout  counts them all alike
 * last      out    the smoothed dual at these prices, as last worked out; the caller clears it with
 *                  knapsack_smooth_clear, also on failure; all 0 where there are no limits
 * proven    out    no choice keeps the limits; prices then say which: the dual falls along them
 * Each step solves (C + m diag C) step = -gradient over the limits that have a price or are
 * exceeded, C the curvature and m raised until the dual falls (Levenberg and Marquardt); limits of
 * wide kinds are eliminated one by one, as they do not meet each other.
 * Errors: ERR_MEMORY.
 * Same bytes for any number of ranks.
 */
enum status knapsack_prices_find(const struct comm *comm, const struct knapsack_cells *cells,
                                 const struct knapsack_scale *scale, double lowest, double *price,
                                 double *passes, int64_t *looks, struct knapsack_smooth *last,
                                 bool *proven);

/**
 * The smoothed dual of users with caps at prices that are nearly known, for its curvature: that of
 * all slots, shown by a sample of some 2^17 and 64 for each limit. Its dual and gradient are the
 * sample's.
 *
 * Collective.
 * price   in     [limits] as in algorithms/knapsack_point.h
 * passes  inout  counts passes over all cells, those over samples by their part
 * looks   inout  counts them all alike: one, or two where the first temperature is not the right
 *                one
 * smooth  out    the caller clears it with knapsack_smooth_clear, also on failure
 * Errors: ERR_MEMORY.
 * Same bytes for any number of ranks.
 */
enum status knapsack_prices_smooth(const struct comm *comm, const struct knapsack_cells *cells,
                                   const struct knapsack_scale *scale, const int64_t *price,
                                   double *passes, int64_t *looks, struct knapsack_smooth *smooth);

/* Where a step from known prices leads. */
struct knapsack_promise {
    double promised; /* by how much it would lower the dual */
    double wanted;   /* the same of a step beyond the core's range */
    double near;     /* what is too little to show */
};

/**
 * Prices that are nearly known: one step on the core, at the temperature that what they leave and
 * exceed of limits calls for.
 *
 * Collective.
 * dual    in     of all slots at these prices
 * price   inout  where the step leads, within the core's range; as they were where there is none
 * end     out    promised is 0 where there is none
 * Others as above; passes counts looks at the core by its share. One look.
 * Errors: ERR_MEMORY.
 * Same bytes for any number of ranks.
 */
enum status knapsack_prices_step(const struct comm *comm, const struct knapsack_core *core,
                                 const struct knapsack_scale *scale, double dual, double *price,
                                 double *passes, int64_t *looks, struct knapsack_promise *end);

#endif
