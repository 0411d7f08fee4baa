/**
 * How elasticities are estimated: a method gives an estimate and a standard error for each category
 * and each segment, from the same sources.
 *
 * demand_method_fit asks the one that demand.method names, and shrinks what it says: so all methods
 * leave the same things for products (jobs/demand_products.h), users (jobs/demand_people.h) and
 * files. Beside them stands the baseline, how sales are spread over the weeks apart from prices.
 */
#ifndef REMISE_JOBS_DEMAND_METHOD_H
#define REMISE_JOBS_DEMAND_METHOD_H

#include "jobs/demand.h"
#include "jobs/demand_sources.h"

/* A product's sales in week t are expected to be in proportion to
 *     exp(elasticity x[t] + week_effect[t] + offset[t]). */
struct demand_baseline {
    double *week_effect; /* [weeks] */
    double *offset;      /* [all products][weeks]: count_panel_offsets, for weeks without a sale */
    double dispersion;   /* variance of a count over its mean */
};

struct demand_method {
    const char *name; /* in demand.method */
    /**
     * Estimate.
     * Collective.
     * demand    inout  estimate and std_error of category and segment are set, NaN as they come;
     *                  rows says how many cells each has
     * baseline  out    zero as it comes; the caller clears it, also on failure
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
/** Free; accepts a zeroed struct. Local. */
void demand_baseline_clear(struct demand_baseline *baseline);

#endif
