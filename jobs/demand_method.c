/* The method that is named, and what becomes of its estimates. */
#include "jobs/demand_method.h"

#include "algorithms/shrink_few.h"
#include "jobs/demand_counts.h"
#include "jobs/demand_double_ml.h"
#include "jobs/demand_grove.h"
#include "jobs/demand_line.h"
#include "mpi/log.h"

#include <math.h>

static const struct demand_method *const methods[] = {&demand_counts, &demand_line, &demand_tree,
                                                      &demand_forest, &demand_double_ml};

enum { METHODS = sizeof methods / sizeof methods[0] };

static const struct demand_method *named(const struct config *config)
{
    int64_t at = 0;
    while (at < METHODS - 1 && !config_is(config, "demand.method", methods[at]->name)) at++;
    return methods[at];
}

static enum status begin(struct elasticities *e, int64_t units, const int64_t *rows)
{
    enum status status = elasticities_init(e, units);
    if (status != OK) return status;
    for (int64_t i = 0; i < units; i++) {
        e->estimate[i] = e->std_error[i] = NAN;
        e->rows[i] = rows[i];
    }
    return OK;
}

static void shrink(struct elasticities *e, const char *kind)
{
    struct shrink_prior prior;
    enum status status =
        shrink_few_fit(e->estimate, e->std_error, e->units, e->shrunk, e->shrunk_sd, &prior);
    if (status == OK) {
        log_info("  %s elasticities: %lld of %lld estimated, mean %.3f, spread %.3f", kind,
                 (long long)prior.units, (long long)e->units, prior.mean, prior.sd);
        return;
    }
    for (int64_t i = 0; i < e->units; i++) e->shrunk[i] = e->shrunk_sd[i] = NAN;
    log_warning(
        "no %s elasticity can be estimated: prices did not vary apart from products and seasons",
        kind);
}

static double mean_by_sales(const struct elasticities *e, const int64_t *sales)
{
    double sum = 0, sold = 0;
    for (int64_t s = 0; s < e->units; s++) {
        sum += (double)sales[s] * e->shrunk[s];
        sold += (double)sales[s];
    }
    return sold > 0 ? sum / sold : NAN;
}

enum status demand_method_fit(const struct comm *comm, const struct config *config,
                              const struct demand_sources *sources, struct demand *demand,
                              struct demand_baseline *baseline)
{
    enum status status = OK;
    const struct demand_panel *panel = &sources->panel;
    const struct demand_method *method = named(config);
    TRY_ALL(comm, begin(&demand->category, panel->categories, panel->category_rows));
    TRY_ALL(comm, begin(&demand->segment, panel->segments, panel->segment_rows));
    TRY(method->fit(comm, config, sources, demand, baseline));
    shrink(&demand->category, "category");
    shrink(&demand->segment, "segment");
    demand->overall = mean_by_sales(&demand->segment, panel->sales);
    demand->method = method->name;
    if (baseline->offset == NULL)
        TRY(demand_baseline_find(comm, sources, demand->category.shrunk, baseline));
done:
    return status;
}
