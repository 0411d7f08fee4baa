/**
 * What moves the sales of a product in a week beside its own price: whether it was promoted, and
 * the prices of its neighbours; as columns of the regression of counts (algorithms/count_panel.h).
 *
 * Promotion: the share of the week's purchases that were on one. Its effect, one for all products,
 * is what advertising does at the same price.
 * Cross price: the mean of log price over usual log price of the neighbours, by their weights. A
 * neighbour that shows no price in a week, as nothing of it was sold, counts as at its usual one,
 * the median of its weeks: it may have had a promotion that sold nothing, so elasticities are
 * rather too near to zero. Each category has an effect; those of fewer than demand.min_rows cells,
 * and those beyond the DEMAND_CROSSES with the most, share one.
 */
#ifndef REMISE_JOBS_DEMAND_COLUMNS_H
#define REMISE_JOBS_DEMAND_COLUMNS_H

#include "jobs/demand_neighbours.h"
#include "jobs/demand_sources.h"

enum { DEMAND_CROSSES = 64 };

struct demand_columns {
    bool promotion;    /* column and effect 0 */
    int64_t crosses;   /* effects of cross prices, the last of them shared; 0: none are asked for */
    int32_t *cross_of; /* [categories] 0 to crosses - 1 */
    int64_t *cross_rows;   /* [categories] cells of products that have neighbours */
    int64_t promoted_rows; /* cells with a promotion */
    int64_t columns, effects;
    double *z;       /* [columns][products of this rank][weeks] */
    int32_t *effect; /* [columns][products of this rank] */
};

/**
 * Make them.
 * Collective.
 * neighbours  in   products 0: no cross prices
 * columns     out  the caller clears it with demand_columns_clear, also on failure
 * Memory: 16 bytes for each product of this rank and week, 8 per product.
 * Errors: ERR_MEMORY.
 */
enum status demand_columns_make(const struct comm *comm, const struct demand_sources *sources,
                                const struct demand_neighbours *neighbours,
                                struct demand_columns *columns);
/** Free; accepts a zeroed struct. Local. */
void demand_columns_clear(struct demand_columns *columns);

#endif
