/**
 * What the regression of counts says beside own-price elasticities of categories and segments: the
 * effect of promotions, elasticities to neighbours' prices, and elasticities of brands.
 *
 * What a brand sells at the same price is part of the effects of its products. Its elasticity is
 * the mean over what it sells, by a regression of its own with slopes by brand, as for segments:
 * brands go across categories, and so a product is shrunk toward its category alone.
 */
#ifndef REMISE_JOBS_DEMAND_EFFECTS_H
#define REMISE_JOBS_DEMAND_EFFECTS_H

#include "jobs/demand.h"
#include "jobs/demand_columns.h"

/**
 * Promotion and cross from a fit with the columns, said in the log.
 * Local; the same on every rank.
 * A column that prices and seasons explain has no effect, and the log says so. Cross elasticities
 * are shrunk toward their mean; where no category has cells for its own, the shared one is that of
 * all. Errors: ERR_MEMORY.
 */
enum status demand_effects_read_off(const struct count_panel *fit,
                                    const struct demand_columns *columns,
                                    const struct demand_panel *panel, struct demand *demand);

/**
 * Elasticities of brands, where the shop names two or more.
 * Collective.
 * data    in   the regression by category, whose slopes are replaced
 * demand  out  brand
 * Errors: those of count_panel_fit.
 */
enum status demand_brands_fit(const struct comm *comm, const struct demand_sources *sources,
                              const struct panel_data *data, struct demand *demand);

#endif
