/* The demand stage: sources, a method, products and people, files. */
#include "jobs/demand.h"

#include "jobs/demand_method.h"
#include "jobs/demand_people.h"
#include "jobs/demand_products.h"
#include "jobs/demand_table.h"
#include "jobs/demand_users.h"
#include "mpi/log.h"

/* The methods of log purchases know prices, promotions and seasons alone. */
static enum status find_neighbours(const struct comm *comm, const struct run *run,
                                   const struct demand_sources *s, struct demand *demand)
{
    int64_t most = config_integer(run->config, "demand.cross");
    if (config_is(run->config, "demand.method", "counts")) {
        if (most == 0) return OK;
        return demand_neighbours_find(comm, s->dataset, most, run->seed, &demand->neighbours);
    }
    if (most > 0) log_warning("demand.cross needs demand.method: counts; neighbours are left out");
    return OK;
}

static enum status demand_run(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct demand_sources s = {0};
    struct demand_baseline baseline = {0};
    struct demand demand = {0};
    TRY(demand_sources_make(comm, run, &s));
    TRY(find_neighbours(comm, run, &s, &demand));
    TRY(demand_method_fit(comm, run->config, &s, &demand, &baseline));
    TRY(demand_products_make(comm, &s, &baseline, &demand));
    TRY(demand_people_make(comm, &s, &baseline, &demand));
    TRY(demand_users_count(comm, s.dataset, s.segment, &demand));
    TRY(demand_write(comm, run_path(run, "demand.h5"), &demand));
    TRY(demand_table_write(comm, run, &demand, &s.dataset->products));
done:
    demand_clear(&demand);
    demand_baseline_clear(&baseline);
    demand_sources_clear(&s);
    return status;
}

static const char *const keys[] = {"demand", "privacy.min_users", NULL};
static const char *const needs[] = {"profile", NULL};
static const char *const outputs[] = {"demand.h5", "elasticities.csv", NULL};

const struct stage stage_demand = {
    .name = "demand",
    .does = "price elasticities of categories, segments, products and users",
    .keys = keys,
    .needs = needs,
    .outputs = outputs,
    .run = demand_run,
};
