/* One step for each product, shrunk within categories. */
#include "jobs/demand_products.h"

#include "jobs/demand_step.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a product's cells tell beyond its category. */
static bool compare(const struct demand_panel *panel, const struct demand_baseline *baseline,
                    int64_t p, double slope, double *score, double *information)
{
    const double *x = panel->x + p * panel->weeks;
    const double *offset = baseline->offset + (panel->products->row_first + p) * panel->weeks;
    double mean, variance;
    *score = *information = 0;
    if (isnan(slope) || !count_panel_moments(x, baseline->week_effect, offset, panel->weeks, 1, 0,
                                             slope, &mean, &variance))
        return false;
    for (int64_t i = panel->start[p]; i < panel->start[p + 1]; i++) {
        if (isnan(x[panel->count[i].week])) continue;
        *score += panel->count[i].units * (x[panel->count[i].week] - mean);
        *information += panel->count[i].units * variance;
    }
    return demand_step_tells(baseline, *information);
}

static void estimate(const struct demand_panel *panel, const struct demand_baseline *baseline,
                     const struct demand *demand, struct demand_steps *steps)
{
    for (int64_t p = 0; p < steps->units; p++) {
        double score, information;
        steps->parent[p] = panel->category[p];
        steps->reference[p] = demand->category.shrunk[panel->category[p]];
        steps->reference_sd[p] = demand->category.shrunk_sd[panel->category[p]];
        if (compare(panel, baseline, p, steps->reference[p], &score, &information))
            demand_steps_set(steps, p, baseline, score, information);
    }
}

/* ---- for all ranks ---- */

static enum status gather(const struct comm *comm, const void *mine, int64_t count, size_t size,
                          void *all)
{
    void *got = NULL;
    int64_t bytes = 0;
    enum status status = comm_gather_all(comm, mine, count * (int64_t)size, &got, &bytes);
    if (status == OK && bytes > 0) memcpy(all, got, (size_t)bytes);
    free(got);
    return status;
}

static enum status gather_rows(const struct comm *comm, const struct demand_panel *panel,
                               int64_t products, struct elasticities *e)
{
    int64_t *rows = NULL;
    enum status status = OK;
    TRY_ALL(comm, memory_new(&rows, products, sizeof *rows));
    for (int64_t p = 0; p < products; p++) rows[p] = panel->start[p + 1] - panel->start[p];
    TRY(gather(comm, rows, products, sizeof *rows, e->rows));
done:
    free(rows);
    return status;
}

static enum status gather_all(const struct comm *comm, const struct demand_steps *steps,
                              struct elasticities *e)
{
    enum status status = OK;
    int64_t products = steps->units;
    TRY(gather(comm, steps->estimate, products, sizeof *steps->estimate, e->estimate));
    TRY(gather(comm, steps->std_error, products, sizeof *steps->std_error, e->std_error));
    TRY(gather(comm, steps->shrunk, products, sizeof *steps->shrunk, e->shrunk));
    TRY(gather(comm, steps->shrunk_sd, products, sizeof *steps->shrunk_sd, e->shrunk_sd));
done:
    return status;
}

static void set_levels(const struct dataset *dataset, const struct demand *demand,
                       struct elasticities *e)
{
    for (int64_t p = 0; p < e->units; p++) {
        int32_t category = dataset->products.category_code[p];
        bool own = isfinite(demand->category.estimate[category]);
        e->level[p] = own ? DEMAND_CATEGORY : DEMAND_ALL;
    }
}

enum status demand_products_make(const struct comm *comm, const struct demand_sources *sources,
                                 const struct demand_baseline *baseline, struct demand *demand)
{
    enum status status = OK;
    const struct demand_panel *panel = &sources->panel;
    struct demand_steps steps = {0};
    int64_t products = panel->products->rows_local;
    TRY_ALL(comm, elasticities_init(&demand->product, panel->products->rows_total));
    TRY_ALL(comm, demand_steps_new(products, &steps));
    estimate(panel, baseline, demand, &steps);
    TRY(demand_steps_shrink(comm, panel->categories, (const char *[]){"product", "a category"},
                            &steps));
    TRY(gather_all(comm, &steps, &demand->product));
    TRY(gather_rows(comm, panel, products, &demand->product));
    set_levels(sources->dataset, demand, &demand->product);
done:
    demand_steps_clear(&steps);
    return status;
}
