/* From cells to slopes, from slopes to elasticities. */
#include "jobs/demand_fit.h"

#include "algorithms/shrink_few.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MONTHS = 12 };

/* ---- seasons ---- */

/* Months are twelfths of a year, counted from January 1st; each month or week of the history has an
 * effect of its own. */
static enum status number_seasons(const struct dataset *dataset, bool by_week, struct demand_fit *f)
{
    const double month = 365.2425 * 86400.0 / MONTHS;
    enum status status = memory_new(&f->season, f->weeks, sizeof *f->season);
    int64_t first = 0;
    for (int64_t t = 0; t < f->weeks && status == OK; t++) {
        double middle = (double)dataset->time_first + ((double)t + 0.5) * DEMAND_WEEK_SECONDS;
        int64_t number = by_week ? t : (int64_t)floor(middle / month);
        if (t == 0) first = number;
        f->season[t] = (int32_t)(number - first);
    }
    f->seasons = f->weeks > 0 ? f->season[f->weeks - 1] + 1 : 1;
    return status;
}

/* ---- counts ---- */

static enum status count_cells(const struct comm *comm, const struct dataset *dataset,
                               const struct demand_cells *cells, struct demand_fit *f)
{
    enum status status = OK;
    const struct demand_cell *last = NULL; /* with sales */
    TRY_ALL(comm, memory_new(&f->category_rows, f->categories, sizeof *f->category_rows));
    TRY_ALL(comm, memory_new(&f->segment_rows, f->segments, sizeof *f->segment_rows));
    TRY_ALL(comm, memory_new(&f->sales, f->segments, sizeof *f->sales));
    for (int64_t i = 0; i < cells->cells; i++) {
        const struct demand_cell *cell = &cells->cell[i];
        bool same = last != NULL && last->product == cell->product && last->week == cell->week;
        f->category_rows[dataset->products.category_code[cell->product]] += !same;
        f->segment_rows[cell->segment]++;
        f->sales[cell->segment] += cell->sales;
        last = cell;
    }
    comm_sum_int64(comm, f->category_rows, f->categories);
    comm_sum_int64(comm, f->segment_rows, f->segments);
    comm_sum_int64(comm, f->sales, f->segments);
done:
    return status;
}

static enum status number_slopes(int64_t least, struct demand_fit *f)
{
    enum status status = memory_new(&f->slope_of, f->categories, sizeof *f->slope_of);
    if (status != OK) return status;
    for (int64_t c = 0; c < f->categories; c++)
        f->slope_of[c] = f->category_rows[c] >= least ? (int32_t)f->slopes++ : -1;
    for (int64_t c = 0; c < f->categories; c++)
        if (f->slope_of[c] < 0) f->slope_of[c] = (int32_t)f->slopes;
    f->slopes++;
    return OK;
}

static enum status new_counts(int64_t products, int64_t cells, struct demand_fit *f)
{
    enum status status = OK;
    TRY(memory_new(&f->product_slope, products, sizeof *f->product_slope));
    TRY(memory_new(&f->no_slope, products, sizeof *f->no_slope));
    TRY(memory_new(&f->start, products + 1, sizeof *f->start));
    TRY(memory_new(&f->per_sale, products, sizeof *f->per_sale));
    TRY(memory_new(&f->start_by_segment, products + 1, sizeof *f->start_by_segment));
    TRY(memory_new(&f->count, cells, sizeof *f->count));
    TRY(memory_new(&f->count_by_segment, cells, sizeof *f->count_by_segment));
done:
    return status;
}

