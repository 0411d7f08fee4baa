/**
 * The neighbours of a product: those of its category that the same users buy, which may take sales
 * from it when their prices fall.
 *
 * How near two products are is the cosine of their buyers: users who bought both over the geometric
 * mean of those who bought the one and the other. Users who buy in a category much of what there is
 * count with NEIGHBOUR_BASKET products of it, drawn by the user's key: nobody makes more than the
 * square of that in pairs.
 */
#ifndef REMISE_JOBS_DEMAND_NEIGHBOURS_H
#define REMISE_JOBS_DEMAND_NEIGHBOURS_H

#include "io/dataset.h"

enum {
    NEIGHBOUR_BASKET = 16,
    NEIGHBOUR_USERS = 5 /* who bought both products, at least */
};

struct demand_neighbours {
    int64_t products, most;
    int32_t *product; /* [products][most] the nearest first; -1: no more */
    double *weight;   /* [products][most] cosines that add up to 1 for each product; 0: no more */
};

/**
 * Find the nearest `most` of each product.
 * Collective; the same on every rank. Free with demand_neighbours_clear.
 * Memory: 16 bytes for each pair of a user at first, then for each pair that was bought; 12 bytes
 *         per product and neighbour on every rank.
 * Cost: O(rows / ranks) and a sort of the pairs; every distinct pair moves once.
 * Ties go to the lower product. Errors: ERR_MEMORY.
 */
enum status demand_neighbours_find(const struct comm *comm, const struct dataset *dataset,
                                   int64_t most, uint64_t seed,
                                   struct demand_neighbours *neighbours);
/** Free; accepts a zeroed struct. Local. */
void demand_neighbours_clear(struct demand_neighbours *neighbours);

#endif
