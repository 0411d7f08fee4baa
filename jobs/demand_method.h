/**
 * How elasticities are estimated: a method gives an estimate and a standard error for each category
 * and each segment, from the same sources.
 *
 * demand_method_fit asks the one that demand.method names, and shrinks what it says: so all methods
 * leave the same things for products (jobs/demand_products.h), users (jobs/demand_people.h) and
 * files. Beside them stands the baseline (jobs/demand_baseline.h); a method that has none of its
 * own gets that of the counts under its elasticities.
 */
#ifndef REMISE_JOBS_DEMAND_METHOD_H
#define REMISE_JOBS_DEMAND_METHOD_H

#include "jobs/demand.h"
#include "jobs/demand_baseline.h"
#include "jobs/demand_sources.h"

struct demand_method {
    const char *name; /* in demand.method */
    /**
     * Estimate.
     * Collective.
     * demand    inout  estimate and std_error of category and segment are set, NaN as they come;
     *                  rows says how many cells each has
     * baseline  inout  zero as it comes, and left so unless the method has one; the caller clears
     *                  it, also on failure
     */
    enum status (*fit)(const struct comm *comm, const struct config *config,
                       const struct demand_sources *sources, struct demand *demand,
                       struct demand_baseline *baseline);
};

/**
 * Elasticities of categories and segments by the method of demand.method, shrunk, and their mean by
 * sales.
 * Collective.
 * demand    out  category, segment, overall, the same on every rank
 * baseline  out  the caller clears it with demand_baseline_clear, also on failure
 * Errors: those of the method; ERR_MEMORY.
 */
enum status demand_method_fit(const struct comm *comm, const struct config *config,
                              const struct demand_sources *sources, struct demand *demand,
                              struct demand_baseline *baseline);
#endif
