/* Users are numbered over the ranks, and their limits told to all. */
#include "algorithms/knapsack_view.h"

#include "algorithms/knapsack_user.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* A user's caps as they travel. */
struct told {
    int64_t limit[KNAPSACK_CAPS], price[KNAPSACK_CAPS];
};

static enum status tell_users(const struct knapsack_cells *cells, const int64_t *price,
                              struct told *mine)
{
    enum status status = OK;
    struct knapsack_user u;
    int128 worth;
    TRY(knapsack_user_new(cells, &u));
    for (int64_t i = 0; i < cells->users_local; i++) {
        enum knapsack_user_end end = knapsack_user_choose(&u, price, i, &worth);
        for (int c = 0; c < cells->caps; c++) mine[i].limit[c] = cells->cap[c].limit[i];
        for (int c = 0; end == USER_BOUND && c < u.caps; c++)
            mine[i].price[u.number[c]] = (int64_t)u.price[c];
    }
    knapsack_user_clear(&u);
done:
    return status;
}

static enum status number_users(const struct knapsack_cells *cells, int64_t before,
                                struct knapsack_view *view)
{
    enum status status = memory_new(&view->group, cells->blocks->rows_local, sizeof *view->group);
    for (int64_t u = 0; status == OK && u < cells->users_local; u++)
        for (int64_t i = cells->user_start[u]; i < cells->user_start[u + 1]; i++)
            view->group[i] = (int32_t)(before + u);
    return status;
}

static enum status add_caps(const struct knapsack_cells *cells, const struct told *all,
                            int64_t users, struct knapsack_view *view)
{
    enum status status = OK;
    int64_t at = knapsack_limits(cells);
    for (int c = 0; c < cells->caps; c++) {
        TRY(memory_new(&view->limit[c], users, sizeof *view->limit[c]));
        for (int64_t u = 0; u < users; u++) {
            view->limit[c][u] = all[u].limit[c];
            view->price[at++] = all[u].price[c];
        }
        view->cells.kind[view->cells.kinds++] =
            (struct knapsack_kind){users, view->group, cells->cap[c].use, view->limit[c]};
    }
    view->cells.caps = 0;
done:
    return status;
}

enum status knapsack_view_make(const struct comm *comm, const struct knapsack_cells *cells,
                               const int64_t *price, struct knapsack_view *view)
{
    enum status status = OK;
    int64_t limits = knapsack_limits(cells), before = comm_prefix_int64(comm, cells->users_local);
    int64_t mine_count = cells->caps > 0 ? cells->users_local : 0, bytes = 0;
    struct told *mine = NULL;
    void *all = NULL;
    *view = (struct knapsack_view){.cells = *cells};
    TRY_ALL(comm, memory_new(&mine, mine_count, sizeof *mine));
    if (cells->caps > 0) TRY_ALL(comm, tell_users(cells, price, mine));
    TRY(comm_gather_all(comm, mine, mine_count * (int64_t)sizeof *mine, &all, &bytes));
    int64_t users = bytes / (int64_t)sizeof *mine;
    TRY_ALL(comm, memory_new(&view->price, limits + cells->caps * users, sizeof *view->price));
    memcpy(view->price, price, (size_t)limits * sizeof *price);
    if (cells->caps > 0) TRY_ALL(comm, number_users(cells, before, view));
    TRY_ALL(comm, add_caps(cells, all, users, view));
done:
    free(mine);
    free(all);
    return status;
}

void knapsack_view_clear(struct knapsack_view *view)
{
    for (int c = 0; c < KNAPSACK_CAPS; c++) free(view->limit[c]);
    free(view->price);
    free(view->group);
    *view = (struct knapsack_view){0};
}
