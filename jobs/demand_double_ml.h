/**
 * demand.method: double_ml. Log purchases and log price, each less what the controls predict of it
 * by models that have not seen the row, one regressed on the other (algorithms/double_ml.h).
 *
 * Outcome and price are taken about their means in the panel (jobs/demand_rows.h); controls are
 * season, category, segment, the product's usual price and how much of it is sold, how dear others
 * of the category are in the week, and promotions where the shop tells of them. Others are those of
 * the other half of the products, dealt by a keyed hash: all but the product itself would, together
 * with the week, give its own price away. A season in which a single price was seen cannot be told
 * from it, and is left out. Folds are of products and weeks, by a keyed hash: a product's other
 * weeks may tell of a week, its segments in the same week may not. Estimates by category or segment
 * weigh rows as their panel sells; errors are sandwiches over products and weeks. The log has the
 * naive slope, without controls, beside the effect.
 */
#ifndef REMISE_JOBS_DEMAND_DOUBLE_ML_H
#define REMISE_JOBS_DEMAND_DOUBLE_ML_H

#include "jobs/demand_method.h"

extern const struct demand_method demand_double_ml;

#endif
