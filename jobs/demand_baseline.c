/* Seasons and offsets, from a fit of counts or under given elasticities. */
#include "jobs/demand_baseline.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

/* Offsets of this rank's products, with what further regressors add, to all ranks. */
static enum status share_offsets(const struct comm *comm, const struct panel_data *data,
                                 const struct count_panel *fit, struct demand_baseline *baseline)
{
    enum status status = OK;
    double *mine = NULL;
    void *all = NULL;
    int64_t cells = data->blocks->rows_local * data->weeks, bytes = 0;
    TRY_ALL(comm, memory_new(&mine, cells, sizeof *mine));
    TRY_ALL(comm, count_panel_offsets(data, fit, mine));
    for (int64_t i = 0; data->columns > 0 && i < cells; i++)
        if (!isnan(data->x[i]))
            mine[i] += count_panel_added(data, fit, i / data->weeks, i % data->weeks);
    TRY(comm_gather_all(comm, mine, cells * (int64_t)sizeof *mine, &all, &bytes));
    baseline->offset = all;
done:
    free(mine);
    return status;
}

enum status demand_baseline_keep(const struct comm *comm, const struct panel_data *data,
                                 const struct count_panel *fit, struct demand_baseline *baseline)
{
    enum status status = OK;
    TRY(share_offsets(comm, data, fit, baseline));
    TRY_ALL(comm, memory_new(&baseline->week_effect, data->weeks, sizeof *baseline->week_effect));
    for (int64_t t = 0; t < data->weeks; t++)
        baseline->week_effect[t] = fit->season[data->season[t]];
    baseline->dispersion = fit->dispersion;
done:
    return status;
}

/* ---- under given elasticities ---- */

/* Counts whose prices are in the mean already, and whose x is 0 wherever something was sold. */
struct given {
    int32_t *slope, *effect; /* of promotions */
    double *x, *offset, *per_sale;
};

static enum status give(const struct demand_panel *panel, const double *elasticity, struct given *g)
{
    enum status status = OK;
    int64_t products = panel->products->rows_local, weeks = panel->weeks;
    TRY(memory_new(&g->slope, products, sizeof *g->slope));
    TRY(memory_new(&g->effect, products, sizeof *g->effect));
    TRY(memory_new(&g->per_sale, products, sizeof *g->per_sale));
    TRY(memory_new(&g->x, products * weeks, sizeof *g->x));
    TRY(memory_new(&g->offset, products * weeks, sizeof *g->offset));
    for (int64_t p = 0; p < products; p++) {
        double own = elasticity[panel->category[p]];
        g->per_sale[p] = 1.0;
        for (int64_t i = p * weeks; i < (p + 1) * weeks; i++) {
            bool sold = !isnan(panel->x[i]);
            g->x[i] = sold ? 0.0 : NAN;
            g->offset[i] = sold && isfinite(own) ? own * panel->x[i] : 0.0;
        }
    }
done:
    return status;
}

enum status demand_baseline_find(const struct comm *comm, const struct demand_sources *sources,
                                 const double *elasticity, struct demand_baseline *baseline)
{
    enum status status = OK;
    const struct demand_panel *panel = &sources->panel;
    bool promotions = sources->prices.promoted != NULL;
    struct given g = {0};
    struct count_panel *fit = NULL;
    TRY_ALL(comm, give(panel, elasticity, &g));
    const struct panel_data data = {.blocks = panel->products,
                                    .weeks = panel->weeks,
                                    .folds = 1,
                                    .segments = 1,
                                    .slopes = 1,
                                    .seasons = panel->seasons,
                                    .columns = promotions,
                                    .effects = promotions,
                                    .season = panel->season,
                                    .slope = g.slope,
                                    .x = g.x,
                                    .per_sale = g.per_sale,
                                    .offset = g.offset,
                                    .z = sources->prices.promoted,
                                    .effect = g.effect,
                                    .start = panel->start,
                                    .count = panel->count};
    TRY(count_panel_fit(comm, &data, &fit));
    TRY(demand_baseline_keep(comm, &data, fit, baseline));
done:
    count_panel_free(&fit);
    free(g.slope);
    free(g.effect);
    free(g.x);
    free(g.offset);
    free(g.per_sale);
    return status;
}

void demand_baseline_clear(struct demand_baseline *baseline)
{
    free(baseline->week_effect);
    free(baseline->offset);
    *baseline = (struct demand_baseline){0};
}
