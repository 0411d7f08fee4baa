/* Equal rows merged over all ranks. */
#include "algorithms/distinct.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

static int by_columns(const void *left, const void *right)
{
    const struct distinct_row *a = left, *b = right;
    for (int j = 0; j < DISTINCT_COLUMNS; j++)
        if (a->x[j] != b->x[j]) return a->x[j] < b->x[j] ? -1 : 1;
    return 0;
}

/* Sort and join equal neighbours; returns how many are left. */
static int64_t merge(struct distinct_row *row, int64_t rows)
{
    int64_t kept = 0;
    qsort(row, (size_t)rows, sizeof *row, by_columns);
    for (int64_t i = 0; i < rows; i++) {
        if (kept > 0 && by_columns(&row[kept - 1], &row[i]) == 0)
            row[kept - 1].count += row[i].count;
        else
            row[kept++] = row[i];
    }
    return kept;
}

/* The rank that gathers a row: by a hash, so that neighbours in value are spread. */
static int64_t owner(const struct distinct_row *row, int ranks)
{
    uint64_t hash = 0;
    for (int j = 0; j < DISTINCT_COLUMNS; j++) {
        double one_zero = row->x[j] + 0.0;
        uint64_t bits;
        memcpy(&bits, &one_zero, sizeof bits);
        hash = (hash ^ bits) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    return (int64_t)(hash % (uint64_t)ranks);
}

/* A copy of the rows in the order of their owners; counts[r] of them go to rank r. */
static enum status deal(const struct distinct_row *row, int64_t rows, int ranks,
                        struct distinct_row **dealt, int64_t *counts)
{
    enum status status = OK;
    int64_t *place = NULL;
    TRY(memory_new(&place, ranks + 1, sizeof *place));
    TRY(memory_new(dealt, rows, sizeof **dealt));
    for (int64_t i = 0; i < rows; i++) place[owner(&row[i], ranks) + 1]++;
    for (int64_t r = 0; r < ranks; r++) {
        counts[r] = place[r + 1];
        place[r + 1] += place[r];
    }
    for (int64_t i = 0; i < rows; i++) (*dealt)[place[owner(&row[i], ranks)]++] = row[i];
done:
    free(place);
    return status;
}

enum status distinct_merge(const struct comm *comm, struct distinct_row *row, int64_t rows_local,
                           struct distinct *distinct)
{
    enum status status = OK;
    struct distinct_row *dealt = NULL;
    int64_t *counts = NULL;
    void *received = NULL;
    *distinct = (struct distinct){0};
    int64_t mine = merge(row, rows_local);
    TRY_ALL(comm, memory_new(&counts, comm->ranks, sizeof *counts));
    TRY_ALL(comm, deal(row, mine, comm->ranks, &dealt, counts));
    TRY(comm_exchange(comm, dealt, counts, sizeof *dealt, &received, &distinct->rows));
    distinct->row = received;
    distinct->rows = merge(distinct->row, distinct->rows);
done:
    free(dealt);
    free(counts);
    if (status != OK) distinct_clear(distinct);
    return status;
}

void distinct_clear(struct distinct *distinct)
{
    free(distinct->row);
    *distinct = (struct distinct){0};
}
