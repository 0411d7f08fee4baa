/**
 * demand.method: counts. Counts of product and week on slopes by category, and counts of product,
 * week and segment on slopes by segment, both with seasons (algorithms/count_panel.h).
 *
 * Each slope is the mean elasticity over what the category, or the segment, sells: categories need
 * not be told apart for segments nor segments for categories, so a segment that hardly buys does
 * not blur the categories. Categories of fewer than demand.min_rows cells share a slope and have no
 * estimate of their own.
 */
#ifndef REMISE_JOBS_DEMAND_COUNTS_H
#define REMISE_JOBS_DEMAND_COUNTS_H

#include "jobs/demand_method.h"

extern const struct demand_method demand_counts;

#endif
