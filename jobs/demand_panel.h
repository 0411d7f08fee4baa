/**
 * Sales of every product in every week, of all users and by segment, as panels of counts; how many
 * cells stand behind each category and segment; and the season of each week.
 */
#ifndef REMISE_JOBS_DEMAND_PANEL_H
#define REMISE_JOBS_DEMAND_PANEL_H

#include "algorithms/count_panel.h"
#include "jobs/config.h"
#include "jobs/demand_prices.h"

struct demand_panel {
    const struct blocks *products; /* not owned */
    int64_t weeks, segments, categories, seasons;
    int64_t min_rows;       /* cells for an elasticity of one's own */
    int32_t *season;        /* [weeks] of demand.season */
    int32_t *category;      /* [products of this rank] */
    int64_t *category_rows; /* [categories] cells of product and week with sales, on all ranks */
    int64_t *segment_rows;  /* [segments] cells of product, week and segment */
    int64_t *sales;         /* [segments] purchases */
    const double *x; /* [products of this rank][weeks] log price, NaN where not sold; not owned */
    const double *promoted; /* likewise, share of purchases on a promotion; NULL: not told */
    int64_t *start, *start_by_segment;            /* [products of this rank + 1] into counts */
    struct panel_count *count, *count_by_segment; /* of the product and week, and by segment */
};

/**
 * Count.
 * Collective; cells and prices must outlive the panel.
 * panel  out  the caller clears it with demand_panel_clear, also on failure
 * Errors: ERR_MEMORY.
 */
enum status demand_panel_make(const struct comm *comm, const struct config *config,
                              const struct dataset *dataset, const struct demand_cells *cells,
                              const struct demand_prices *prices, int64_t segments,
                              struct demand_panel *panel);
/** Free; accepts a zeroed struct. Local. */
void demand_panel_clear(struct demand_panel *panel);

#endif
