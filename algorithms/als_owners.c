/* One exchange of all ratings, and a sort by counting. */
#include "algorithms/als_owners.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

struct record {
    int32_t item, user;
    float value;
};

void als_owned_clear(struct als_owned *owned)
{
    free(owned->start);
    free(owned->user);
    free(owned->value);
    *owned = (struct als_owned){0};
}

static bool counts(bool positive, float value)
{
    return !positive || value > 0.0f;
}

/* owner[i] = rank of item i, so that work goes evenly; first[] = first item of each rank */
static enum status deal(const struct comm *comm, const struct als_data *data, int64_t work,
                        int32_t **owner, int64_t *first)
{
    enum status status = OK;
    int64_t *count = NULL, total = 0, before = 0;
    TRY_ALL(comm, memory_new(&count, data->items, sizeof *count));
    TRY_ALL(comm, memory_new(owner, data->items, sizeof **owner));
    for (int64_t r = 0; r < data->start[data->blocks->rows_local]; r++) count[data->item[r]]++;
    comm_sum_int64(comm, count, data->items);
    for (int64_t i = 0; i < data->items; i++) total += count[i] + work;
    for (int64_t i = 0; i < data->items; i++) {
        (*owner)[i] = (int32_t)(before * comm->ranks / (total > 0 ? total : 1));
        before += count[i] + work;
        first[(*owner)[i] + 1] = i + 1;
    }
    for (int r = 0; r < comm->ranks; r++)
        if (first[r + 1] < first[r]) first[r + 1] = first[r];
done:
    free(count);
    return status;
}

/* This rank's ratings in the order of the ranks they go to, and of users. */
static enum status pack(const struct comm *comm, const struct als_data *data, bool positive,
                        const int32_t *owner, int64_t *count, struct record **record)
{
    enum status status = OK;
    const struct blocks *blocks = data->blocks;
    int64_t *next = NULL, ratings = data->start[blocks->rows_local];
    TRY(memory_new(&next, comm->ranks + 1, sizeof *next));
    for (int64_t r = 0; r < ratings; r++)
        if (counts(positive, data->value[r])) count[owner[data->item[r]]]++;
    for (int r = 0; r < comm->ranks; r++) next[r + 1] = next[r] + count[r];
    TRY(memory_new(record, next[comm->ranks], sizeof **record));
    for (int64_t u = 0; u < blocks->rows_local; u++)
        for (int64_t r = data->start[u]; r < data->start[u + 1]; r++)
            if (counts(positive, data->value[r]))
                (*record)[next[owner[data->item[r]]]++] = (struct record){
                    data->item[r], (int32_t)(blocks->row_first + u), data->value[r]};
done:
    free(next);
    return status;
}

static enum status sort(const struct record *record, int64_t records, struct als_owned *o)
{
    enum status status = OK;
    TRY(memory_new(&o->start, o->count + 2, sizeof *o->start));
    TRY(memory_new(&o->user, records, sizeof *o->user));
    TRY(memory_new(&o->value, records, sizeof *o->value));
    for (int64_t r = 0; r < records; r++) o->start[record[r].item - o->first + 2]++;
    for (int64_t i = 0; i < o->count; i++) o->start[i + 2] += o->start[i + 1];
    for (int64_t r = 0; r < records; r++) {
        int64_t at = o->start[record[r].item - o->first + 1]++;
        o->user[at] = record[r].user;
        o->value[at] = record[r].value;
    }
done:
    return status;
}

enum status als_owned_make(const struct comm *comm, const struct als_data *data, bool positive,
                           int64_t work, struct als_owned *owned)
{
    enum status status = OK;
    int64_t *first = NULL, *count = NULL, records = 0;
    int32_t *owner = NULL;
    struct record *record = NULL;
    void *mine = NULL;
    *owned = (struct als_owned){0};
    if (data->blocks->rows_total > INT32_MAX)
        TRY_ALL(comm, FAIL(ERR_ARG, "%lld users; there may be 2^31 - 1",
                           (long long)data->blocks->rows_total));
    TRY_ALL(comm, memory_new(&first, comm->ranks + 1, sizeof *first));
    TRY_ALL(comm, memory_new(&count, comm->ranks, sizeof *count));
    TRY(deal(comm, data, work, &owner, first));
    owned->first = first[comm->rank];
    owned->count = first[comm->rank + 1] - owned->first;
    TRY_ALL(comm, pack(comm, data, positive, owner, count, &record));
    TRY(comm_exchange(comm, record, count, sizeof *record, &mine, &records));
    free(record);
    record = NULL;
    TRY_ALL(comm, sort(mine, records, owned));
done:
    free(first);
    free(count);
    free(owner);
    free(record);
    free(mine);
    return status;
}
