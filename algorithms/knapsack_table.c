/* Columns of all ranks, gathered one by one. */
#include "algorithms/knapsack_table.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

bool knapsack_table_fits(const struct knapsack_cells *cells)
{
    int64_t columns = 1 + cells->kinds + cells->caps;
    return cells->blocks->rows_total <= KNAPSACK_TABLE_NUMBERS / (cells->options * columns);
}

void knapsack_table_clear(struct knapsack_table *t)
{
    free(t->value);
    for (int d = 0; d < KNAPSACK_KINDS; d++) {
        free(t->use[d]);
        free(t->at[d]);
    }
    free(t->limit);
    free(t->price);
    free(t->allowed);
    free(t->choice);
    *t = (struct knapsack_table){0};
}

/* all out: new */
static enum status gather(const struct comm *comm, const void *mine, int64_t rows, size_t bytes,
                          void *all)
{
    void *got = NULL;
    int64_t total;
    enum status status = comm_gather_all(comm, mine, rows * (int64_t)bytes, &got, &total);
    memcpy(all, &got, sizeof got);
    return status;
}

static void number_limits(const struct knapsack_cells *cells, int32_t first, int d, int32_t *at)
{
    const struct knapsack_kind *kind = &cells->kind[d];
    for (int64_t i = 0; i < cells->blocks->rows_local; i++) {
        int32_t group = kind->group != NULL ? kind->group[i] : 0;
        at[i] = group >= 0 && kind->limit[group] != KNAPSACK_FREE ? first + group : -1;
    }
}

static enum status gather_kinds(const struct comm *comm, const struct knapsack_cells *cells,
                                struct knapsack_table *t)
{
    enum status status = OK;
    int64_t rows = cells->blocks->rows_local;
    int32_t *mine = NULL, first = 0;
    TRY_ALL(comm, memory_new(&mine, rows, sizeof *mine));
    for (int d = 0; d < cells->kinds; first += (int32_t)cells->kind[d++].groups) {
        number_limits(cells, first, d, mine);
        TRY(gather(comm, mine, rows, sizeof *mine, &t->at[d]));
        TRY(gather(comm, cells->kind[d].use, rows, (size_t)t->options * sizeof(int64_t),
                   &t->use[d]));
    }
done:
    free(mine);
    return status;
}

static enum status gather_slots(const struct comm *comm, const struct knapsack_cells *cells,
                                const uint8_t *choice, struct knapsack_table *t)
{
    enum status status = OK;
    int64_t rows = cells->blocks->rows_local;
    uint32_t *allowed = NULL, all = UINT32_MAX >> (KNAPSACK_OPTIONS - t->options);
    TRY_ALL(comm, memory_new(&allowed, rows, sizeof *allowed));
    for (int64_t i = 0; i < rows; i++)
        allowed[i] = cells->allowed != NULL ? cells->allowed[i] & all : all;
    TRY(gather(comm, allowed, rows, sizeof *allowed, &t->allowed));
    TRY(gather(comm, choice, rows, 1, &t->choice));
    TRY(gather(comm, cells->value, rows, (size_t)t->options * sizeof(int64_t), &t->value));
done:
    free(allowed);
    return status;
}

static enum status copy_limits(const struct knapsack_cells *cells, const int64_t *price,
                               struct knapsack_table *t)
{
    enum status status = OK;
    int64_t at = 0;
    TRY(memory_new(&t->limit, t->limits, sizeof *t->limit));
    TRY(memory_new(&t->price, t->limits, sizeof *t->price));
    for (int d = 0; d < cells->kinds; d++)
        for (int64_t g = 0; g < cells->kind[d].groups; g++, at++) {
            t->limit[at] = cells->kind[d].limit[g];
            t->price[at] = t->limit[at] != KNAPSACK_FREE && price[at] > 0 ? price[at] : 0;
        }
done:
    return status;
}

enum status knapsack_table_make(const struct comm *comm, const struct knapsack_cells *cells,
                                const int64_t *price, const uint8_t *choice,
                                struct knapsack_table *t)
{
    enum status status = OK;
    *t = (struct knapsack_table){.options = cells->options,
                                 .kinds = cells->kinds,
                                 .slots = cells->blocks->rows_total,
                                 .limits = knapsack_limits(cells)};
    TRY(gather_slots(comm, cells, choice, t));
    TRY(gather_kinds(comm, cells, t));
    TRY_ALL(comm, copy_limits(cells, price, t));
done:
    return status;
}

int64_t knapsack_table_tally(const struct knapsack_table *t, int64_t *used)
{
    int64_t value = 0;
    memset(used, 0, (size_t)t->limits * sizeof *used);
    for (int64_t s = 0; s < t->slots; s++) {
        int64_t cell = s * t->options + t->choice[s];
        value += t->value[cell];
        for (int d = 0; d < t->kinds; d++)
            if (t->at[d][s] >= 0) used[t->at[d][s]] += t->use[d][cell];
    }
    return value;
}
