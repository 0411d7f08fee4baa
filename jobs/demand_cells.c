/* Events into cells, merged here and again at their owners. */
#include "jobs/demand_cells.h"

#include "mpi/memory.h"

#include <stdlib.h>

enum { MICROS = 10000000 /* of a unit, for a cent a thousandth */ };
enum { DAY_SECONDS = 86400, REDEEM_SECONDS = 30 * 86400 };

int64_t demand_week(const struct dataset *dataset, int64_t time)
{
    int64_t day = dataset->time_first / DAY_SECONDS;
    if (day * DAY_SECONDS > dataset->time_first) day--; /* before 1970 */
    return (time - day * DAY_SECONDS) / DEMAND_WEEK_SECONDS;
}

int64_t demand_weeks(const struct dataset *dataset)
{
    return demand_week(dataset, dataset->time_last) + 1;
}

static int compare_cell(const void *a, const void *b)
{
    const struct demand_cell *left = a, *right = b;
    if (left->product != right->product) return left->product < right->product ? -1 : 1;
    if (left->week != right->week) return left->week < right->week ? -1 : 1;
    return (left->segment > right->segment) - (left->segment < right->segment);
}

/* Sort, and add equal cells together; returns how many are left. */
static int64_t merge(struct demand_cell *cell, int64_t count)
{
    int64_t kept = 0;
    if (count > 0) qsort(cell, (size_t)count, sizeof *cell, compare_cell);
    for (int64_t i = 0; i < count; i++) {
        if (kept > 0 && compare_cell(&cell[kept - 1], &cell[i]) == 0) {
            cell[kept - 1].sales += cell[i].sales;
            cell[kept - 1].price_micros += cell[i].price_micros;
            cell[kept - 1].promoted += cell[i].promoted;
        } else {
            cell[kept++] = cell[i];
        }
    }
    return kept;
}

static bool counts(const struct events *events, const bool *personal, int64_t e)
{
    bool sold = events->kind[e] == EVENT_PURCHASE && events->paid_cents[e] > 0;
    return sold && (personal == NULL || !personal[e]);
}

static struct demand_cell cell_of(const struct dataset *dataset, const int32_t *segment, int64_t u,
                                  int64_t e)
{
    const struct events *events = &dataset->events;
    int64_t week = demand_week(dataset, events->time[e]), milli = events->quantity_milli[e];
    return (struct demand_cell){.product = events->product[e],
                                .segment = segment[u * DEMAND_FOLDS + week % DEMAND_FOLDS],
                                .week = week,
                                .sales = 1,
                                .price_micros = (int64_t)MICROS * events->paid_cents[e] / milli,
                                .promoted = events->promotion != NULL && events->promotion[e]};
}

static enum status local_cells(const struct dataset *dataset, const int32_t *segment,
                               const bool *personal, struct demand_cell **out, int64_t *count)
{
    const struct events *events = &dataset->events;
    int64_t users = dataset->users.blocks.rows_local, wanted = 0, at = 0;
    for (int64_t e = 0; e < events->start[users]; e++) wanted += counts(events, personal, e);
    enum status status = memory_new(out, wanted, sizeof **out);
    if (status != OK) return status;
    for (int64_t u = 0; u < users; u++)
        for (int64_t e = events->start[u]; e < events->start[u + 1]; e++)
            if (counts(events, personal, e)) (*out)[at++] = cell_of(dataset, segment, u, e);
    *count = merge(*out, at);
    return OK;
}

enum status demand_cells_make(const struct comm *comm, const struct dataset *dataset,
                              const int32_t *segment, const bool *personal,
                              struct demand_cells *cells)
{
    enum status status = OK;
    struct demand_cell *mine = NULL;
    void *received = NULL;
    int64_t *to = NULL, count = 0, products = dataset->products.count;
    *cells = (struct demand_cells){.promotions = dataset->events.promotion != NULL};
    TRY_ALL(comm, blocks_cut(comm, products, DEMAND_BLOCK, &cells->products));
    TRY_ALL(comm, memory_new(&to, comm->ranks, sizeof *to));
    TRY_ALL(comm, local_cells(dataset, segment, personal, &mine, &count));
    for (int64_t i = 0; i < count; i++)
        to[blocks_owner(comm, products, DEMAND_BLOCK, mine[i].product)]++;
    TRY(comm_exchange(comm, mine, to, sizeof *mine, &received, &cells->cells));
    cells->cell = received;
    cells->cells = merge(cells->cell, cells->cells);
done:
    free(mine);
    free(to);
    if (status != OK) demand_cells_clear(cells);
    return status;
}

void demand_cells_clear(struct demand_cells *cells)
{
    blocks_clear(&cells->products);
    free(cells->cell);
    *cells = (struct demand_cells){0};
}

/* ---- personal prices ---- */

enum status demand_personal_mark(const struct dataset *dataset, bool **personal, int64_t *count)
{
    const struct events *events = &dataset->events;
    const struct offers *offers = &dataset->offers;
    int64_t users = dataset->users.blocks.rows_local;
    enum status status = memory_new(personal, events->start[users], sizeof **personal);
    *count = 0;
    if (status != OK || offers->start == NULL) return status;
    for (int64_t u = 0; u < users; u++)
        for (int64_t o = offers->start[u]; o < offers->start[u + 1]; o++) {
            if ((offers->flags[o] & OFFER_REDEEMED) == 0) continue;
            for (int64_t e = events->start[u]; e < events->start[u + 1]; e++) {
                int64_t after = events->time[e] - offers->time[o];
                if (after < 0 || (*personal)[e] || events->kind[e] != EVENT_PURCHASE ||
                    events->product[e] != offers->product[o])
                    continue;
                if (after > REDEEM_SECONDS) break;
                (*personal)[e] = true;
                (*count)++;
                break;
            }
        }
    return OK;
}
