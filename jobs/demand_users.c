/* Users who bought, counted once each. */
#include "jobs/demand_users.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum status demand_users_count(const struct comm *comm, const struct dataset *dataset,
                               const int32_t *segment, struct demand *demand)
{
    enum status status = OK;
    const struct events *events = &dataset->events;
    int64_t *last = NULL, categories = demand->category.units; /* last: the user counted last + 1 */
    memset(demand->category.users, 0, (size_t)categories * sizeof(int64_t));
    memset(demand->segment.users, 0, (size_t)demand->segment.units * sizeof(int64_t));
    TRY_ALL(comm, memory_new(&last, categories, sizeof *last));
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++) {
        bool bought = false;
        for (int64_t e = events->start[u]; e < events->start[u + 1]; e++) {
            if (events->kind[e] != EVENT_PURCHASE) continue;
            int32_t category = dataset->products.category_code[events->product[e]];
            demand->category.users[category] += last[category] != u + 1;
            last[category] = u + 1;
            bought = true;
        }
        demand->segment.users[segment[u]] += bought;
    }
    comm_sum_int64(comm, demand->category.users, categories);
    comm_sum_int64(comm, demand->segment.users, demand->segment.units);
done:
    free(last);
    return status;
}
