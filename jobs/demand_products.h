/**
 * Elasticities of single products: what the regression of categories and segments leaves of each,
 * shrunk toward the category.
 */
#ifndef REMISE_JOBS_DEMAND_PRODUCTS_H
#define REMISE_JOBS_DEMAND_PRODUCTS_H

#include "jobs/demand_fit.h"

/**
 * Estimate and shrink them.
 *
 * Collective.
 * demand  inout  category, segment and overall are read; product is made
 * A product's own estimate is one step of Newton's method from its category's slope, with the
 * regression's season effects; its variance is the dispersion over its information.
 * Errors: ERR_MEMORY.
 */
enum status demand_products_make(const struct comm *comm, const struct dataset *dataset,
                                 const struct demand_fit *fit, struct demand *demand);

#endif
