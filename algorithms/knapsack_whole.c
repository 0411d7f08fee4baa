/* The slots of all ranks in the order of one kind's limits, which become the caps of "users". */
#include "algorithms/knapsack_whole.h"

#include "algorithms/knapsack_point.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* All slots, ordered; arrays are its own. */
struct turned {
    struct comm alone;
    struct knapsack_cells cells;
    struct blocks blocks;
    int kind;     /* whose limits of few slots are caps of these cells */
    int64_t *row; /* [rows_total] number of each in the table */
    int64_t *value, *use[KNAPSACK_KINDS];
    int32_t *group[KNAPSACK_KINDS];
    uint32_t *allowed;
    int64_t *user_start, *limit;
    int64_t *price, *used; /* [limits] of these cells */
    uint8_t *choice;
};

static void turned_clear(struct turned *t)
{
    free(t->row);
    free(t->value);
    free(t->allowed);
    for (int d = 0; d < KNAPSACK_KINDS; d++) {
        free(t->use[d]);
        free(t->group[d]);
    }
    free(t->user_start);
    free(t->limit);
    free(t->price);
    free(t->used);
    free(t->choice);
}

int knapsack_whole_kind(const struct knapsack_cells *cells)
{
    int widest = -1;
    int64_t rows = cells->blocks->rows_total;
    for (int d = 0; d < cells->kinds; d++)
        if (cells->kind[d].group != NULL && cells->kind[d].groups > 1 &&
            (widest < 0 || cells->kind[d].groups > cells->kind[widest].groups))
            widest = d;
    if (widest < 0 || cells->caps > 0) return -1;
    if (rows * cells->options > KNAPSACK_WHOLE_NUMBERS / (cells->kinds + 1)) return -1;
    return rows <= KNAPSACK_WHOLE_ALL * cells->kind[widest].groups ? widest : -1;
}

/* ---- all slots in order ---- */

/* A column of all ranks, its rows in the order of the kind's limits. order NULL: as they are */
static enum status gather(const struct comm *comm, const void *mine, int64_t rows, size_t bytes,
                          const int64_t *order, void *ordered_out)
{
    enum status status = OK;
    void *all = NULL;
    char *ordered = NULL;
    int64_t total = 0;
    TRY(comm_gather_all(comm, mine, rows * (int64_t)bytes, &all, &total));
    if (order == NULL) {
        memcpy(ordered_out, &all, sizeof all);
        return OK;
    }
    TRY_ALL(comm, memory_new(&ordered, total / (int64_t)bytes, bytes));
    for (int64_t i = 0; i < total / (int64_t)bytes; i++)
        memcpy(ordered + (size_t)i * bytes, (char *)all + (size_t)order[i] * bytes, bytes);
    memcpy(ordered_out, &ordered, sizeof ordered);
done:
    free(all);
    return status;
}

static bool is_whole(const int64_t *slots, int64_t group)
{
    return group >= 0 && slots[group] <= KNAPSACK_WHOLE_SLOTS;
}

/* One "user" for each limit that is kept whole, and one for every other slot. */
static void list_users(const int64_t *slots, const struct knapsack_kind *kind, int64_t rows,
                       struct turned *t)
{
    int64_t at = 0, users = 0;
    for (int64_t g = 0; g < kind->groups; g++) {
        if (!is_whole(slots, g) || slots[g] == 0) continue;
        t->limit[users] = kind->limit[g];
        t->user_start[users++] = at;
        at += slots[g];
    }
    for (; at < rows; at++) {
        t->limit[users] = KNAPSACK_FREE;
        t->user_start[users++] = at;
    }
    t->user_start[users] = rows;
    t->cells.users_local = users;
}

/* Slots of a limit that is kept whole follow each other, after them come all others. */
static enum status order_rows(const int32_t *group, int64_t rows, const struct knapsack_kind *kind,
                              struct turned *t)
{
    enum status status = OK;
    int64_t *slots = NULL, *next = NULL, at = 0;
    TRY(memory_new(&slots, kind->groups, sizeof *slots));
    TRY(memory_new(&next, kind->groups, sizeof *next));
    TRY(memory_new(&t->row, rows, sizeof *t->row));
    TRY(memory_new(&t->group[t->kind], rows, sizeof **t->group));
    TRY(memory_new(&t->user_start, rows + 1, sizeof *t->user_start));
    TRY(memory_new(&t->limit, rows, sizeof *t->limit));
    for (int64_t i = 0; i < rows; i++)
        if (group[i] >= 0) slots[group[i]]++;
    list_users(slots, kind, rows, t);
    for (int64_t g = 0; g < kind->groups; at += is_whole(slots, g) ? slots[g] : 0, g++)
        next[g] = at;
    for (int64_t i = 0; i < rows; i++) {
        bool whole = is_whole(slots, group[i]);
        int64_t to = whole ? next[group[i]]++ : at++;
        t->row[to] = i;
        t->group[t->kind][to] = whole ? -1 : group[i];
    }
done:
    free(slots);
    free(next);
    return status;
}

