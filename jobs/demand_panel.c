/* Cells as counts by product, seasons by week. */
#include "jobs/demand_panel.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum { MONTHS = 12 };

/* Months are twelfths of a year, counted from January 1st; each month or week of the history has an
 * effect of its own. */
static enum status number_seasons(const struct dataset *dataset, bool by_week,
                                  struct demand_panel *p)
{
    const double month = 365.2425 * 86400.0 / MONTHS;
    enum status status = memory_new(&p->season, p->weeks, sizeof *p->season);
    int64_t first = 0;
    for (int64_t t = 0; t < p->weeks && status == OK; t++) {
        double middle = (double)dataset->time_first + ((double)t + 0.5) * DEMAND_WEEK_SECONDS;
        int64_t number = by_week ? t : (int64_t)floor(middle / month);
        if (t == 0) first = number;
        p->season[t] = (int32_t)(number - first);
    }
    p->seasons = p->weeks > 0 ? p->season[p->weeks - 1] + 1 : 1;
    return status;
}

static enum status count_cells(const struct comm *comm, const struct dataset *dataset,
                               const struct demand_cells *cells, struct demand_panel *p)
{
    enum status status = OK;
    const struct demand_cell *last = NULL; /* with sales */
    TRY_ALL(comm, memory_new(&p->category_rows, p->categories, sizeof *p->category_rows));
    TRY_ALL(comm, memory_new(&p->segment_rows, p->segments, sizeof *p->segment_rows));
    TRY_ALL(comm, memory_new(&p->sales, p->segments, sizeof *p->sales));
    for (int64_t i = 0; i < cells->cells; i++) {
        const struct demand_cell *cell = &cells->cell[i];
        bool same = last != NULL && last->product == cell->product && last->week == cell->week;
        p->category_rows[dataset->products.category_code[cell->product]] += !same;
        p->segment_rows[cell->segment]++;
        p->sales[cell->segment] += cell->sales;
        last = cell;
    }
    comm_sum_int64(comm, p->category_rows, p->categories);
    comm_sum_int64(comm, p->segment_rows, p->segments);
    comm_sum_int64(comm, p->sales, p->segments);
done:
    return status;
}

static enum status new_counts(int64_t products, int64_t cells, struct demand_panel *p)
{
    enum status status = OK;
    TRY(memory_new(&p->category, products, sizeof *p->category));
    TRY(memory_new(&p->start, products + 1, sizeof *p->start));
    TRY(memory_new(&p->start_by_segment, products + 1, sizeof *p->start_by_segment));
    TRY(memory_new(&p->count, cells, sizeof *p->count));
    TRY(memory_new(&p->count_by_segment, cells, sizeof *p->count_by_segment));
done:
    return status;
}

static enum status make_counts(const struct dataset *dataset, const struct demand_cells *cells,
                               struct demand_panel *panel)
{
    const struct blocks *products = &cells->products;
    enum status status = new_counts(products->rows_local, cells->cells, panel);
    int64_t at = 0, by_segment = 0;
    if (status != OK) return status;
    for (int64_t p = 0, i = 0; p < products->rows_local; p++) {
        int64_t product = products->row_first + p;
        panel->category[p] = dataset->products.category_code[product];
        for (; i < cells->cells && cells->cell[i].product == product; i++) {
            const struct demand_cell *cell = &cells->cell[i];
            double units = (double)cell->sales;
            panel->count_by_segment[by_segment++] =
                (struct panel_count){(int32_t)cell->week, cell->segment, units};
            if (at == panel->start[p] || panel->count[at - 1].week != cell->week)
                panel->count[at++] = (struct panel_count){.week = (int32_t)cell->week};
            panel->count[at - 1].units += units;
        }
        panel->start[p + 1] = at;
        panel->start_by_segment[p + 1] = by_segment;
    }
    return OK;
}

enum status demand_panel_make(const struct comm *comm, const struct config *config,
                              const struct dataset *dataset, const struct demand_cells *cells,
                              const struct demand_prices *prices, int64_t segments,
                              struct demand_panel *panel)
{
    enum status status = OK;
    bool by_week = config_is(config, "demand.season", "week");
    *panel = (struct demand_panel){.products = &cells->products,
                                   .weeks = prices->weeks,
                                   .segments = segments,
                                   .categories = dataset->products.category.count,
                                   .min_rows = config_integer(config, "demand.min_rows"),
                                   .x = prices->x + cells->products.row_first * prices->weeks,
                                   .promoted = prices->promoted};
    TRY_ALL(comm, number_seasons(dataset, by_week, panel));
    TRY(count_cells(comm, dataset, cells, panel));
    TRY_ALL(comm, make_counts(dataset, cells, panel));
done:
    return status;
}

void demand_panel_clear(struct demand_panel *p)
{
    free(p->season);
    free(p->category);
    free(p->category_rows);
    free(p->segment_rows);
    free(p->sales);
    free(p->start);
    free(p->start_by_segment);
    free(p->count);
    free(p->count_by_segment);
    *p = (struct demand_panel){0};
}