static enum status make_counts(const struct dataset *dataset, const struct demand_cells *cells,
                               struct demand_fit *f)
{
    const struct blocks *products = &cells->products;
    enum status status = new_counts(products->rows_local, cells->cells, f);
    int64_t at = 0, by_segment = 0;
    if (status != OK) return status;
    for (int64_t p = 0, i = 0; p < products->rows_local; p++) {
        int64_t product = products->row_first + p;
        f->product_slope[p] = f->slope_of[dataset->products.category_code[product]];
        for (; i < cells->cells && cells->cell[i].product == product; i++) {
            const struct demand_cell *cell = &cells->cell[i];
            double units = (double)cell->sales;
            f->count_by_segment[by_segment++] =
                (struct panel_count){(int32_t)cell->week, cell->segment, units};
            if (at == f->start[p] || f->count[at - 1].week != cell->week)
                f->count[at++] = (struct panel_count){.week = (int32_t)cell->week};
            f->count[at - 1].units += units;
        }
        f->per_sale[p] = 1.0;
        f->start[p + 1] = at;
        f->start_by_segment[p + 1] = by_segment;
    }
    return OK;
}

/* ---- the fit ---- */

static void set_data(const struct demand_cells *cells, const struct demand_prices *prices,
                     struct demand_fit *f)
{
    f->data = (struct panel_data){.blocks = &cells->products,
                                  .weeks = f->weeks,
                                  .folds = 1,
                                  .segments = 1,
                                  .slopes = f->slopes,
                                  .seasons = f->seasons,
                                  .season = f->season,
                                  .slope = f->product_slope,
                                  .x = prices->x + cells->products.row_first * f->weeks,
                                  .per_sale = f->per_sale,
                                  .start = f->start,
                                  .count = f->count};
    f->data_by_segment = f->data;
    f->data_by_segment.folds = DEMAND_FOLDS;
    f->data_by_segment.per_sale = NULL;
    f->data_by_segment.segments = f->segments;
    f->data_by_segment.slopes = 1;
    f->data_by_segment.slope = f->no_slope;
    f->data_by_segment.start = f->start_by_segment;
    f->data_by_segment.count = f->count_by_segment;
}

/* What the fit of all says of truncation, for the parts of the same sales, on all ranks. */
static enum status share_offsets(const struct comm *comm, struct demand_fit *f)
{
    enum status status = OK;
    double *mine = NULL;
    void *all = NULL;
    int64_t cells = f->data.blocks->rows_local * f->weeks, bytes = 0;
    TRY_ALL(comm, memory_new(&mine, cells, sizeof *mine));
    TRY_ALL(comm, count_panel_offsets(&f->data, f->panel, mine));
    TRY(comm_gather_all(comm, mine, cells * (int64_t)sizeof *mine, &all, &bytes));
    f->offset = all;
    f->data_by_segment.offset = f->offset + f->data.blocks->row_first * f->weeks;
done:
    free(mine);
    return status;
}

static enum status keep_week_effects(struct demand_fit *f)
{
    enum status status = memory_new(&f->week_effect, f->weeks, sizeof *f->week_effect);
    for (int64_t t = 0; t < f->weeks && status == OK; t++)
        f->week_effect[t] = f->panel->season[f->season[t]];
    return status;
}

enum status demand_fit_make(const struct comm *comm, const struct config *config,
                            const struct dataset *dataset, const struct demand_cells *cells,
                            const struct demand_prices *prices, int64_t segments,
                            struct demand_fit *fit)
{
    enum status status = OK;
    struct demand_fit *f = fit;
    bool by_week = config_is(config, "demand.season", "week");
    *f = (struct demand_fit){.weeks = prices->weeks,
                             .segments = segments,
                             .min_rows = config_integer(config, "demand.min_rows"),
                             .categories = dataset->products.category.count};
    TRY_ALL(comm, number_seasons(dataset, by_week, f));
    TRY(count_cells(comm, dataset, cells, f));
    TRY_ALL(comm, number_slopes(f->min_rows, f));
    TRY_ALL(comm, make_counts(dataset, cells, f));
    set_data(cells, prices, f);
    TRY(count_panel_fit(comm, &f->data, &f->panel));
    TRY(share_offsets(comm, f));
    TRY(count_panel_fit(comm, &f->data_by_segment, &f->by_segment));
    TRY_ALL(comm, keep_week_effects(f));
    log_info("  %lld cells of product and week, %lld iterations, dispersion %.3f",
             (long long)f->panel->cells, (long long)f->panel->iterations, f->panel->dispersion);
    if (!f->panel->converged || !f->by_segment->converged)
        log_warning("the regression of sales on prices did not settle; elasticities are as far as "
                    "it came");
done:
    return status;
}

