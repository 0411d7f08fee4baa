/**
 * The regressions of the demand stage: counts of product and week on slopes by category, and counts
 * of product, week and segment on slopes by segment, both with seasons (algorithms/count_panel.h);
 * and the elasticities that they give.
 *
 * Each slope is the mean elasticity over what the category, or the segment, sells: categories need
 * not be told apart for segments nor segments for categories, so a segment that hardly buys does
 * not blur the categories.
 */
#ifndef REMISE_JOBS_DEMAND_FIT_H
#define REMISE_JOBS_DEMAND_FIT_H

#include "algorithms/count_panel.h"
#include "jobs/config.h"
#include "jobs/demand.h"
#include "jobs/demand_prices.h"

struct demand_fit {
    int64_t weeks, segments, categories, seasons;
    int64_t min_rows;       /* cells for a slope of one's own */
    int32_t *season;        /* [weeks] */
    int32_t *slope_of;      /* [categories] slope of each; thin ones share the last */
    int64_t slopes;         /* the shared one included */
    int64_t *category_rows; /* [categories] cells of product and week with sales, on all ranks */
    int64_t *segment_rows;  /* [segments] cells of product, week and segment */
    int64_t *sales;         /* [segments] purchases */
    int32_t *product_slope; /* [products of this rank] */
    int32_t *no_slope;      /* [products of this rank] 0 */
    int64_t *start, *start_by_segment;            /* [products of this rank + 1] into counts */
    struct panel_count *count, *count_by_segment; /* of the product and week, and by segment */
    struct panel_data data, data_by_segment;      /* borrow from here, the cells and the prices */
    struct count_panel *panel, *by_segment;
    double *per_sale;    /* [products of this rank] 1: counts are of purchases */
    double *week_effect; /* [weeks] of the first */
    double *offset;      /* [all products][weeks]: count_panel_offsets */
};

/**
 * Fit it.
 * Collective; cells and prices must outlive the fit.
 * fit  out  the caller clears it with demand_fit_clear, also on failure
 * Errors: those of count_panel_fit; ERR_MEMORY.
 */
enum status demand_fit_make(const struct comm *comm, const struct config *config,
                            const struct dataset *dataset, const struct demand_cells *cells,
                            const struct demand_prices *prices, int64_t segments,
                            struct demand_fit *fit);
/** Free; accepts a zeroed struct. Local. */
void demand_fit_clear(struct demand_fit *fit);

/**
 * Elasticities of categories and of segments, shrunk, and their mean by sales. Local, the same on
 * every rank.
 * demand  out  category, segment, overall
 * Errors: ERR_MEMORY.
 */
enum status demand_fit_read_off(const struct demand_fit *fit, struct demand *demand);

#endif
