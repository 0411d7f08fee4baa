/**
 * The receipt of an allocation as JSON: what it promises, how far from the best it can be, and what
 * each limit allows, uses and costs.
 */
#ifndef REMISE_JOBS_ALLOCATE_RECEIPT_H
#define REMISE_JOBS_ALLOCATE_RECEIPT_H

#include "jobs/explore.h"
#include "jobs/policy.h"

/* What a receipt is made from; borrowed. */
struct allocated {
    const struct run *run;
    const struct dataset *dataset;
    const struct cell_maker *maker;
    const struct problem *problem;
    const struct policy *policy;
    const struct solution *solution;
    const struct explore *explore;
};

/**
 * Make it.
 * Collective.
 * choices  inout  solved; gets the receipt
 * Cost: one pass over the cells.
 * Errors: ERR_MEMORY.
 */
enum status allocate_receipt(const struct comm *comm, const struct allocated *allocated,
                             struct choices *choices);

#endif
