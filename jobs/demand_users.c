/* Users who bought, counted once each. */
#include "jobs/demand_users.h"

#include "jobs/demand_cells.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* Categories, segments, products, brands, promotions. */
enum { KINDS = 5 };

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
    if (e->units == 0) return OK;
    memset(e->users, 0, (size_t)e->units * sizeof *e->users);
    return memory_new(&tally->last, e->units, sizeof *tally->last);
}

static void count_user(const struct dataset *dataset, const int32_t *segment, int64_t u,
                       const struct tally tally[KINDS])
{
    const struct events *events = &dataset->events;
    for (int64_t e = events->start[u]; e < events->start[u + 1]; e++) {
        if (events->kind[e] != EVENT_PURCHASE) continue;
        int64_t fold = demand_week(dataset, events->time[e]) % DEMAND_FOLDS;
        count_once(&tally[0], dataset->products.category_code[events->product[e]], u);
        count_once(&tally[1], segment[u * DEMAND_FOLDS + fold], u);
        if (tally[2].last != NULL) count_once(&tally[2], events->product[e], u);
        if (tally[3].last != NULL)
            count_once(&tally[3], dataset->products.brand_code[events->product[e]], u);
        if (tally[4].last != NULL && events->promotion[e] != 0) count_once(&tally[4], 0, u);
    }
}

enum status demand_users_count(const struct comm *comm, const struct dataset *dataset,
                               const int32_t *segment, struct demand *demand)
{
    enum status status = OK;
    struct tally tally[KINDS] = {0};
    struct elasticities *kind[KINDS] = {&demand->category, &demand->segment, &demand->product,
                                        &demand->brand, &demand->promotion};
    for (int k = 0; k < KINDS; k++) TRY_ALL(comm, tally_init(&tally[k], kind[k]));
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++)
        count_user(dataset, segment, u, tally);
    for (int k = 0; k < KINDS; k++) comm_sum_int64(comm, kind[k]->users, kind[k]->units);
    for (int64_t c = 0; c < demand->cross.units; c++)
        demand->cross.users[c] = demand->category.users[c];
done:
    for (int k = 0; k < KINDS; k++) free(tally[k].last);
    return status;
}