/* All kinds, of the one with the many limits those that are not kept whole; the others as a cap. */
static void set_cells(const struct knapsack_cells *all, struct turned *t)
{
    int64_t rows = all->blocks->rows_total;
    t->blocks = (struct blocks){.rows_total = rows, .rows_local = rows};
    t->cells.blocks = &t->blocks;
    t->cells.options = all->options;
    t->cells.value = t->value;
    t->cells.allowed = t->allowed;
    for (int d = 0; d < all->kinds; d++) {
        const struct knapsack_kind *kind = &all->kind[d];
        t->cells.kind[d] =
            (struct knapsack_kind){kind->groups, t->group[d], t->use[d], kind->limit};
    }
    t->cells.kinds = all->kinds;
    t->cells.caps = 1;
    t->cells.user_start = t->user_start;
    t->cells.cap[0] = (struct knapsack_cap){t->use[t->kind], t->limit};
}

static enum status gather_cells(const struct comm *comm, const struct knapsack_cells *all,
                                struct turned *t)
{
    enum status status = OK;
    int64_t rows = all->blocks->rows_local;
    size_t row = (size_t)all->options * sizeof(int64_t);
    const struct knapsack_kind *kind = &all->kind[t->kind];
    int32_t *group = NULL;
    TRY(gather(comm, kind->group, rows, sizeof *group, NULL, &group));
    TRY_ALL(comm, order_rows(group, all->blocks->rows_total, kind, t));
    TRY(gather(comm, all->value, rows, row, t->row, &t->value));
    if (all->allowed != NULL)
        TRY(gather(comm, all->allowed, rows, sizeof *t->allowed, t->row, &t->allowed));
    for (int d = 0; d < all->kinds; d++) {
        TRY(gather(comm, all->kind[d].use, rows, row, t->row, &t->use[d]));
        if (all->kind[d].group != NULL && d != t->kind)
            TRY(gather(comm, all->kind[d].group, rows, sizeof *group, t->row, &t->group[d]));
    }
done:
    free(group);
    return status;
}

/* ---- looking ---- */

/* Limits that no slot counts against any more get no price. */
static enum status reserve(const int64_t *price, struct turned *t)
{
    enum status status = OK;
    int64_t limits = knapsack_limits(&t->cells), first = 0;
    bool *counts = NULL;
    TRY(memory_new(&t->price, limits, sizeof *t->price));
    TRY(memory_new(&t->used, limits, sizeof *t->used));
    TRY(memory_new(&t->choice, t->blocks.rows_local, 1));
    TRY(memory_new(&counts, t->cells.kind[t->kind].groups, sizeof *counts));
    memcpy(t->price, price, (size_t)limits * sizeof *price);
    for (int d = 0; d < t->kind; d++) first += t->cells.kind[d].groups;
    for (int64_t i = 0; i < t->blocks.rows_local; i++)
        if (t->group[t->kind][i] >= 0) counts[t->group[t->kind][i]] = true;
    for (int64_t g = 0; g < t->cells.kind[t->kind].groups; g++)
        if (!counts[g]) t->price[first + g] = 0;
done:
    free(counts);
    return status;
}

/* Local: every rank the same. */
static enum status look(const struct knapsack_scale *scale, struct turned *t, int64_t *bound,
                        struct knapsack_finish *finish)
{
    enum status status = OK;
    struct knapsack_point point;
    status = knapsack_at_prices(&t->alone, &t->cells, t->price, t->choice, t->used, &point);
    if (status == ERR_NUMERIC) return OK; /* a limit that cannot be kept, or was not */
    TRY(status);
    *bound = point.bound;
    TRY(knapsack_finish(&t->alone, &t->cells, scale, t->price, NULL, t->choice, t->used, finish));
    finish->passes += 1.0;
done:
    return status;
}

static void give(const struct comm *comm, const struct turned *t,
                 const struct knapsack_cells *cells, uint8_t *choice, int64_t *used)
{
    const struct blocks *blocks = cells->blocks;
    for (int64_t i = 0; i < blocks->rows_total; i++) {
        int64_t row = t->row[i] - blocks->row_first;
        if (row >= 0 && row < blocks->rows_local) choice[row] = t->choice[i];
    }
    knapsack_tally(comm, cells, choice, used);
}

enum status knapsack_whole(const struct comm *comm, const struct knapsack_cells *cells,
                           const struct knapsack_scale *scale, int kind, const int64_t *price,
                           uint8_t *choice, int64_t *used, int64_t *bound,
                           struct knapsack_finish *finish)
{
    enum status status = OK;
    struct turned t = {.alone = comm_alone(), .kind = kind};
    *bound = INT64_MAX;
    *finish = (struct knapsack_finish){0};
    TRY(gather_cells(comm, cells, &t));
    set_cells(cells, &t);
    TRY_ALL(comm, reserve(price, &t));
    TRY_ALL(comm, look(scale, &t, bound, finish));
    if (finish->holds) give(comm, &t, cells, choice, used);
done:
    turned_clear(&t);
    return status;
}