void demand_fit_clear(struct demand_fit *f)
{
    free(f->season);
    free(f->slope_of);
    free(f->category_rows);
    free(f->segment_rows);
    free(f->sales);
    free(f->product_slope);
    free(f->no_slope);
    free(f->start);
    free(f->start_by_segment);
    free(f->count);
    free(f->count_by_segment);
    free(f->week_effect);
    free(f->per_sale);
    free(f->offset);
    count_panel_free(&f->panel);
    count_panel_free(&f->by_segment);
    *f = (struct demand_fit){0};
}

/* ---- elasticities ---- */

static enum status of_category(const struct demand_fit *f, int64_t c, double *weight,
                               struct elasticities *out)
{
    const double none[1] = {0.0};
    out->rows[c] = f->category_rows[c];
    out->estimate[c] = out->std_error[c] = NAN;
    if (f->slope_of[c] == f->slopes - 1) return OK; /* too thin for its own */
    memset(weight, 0, (size_t)f->slopes * sizeof *weight);
    weight[f->slope_of[c]] = 1.0;
    return count_panel_combine(f->panel, weight, none, &out->estimate[c], &out->std_error[c]);
}

static enum status of_segment(const struct demand_fit *f, int64_t s, int64_t least, double *weight,
                              struct elasticities *out)
{
    const double one[1] = {1.0};
    out->rows[s] = f->segment_rows[s];
    out->estimate[s] = out->std_error[s] = NAN;
    if (f->segment_rows[s] < least) return OK;
    memset(weight, 0, (size_t)f->segments * sizeof *weight);
    if (s > 0) weight[s] = 1.0;
    return count_panel_combine(f->by_segment, one, weight, &out->estimate[s], &out->std_error[s]);
}

static enum status shrink(struct elasticities *e, const char *kind)
{
    struct shrink_prior prior;
    enum status status =
        shrink_few_fit(e->estimate, e->std_error, e->units, e->shrunk, e->shrunk_sd, &prior);
    if (status == OK) {
        log_info("  %s elasticities: %lld of %lld estimated, mean %.3f, spread %.3f", kind,
                 (long long)prior.units, (long long)e->units, prior.mean, prior.sd);
        return OK;
    }
    for (int64_t i = 0; i < e->units; i++) e->shrunk[i] = e->shrunk_sd[i] = NAN;
    log_warning(
        "no %s elasticity can be estimated: prices did not vary apart from products and seasons",
        kind);
    return OK;
}

static double mean_of_segments(const struct demand_fit *f, const struct elasticities *e)
{
    double sum = 0, sold = 0;
    for (int64_t s = 0; s < e->units; s++) {
        sum += (double)f->sales[s] * e->shrunk[s];
        sold += (double)f->sales[s];
    }
    return sold > 0 ? sum / sold : NAN;
}

enum status demand_fit_read_off(const struct demand_fit *f, struct demand *demand)
{
    enum status status = OK;
    double *slope = NULL, *shift = NULL;
    TRY(elasticities_init(&demand->category, f->categories));
    TRY(elasticities_init(&demand->segment, f->segments));
    TRY(memory_new(&slope, f->slopes, sizeof *slope));
    TRY(memory_new(&shift, f->segments, sizeof *shift));
    for (int64_t c = 0; c < f->categories; c++) TRY(of_category(f, c, slope, &demand->category));
    for (int64_t s = 0; s < f->segments; s++)
        TRY(of_segment(f, s, f->min_rows, shift, &demand->segment));
    TRY(shrink(&demand->category, "category"));
    TRY(shrink(&demand->segment, "segment"));
    demand->overall = mean_of_segments(f, &demand->segment);
done:
    free(slope);
    free(shift);
    return status;
}
