/* The demand stage: elasticities by one regression over sales cells, shrunk, written down. */
#include "jobs/demand.h"

#include "jobs/demand_fit.h"
#include "jobs/demand_people.h"
#include "jobs/demand_products.h"
#include "jobs/demand_segments.h"
#include "jobs/demand_table.h"
#include "jobs/demand_users.h"
#include "jobs/run.h"
#include "mpi/log.h"

#include <stdlib.h>

/* What the regression is made of. */
struct sources {
    struct dataset *dataset;
    int64_t segments;
    int32_t *segment; /* [users_local][DEMAND_FOLDS] */
    bool *personal;   /* [events_local] */
    struct demand_cells cells;
    struct demand_prices prices;
};

static void sources_clear(struct sources *s)
{
    free(s->segment);
    free(s->personal);
    demand_cells_clear(&s->cells);
    demand_prices_clear(&s->prices);
    dataset_free(&s->dataset);
}

/* Cells while they are made, the copy of events without a fold, prices and counts. */
static void say_need(const struct comm *comm, const struct dataset *dataset)
{
    int64_t users = dataset->users.blocks.rows_local, events = dataset->events.start[users];
    int64_t copy = 29 * events, cells = (int64_t)sizeof(struct demand_cell) * events;
    int64_t prices = dataset->products.count * demand_weeks(dataset) * (int64_t)sizeof(double);
    log_need(comm, dataset_bytes(dataset) + (copy > cells ? copy : cells) + 3 * prices +
                       users * (DEMAND_FOLDS * (int64_t)sizeof(int32_t) + 80));
}

static enum status collect(const struct comm *comm, const struct run *run, struct sources *s)
{
    enum status status = OK;
    int64_t personal = 0;
    TRY(dataset_read(comm, run_path(run, "dataset.h5"), DATASET_EVENTS | DATASET_OFFERS,
                     &s->dataset));
    say_need(comm, s->dataset);
    TRY(demand_segments_find(comm, run_path(run, "profiles.h5"), s->dataset, &s->segments,
                             &s->segment));
    TRY_ALL(comm, demand_personal_mark(s->dataset, &s->personal, &personal));
    comm_sum_int64(comm, &personal, 1);
    if (personal > 0)
        log_info("  %lld purchases came of personal offers and tell nothing of prices for all",
                 (long long)personal);
    TRY(demand_cells_make(comm, s->dataset, s->segment, s->personal, &s->cells));
    TRY(demand_prices_make(comm, &s->cells, demand_weeks(s->dataset), &s->prices));
done:
    return status;
}

static enum status demand_run(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct sources s = {0};
    struct demand_fit fit = {0};
    struct demand demand = {0};
    TRY(collect(comm, run, &s));
    TRY(demand_fit_make(comm, run->config, s.dataset, &s.cells, &s.prices, s.segments, &fit));
    TRY_ALL(comm, demand_fit_read_off(&fit, &demand));
    TRY(demand_products_make(comm, s.dataset, &fit, &demand));
    TRY(demand_people_make(comm, s.dataset, &fit, &s.prices, s.segment, s.personal, &demand));
    TRY(demand_users_count(comm, s.dataset, s.segment, &demand));
    demand.people.segment = s.segment;
    TRY(demand_write(comm, run_path(run, "demand.h5"), &demand));
    TRY(demand_table_write(comm, run, &demand, &s.dataset->products));
done:
    demand_clear(&demand);
    demand_fit_clear(&fit);
    sources_clear(&s);
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
