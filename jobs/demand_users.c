/* Users who bought, counted once each. */
#include "jobs/demand_users.h"

#include "jobs/demand_cells.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* Counts, and for each unit the user counted last + 1. */
struct tally {
    int64_t *users, *last;
};

static void count_once(const struct tally *tally, int64_t unit, int64_t u)
{
    tally->users[unit] += tally->last[unit] != u + 1;
    tally->last[unit] = u + 1;
}

static enum status tally_init(struct tally *tally, struct elasticities *e)
{
    tally->users = e->users;
    if (e->units > 0) memset(e->users, 0, (size_t)e->units * sizeof *e->users);
    return memory_new(&tally->last, e->units, sizeof *tally->last);
}

static void count_user(const struct dataset *dataset, const int32_t *segment, int64_t u,
                       const struct tally tally[3], int64_t products)
{
    const struct events *events = &dataset->events;
    for (int64_t e = events->start[u]; e < events->start[u + 1]; e++) {
        if (events->kind[e] != EVENT_PURCHASE) continue;
        int64_t fold = demand_week(dataset, events->time[e]) % DEMAND_FOLDS;
        count_once(&tally[0], dataset->products.category_code[events->product[e]], u);
        count_once(&tally[1], segment[u * DEMAND_FOLDS + fold], u);
        if (products > 0) count_once(&tally[2], events->product[e], u);
    }
}

enum status demand_users_count(const struct comm *comm, const struct dataset *dataset,
                               const int32_t *segment, struct demand *demand)
{
    enum status status = OK;
    struct tally tally[3] = {0};
    struct elasticities *kind[3] = {&demand->category, &demand->segment, &demand->product};
    for (int k = 0; k < 3; k++) TRY_ALL(comm, tally_init(&tally[k], kind[k]));
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++)
        count_user(dataset, segment, u, tally, demand->product.units);
    for (int k = 0; k < 3; k++) comm_sum_int64(comm, kind[k]->users, kind[k]->units);
done:
    for (int k = 0; k < 3; k++) free(tally[k].last);
    return status;
}
