/**
 * Elasticities of single products: what the sales of each say beside its category's elasticity,
 * shrunk toward the category.
 */
#ifndef REMISE_JOBS_DEMAND_PRODUCTS_H
#define REMISE_JOBS_DEMAND_PRODUCTS_H

#include "jobs/demand_method.h"

/**
 * Estimate and shrink them.
 *
 * Collective.
 * demand  inout  category, segment and overall are read; product is made
 * A product's own estimate is one step of Newton's method from its category's elasticity,
 * with the baseline's season effects; its variance is the dispersion over its information.
 * Errors: ERR_MEMORY.
 */
enum status demand_products_make(const struct comm *comm, const struct demand_sources *sources,
                                 const struct demand_baseline *baseline, struct demand *demand);

#endif
