/* Purchases into cells, merged here and again at their owners. */
#include "jobs/demand_cells.h"

#include "mpi/memory.h"

#include <stdlib.h>

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
            cell[kept - 1].quantity_milli += cell[i].quantity_milli;
            cell[kept - 1].paid_cents += cell[i].paid_cents;
            cell[kept - 1].list_cents += cell[i].list_cents;
        } else {
            cell[kept++] = cell[i];
        }
    }
    return kept;
}

static enum status local_cells(const struct dataset *dataset, const int32_t *segment,
                               struct demand_cell **out, int64_t *count)
{
    const struct events *events = &dataset->events;
    int64_t users = dataset->users.blocks.rows_local, purchases = 0;
    for (int64_t e = 0; e < events->start[users]; e++)
        purchases += events->kind[e] == EVENT_PURCHASE;
    enum status status = memory_new(out, purchases, sizeof **out);
    if (status != OK) return status;
    int64_t at = 0;
    for (int64_t u = 0; u < users; u++)
        for (int64_t e = events->start[u]; e < events->start[u + 1]; e++) {
            if (events->kind[e] != EVENT_PURCHASE) continue;
            int64_t week = (events->time[e] - dataset->time_first) / DEMAND_WEEK_SECONDS;
            (*out)[at++] = (struct demand_cell){
                events->product[e],    segment[u],           week, events->quantity_milli[e],
                events->paid_cents[e], events->list_cents[e]};
        }
    *count = merge(*out, at);
    return OK;
}

enum status demand_cells_make(const struct comm *comm, const struct dataset *dataset,
                              const int32_t *segment, struct demand_cells *cells)
{
    enum status status = OK;
    struct demand_cell *mine = NULL;
    void *received = NULL;
    int64_t *to = NULL, count = 0, products = dataset->products.count;
    *cells = (struct demand_cells){0};
    TRY_ALL(comm, blocks_cut(comm, products, DEMAND_BLOCK, &cells->products));
    TRY_ALL(comm, memory_new(&to, comm->ranks, sizeof *to));
    TRY_ALL(comm, local_cells(dataset, segment, &mine, &count));
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
