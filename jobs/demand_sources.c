/* From files to cells, prices and panels. */
#include "jobs/demand_sources.h"

#include "jobs/demand_segments.h"
#include "mpi/log.h"

#include <stdlib.h>

/* Cells while they are made, the copy of events without a fold, prices and columns, counts. */
static void say_need(const struct comm *comm, const struct run *run, const struct dataset *dataset)
{
    int64_t users = dataset->users.blocks.rows_local, events = dataset->events.start[users];
    int64_t copy = 29 * events, cells = (int64_t)sizeof(struct demand_cell) * events;
    int64_t prices = dataset->products.count * demand_weeks(dataset) * (int64_t)sizeof(double);
    int64_t columns = (dataset->events.promotion != NULL ? 3 : 0) +
                      (config_integer(run->config, "demand.cross") > 0 ? 1 : 0);
    prices = 3 * prices + columns * prices / comm->ranks;
    log_need(comm, dataset_bytes(dataset) + (copy > cells ? copy : cells) + prices +
                       users * (DEMAND_FOLDS * (int64_t)sizeof(int32_t) + 80));
}

static enum status mark_personal(const struct comm *comm, struct demand_sources *s)
{
    enum status status = OK;
    int64_t personal = 0;
    TRY_ALL(comm, demand_personal_mark(s->dataset, &s->personal, &personal));
    comm_sum_int64(comm, &personal, 1);
    if (personal > 0)
        log_info("  %lld purchases came of personal offers and tell nothing of prices for all",
                 (long long)personal);
done:
    return status;
}

enum status demand_sources_make(const struct comm *comm, const struct run *run,
                                struct demand_sources *sources)
{
    enum status status = OK;
    struct demand_sources *s = sources;
    *s = (struct demand_sources){0};
    TRY(dataset_read(comm, run_path(run, "dataset.h5"), DATASET_EVENTS | DATASET_OFFERS,
                     &s->dataset));
    say_need(comm, run, s->dataset);
    TRY(demand_segments_find(comm, run_path(run, "profiles.h5"), s->dataset, &s->segments,
                             &s->segment));
    TRY(mark_personal(comm, s));
    TRY(demand_cells_make(comm, s->dataset, s->segment, s->personal, &s->cells));
    TRY(demand_prices_make(comm, &s->cells, demand_weeks(s->dataset), &s->prices));
    TRY(demand_panel_make(comm, run->config, s->dataset, &s->cells, &s->prices, s->segments,
                          &s->panel));
done:
    return status;
}

void demand_sources_clear(struct demand_sources *s)
{
    demand_panel_clear(&s->panel);
    free(s->segment);
    free(s->personal);
    demand_cells_clear(&s->cells);
    demand_prices_clear(&s->prices);
    dataset_free(&s->dataset);
}
