/**
 * Limits of many slots priced, all others kept in whole options together: a lower bound of small
 * problems. Part of algorithms/knapsack.h.
 *
 * Prices of limits that few slots share give away up to an option of one of them. Without the
 * limits of many slots, such as budgets, which have prices instead, a problem falls into parts, and
 * each can be searched (algorithms/knapsack_search.h).
 */
#ifndef REMISE_ALGORITHMS_KNAPSACK_RELAX_H
#define REMISE_ALGORITHMS_KNAPSACK_RELAX_H

#include "algorithms/knapsack_table.h"

/* Slots of a limit from which on it is priced; prices tried. */
enum { KNAPSACK_RELAX_SLOTS = 9, KNAPSACK_RELAX_STEPS = 12 };

/**
 * Relax.
 *
 * Local.
 * table  inout  its choice keeps the limits; a better one takes its place where one is met
 * bound  inout  no choice that keeps the limits is worth more
 * Cost: a search for each price tried; one where that does not lower the bound.
 * Errors: ERR_MEMORY.
 * Source: Guignard and Kim 1987, Math. Program. 39 (Lagrangian decomposition).
 */
enum status knapsack_relax(struct knapsack_table *table, int64_t *bound);

#endif
