/**
 * Cells that can be added up: every number in range, every slot with a level to be at.
 * Part of algorithms/allocation.h and algorithms/allocation_path.h.
 */
#ifndef REMISE_ALGORITHMS_ALLOCATION_CHECK_H
#define REMISE_ALGORITHMS_ALLOCATION_CHECK_H

#include "algorithms/allocation.h"

/* What any sum over slots can reach. */
struct allocation_reach {
    int64_t value, cost; /* the largest |value| and |cost| of each slot, added up */
    int64_t most;        /* the largest of them all */
};

/** Levels of a slot that may be chosen, as bits. Local. */
static inline uint32_t allocation_allowed(const struct allocation_cells *cells, int64_t slot)
{
    return cells->allowed != NULL ? cells->allowed[slot] : UINT32_MAX;
}

/** ERR_ARG for a number of levels that is not possible. Local. */
enum status allocation_check_shape(const struct allocation_cells *cells);

/**
 * Check one slot and add its largest value and cost. Local.
 * free_start  in  level 0 must be allowed and free, and no cost negative
 * Errors: as allocation_solve.
 */
enum status allocation_check_slot(const struct allocation_cells *cells, int64_t slot,
                                  bool free_start, struct allocation_reach *reach);

/** All ranks refuse together what could overflow. Collective. Errors: ERR_NUMERIC. */
enum status allocation_check_reach(const struct comm *comm, const struct allocation_reach *reach);

#endif
