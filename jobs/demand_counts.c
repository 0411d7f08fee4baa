/* From counts to slopes, from slopes to elasticities. */
#include "jobs/demand_counts.h"

#include "jobs/demand_effects.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct fit {
    const struct demand_panel *panel;
    int32_t *slope_of; /* [categories] slope of each; thin ones share the last */
    int64_t slopes;    /* the shared one included */
    int32_t *slope;    /* [products of this rank] */
    int32_t *no_slope; /* [products of this rank] 0 */
    double *per_sale;  /* [products of this rank] 1: counts are of purchases */
    double *offset;    /* [products of this rank][weeks] of data_by_segment */
    struct demand_columns columns;
    struct panel_data data, data_by_segment; /* borrow from here and the panel */
    struct count_panel *all, *by_segment;
};

static void fit_clear(struct fit *f)
{
    free(f->slope_of);
    free(f->slope);
    free(f->no_slope);
    free(f->per_sale);
    free(f->offset);
    demand_columns_clear(&f->columns);
    count_panel_free(&f->all);
    count_panel_free(&f->by_segment);
}

/* ---- slopes ---- */

static enum status number_slopes(struct fit *f)
{
    enum status status = OK;
    const struct demand_panel *panel = f->panel;
    TRY(memory_new(&f->slope_of, panel->categories, sizeof *f->slope_of));
    for (int64_t c = 0; c < panel->categories; c++)
        f->slope_of[c] = panel->category_rows[c] >= panel->min_rows ? (int32_t)f->slopes++ : -1;
    for (int64_t c = 0; c < panel->categories; c++)
        if (f->slope_of[c] < 0) f->slope_of[c] = (int32_t)f->slopes;
    f->slopes++;
done:
    return status;
}

static enum status name_slopes(struct fit *f)
{
    enum status status = OK;
    int64_t products = f->panel->products->rows_local;
    TRY(number_slopes(f));
    TRY(memory_new(&f->slope, products, sizeof *f->slope));
    TRY(memory_new(&f->no_slope, products, sizeof *f->no_slope));
    TRY(memory_new(&f->per_sale, products, sizeof *f->per_sale));
    for (int64_t p = 0; p < products; p++) {
        f->slope[p] = f->slope_of[f->panel->category[p]];
        f->per_sale[p] = 1.0;
    }
done:
    return status;
}

/* ---- the regressions ---- */

static void set_data(struct fit *f)
{
    const struct demand_panel *panel = f->panel;
    f->data = (struct panel_data){.blocks = panel->products,
                                  .weeks = panel->weeks,
                                  .folds = 1,
                                  .segments = 1,
                                  .slopes = f->slopes,
                                  .seasons = panel->seasons,
                                  .columns = f->columns.columns,
                                  .effects = f->columns.effects,
                                  .season = panel->season,
                                  .slope = f->slope,
                                  .x = panel->x,
                                  .per_sale = f->per_sale,
                                  .z = f->columns.z,
                                  .effect = f->columns.effect,
                                  .start = panel->start,
                                  .count = panel->count};
    f->data_by_segment = f->data;
    /* the effect of promotions is the segments' own, that of the neighbours' prices is not */
    f->data_by_segment.columns = f->data_by_segment.effects = f->columns.promotion;
    f->data_by_segment.folds = DEMAND_FOLDS;
    f->data_by_segment.per_sale = NULL;
    f->data_by_segment.segments = panel->segments;
    f->data_by_segment.slopes = 1;
    f->data_by_segment.slope = f->no_slope;
    f->data_by_segment.start = panel->start_by_segment;
    f->data_by_segment.count = panel->count_by_segment;
}

/* The segments' offset: the baseline's, but for promotions, which have their own effect there. */
static enum status set_offset(const struct demand_baseline *baseline, struct fit *f)
{
    enum status status = OK;
    int64_t cells = f->data.blocks->rows_local * f->data.weeks;
    const double *offset = baseline->offset + f->data.blocks->row_first * f->data.weeks;
    f->data_by_segment.offset = offset;
    if (!f->columns.promotion) return OK;
    TRY(memory_new(&f->offset, cells, sizeof *f->offset));
    for (int64_t i = 0; i < cells; i++) f->offset[i] = offset[i] - f->all->effect[0] * f->data.z[i];
    f->data_by_segment.offset = f->offset;
done:
    return status;
}

static enum status regress(const struct comm *comm, struct fit *f, struct demand_baseline *baseline)
{
    enum status status = OK;
    TRY_ALL(comm, name_slopes(f));
    set_data(f);
    TRY(count_panel_fit(comm, &f->data, &f->all));
    TRY(demand_baseline_keep(comm, &f->data, f->all, baseline));
    TRY_ALL(comm, set_offset(baseline, f));
    TRY(count_panel_fit(comm, &f->data_by_segment, &f->by_segment));
    log_info("  %lld cells of product and week, %lld iterations, dispersion %.3f",
             (long long)f->all->cells, (long long)f->all->iterations, f->all->dispersion);
    if (!f->all->converged || !f->by_segment->converged)
        log_warning("the regression of sales on prices did not settle; elasticities are as far as "
                    "it came");
done:
    return status;
}

/* ---- elasticities ---- */

static enum status of_category(const struct fit *f, int64_t c, double *weight,
                               struct elasticities *out)
{
    const double none[1] = {0.0};
    if (f->slope_of[c] == f->slopes - 1) return OK; /* too thin for its own */
    memset(weight, 0, (size_t)f->slopes * sizeof *weight);
    weight[f->slope_of[c]] = 1.0;
    return count_panel_combine(f->all, weight, none, &out->estimate[c], &out->std_error[c]);
}

static enum status of_segment(const struct fit *f, int64_t s, double *weight,
                              struct elasticities *out)
{
    const double one[1] = {1.0};
    if (f->panel->segment_rows[s] < f->panel->min_rows) return OK;
    memset(weight, 0, (size_t)f->panel->segments * sizeof *weight);
    if (s > 0) weight[s] = 1.0;
    return count_panel_combine(f->by_segment, one, weight, &out->estimate[s], &out->std_error[s]);
}

static enum status read_off(const struct fit *f, struct demand *demand)
{
    enum status status = OK;
    double *slope = NULL, *shift = NULL;
    TRY(memory_new(&slope, f->slopes, sizeof *slope));
    TRY(memory_new(&shift, f->panel->segments, sizeof *shift));
    for (int64_t c = 0; c < f->panel->categories; c++)
        TRY(of_category(f, c, slope, &demand->category));
    for (int64_t s = 0; s < f->panel->segments; s++) TRY(of_segment(f, s, shift, &demand->segment));
done:
    free(slope);
    free(shift);
    return status;
}

static enum status fit(const struct comm *comm, const struct config *config,
                       const struct demand_sources *sources, struct demand *demand,
                       struct demand_baseline *baseline)
{
    enum status status = OK;
    struct fit f = {.panel = &sources->panel};
    (void)config;
    TRY(demand_columns_make(comm, sources, &demand->neighbours, &f.columns));
    TRY(regress(comm, &f, baseline));
    TRY_ALL(comm, read_off(&f, demand));
    TRY_ALL(comm, demand_effects_read_off(f.all, &f.columns, f.panel, demand));
    TRY(demand_brands_fit(comm, sources, &f.data, demand));
done:
    fit_clear(&f);
    return status;
}

const struct demand_method demand_counts = {.name = "counts", .fit = fit};
