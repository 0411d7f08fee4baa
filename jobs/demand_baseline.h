/**
 * How sales are spread over the weeks apart from prices: what stands beside an elasticity when the
 * sales of a product or of a user are compared with what it expects.
 *
 * A product's purchases in week t are expected to be in proportion to
 *     exp(elasticity x[t] + week_effect[t] + offset[t]),
 * x the log price. The offset is that of weeks without a sale, which are not seen
 * (algorithms/count_panel.h), and of promotions and neighbours' prices, where there are any
 * (jobs/demand_columns.h).
 */
#ifndef REMISE_JOBS_DEMAND_BASELINE_H
#define REMISE_JOBS_DEMAND_BASELINE_H

#include "jobs/demand_sources.h"

struct demand_baseline {
    double *week_effect; /* [weeks] */
    double *offset;      /* [all products][weeks] */
    double dispersion;   /* variance of a count over its mean */
};

/**
 * That of a regression of counts.
 * Collective.
 * data, fit  in   of the purchases of each product and week
 * baseline   out  the caller clears it with demand_baseline_clear, also on failure
 * Errors: ERR_MEMORY.
 */
enum status demand_baseline_keep(const struct comm *comm, const struct panel_data *data,
                                 const struct count_panel *fit, struct demand_baseline *baseline);

/**
 * The seasons and offsets of the counts under elasticities that another method found; where the
 * shop tells of promotions, their effect on the counts is in the offsets.
 * Collective.
 * elasticity  in   [categories] NaN counts as 0
 * baseline    out  as above
 * Errors: those of count_panel_fit.
 */
enum status demand_baseline_find(const struct comm *comm, const struct demand_sources *sources,
                                 const double *elasticity, struct demand_baseline *baseline);

/** Free; accepts a zeroed struct. Local. */
void demand_baseline_clear(struct demand_baseline *baseline);

#endif
