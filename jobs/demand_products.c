/* One step for each product, shrunk within categories. */
#include "jobs/demand_products.h"

#include "algorithms/shrink.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_MOST 20.0 /* with a larger standard error an estimate tells nothing */

/* This rank's products, and what is made of all. */
struct local {
    int64_t products;
    double *estimate, *std_error, *shrunk, *shrunk_sd, *reference, *reference_sd;
    int64_t *rows, *category;
};

static enum status local_init(struct local *l, int64_t products)
{
    enum status status = OK;
    l->products = products;
    TRY(memory_new(&l->estimate, products, sizeof *l->estimate));
    TRY(memory_new(&l->std_error, products, sizeof *l->std_error));
    TRY(memory_new(&l->shrunk, products, sizeof *l->shrunk));
    TRY(memory_new(&l->shrunk_sd, products, sizeof *l->shrunk_sd));
    TRY(memory_new(&l->reference, products, sizeof *l->reference));
    TRY(memory_new(&l->reference_sd, products, sizeof *l->reference_sd));
    TRY(memory_new(&l->rows, products, sizeof *l->rows));
    TRY(memory_new(&l->category, products, sizeof *l->category));
done:
    return status;
}

static void local_clear(struct local *l)
{
    free(l->estimate);
    free(l->std_error);
    free(l->shrunk);
    free(l->shrunk_sd);
    free(l->reference);
    free(l->reference_sd);
    free(l->rows);
    free(l->category);
}

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
    return *information * ERROR_MOST * ERROR_MOST > baseline->dispersion;
}

static void estimate(const struct demand_panel *panel, const struct demand_baseline *baseline,
                     const struct demand *demand, struct local *l)
{
    for (int64_t p = 0; p < l->products; p++) {
        double score, information;
        l->category[p] = panel->category[p];
        l->rows[p] = panel->start[p + 1] - panel->start[p];
        l->estimate[p] = l->std_error[p] = NAN;
        l->reference[p] = demand->category.shrunk[panel->category[p]];
        l->reference_sd[p] = demand->category.shrunk_sd[panel->category[p]];
        if (!compare(panel, baseline, p, l->reference[p], &score, &information)) continue;
        l->estimate[p] = score / information;
        l->std_error[p] = sqrt(baseline->dispersion / information);
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

static enum status gather_all(const struct comm *comm, const struct local *l,
                              struct elasticities *e)
{
    enum status status = OK;
    TRY(gather(comm, l->estimate, l->products, sizeof *l->estimate, e->estimate));
    TRY(gather(comm, l->std_error, l->products, sizeof *l->std_error, e->std_error));
    TRY(gather(comm, l->shrunk, l->products, sizeof *l->shrunk, e->shrunk));
    TRY(gather(comm, l->shrunk_sd, l->products, sizeof *l->shrunk_sd, e->shrunk_sd));
    TRY(gather(comm, l->rows, l->products, sizeof *l->rows, e->rows));
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
    struct local l = {0};
    TRY_ALL(comm, elasticities_init(&demand->product, panel->products->rows_total));
    TRY_ALL(comm, local_init(&l, panel->products->rows_local));
    estimate(panel, baseline, demand, &l);
    const struct shrink_units units = {l.products, l.estimate, l.std_error, l.category};
    struct shrink_centres centres = {.sd = l.reference_sd};
    status = shrink_centred_fit(comm, &units, panel->categories, &centres, l.shrunk, l.shrunk_sd);
    bool nothing = status == ERR_NUMERIC;
    if (!nothing) TRY(status);
    if (!nothing)
        log_info("  product elasticities: %lld of %lld estimated, spread %.3f in a category",
                 (long long)centres.members, (long long)demand->product.units, centres.spread);
    for (int64_t p = 0; p < l.products; p++) {
        l.estimate[p] += l.reference[p];
        l.shrunk[p] = nothing ? l.reference[p] : l.reference[p] + l.shrunk[p];
        if (nothing) l.shrunk_sd[p] = NAN;
    }
    TRY(gather_all(comm, &l, &demand->product));
    set_levels(sources->dataset, demand, &demand->product);
done:
    local_clear(&l);
    return status;
}
