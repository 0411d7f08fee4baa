/* Exact repeats by hash, at the rank the hash names. */
#include "jobs/ingest_repeats.h"

#include "mpi/memory.h"
#include "partition/records.h"

#include <stdlib.h>

static int64_t rank_of_hash(const void *record, const void *context)
{
    const struct row_mark *mark = record;
    const struct comm *comm = context;
    __extension__ unsigned __int128 wide = mark->high;
    return (int64_t)((wide * (unsigned)comm->ranks) >> 64);
}

static int64_t rank_of_origin(const void *record, const void *context)
{
    (void)context;
    return ((const struct row_mark *)record)->rank;
}

static int64_t bucket_of_hash(const void *record, const void *context)
{
    const int *shift = context;
    return (int64_t)(((const struct row_mark *)record)->low >> *shift);
}

static int compare_mark(const void *a, const void *b)
{
    const struct row_mark *left = a, *right = b;
    if (left->high != right->high) return left->high < right->high ? -1 : 1;
    if (left->low != right->low) return left->low < right->low ? -1 : 1;
    if (left->rank != right->rank) return left->rank < right->rank ? -1 : 1;
    return (left->row > right->row) - (left->row < right->row);
}

static enum status send_marks(const struct comm *comm, struct row_mark **marks, int64_t *count,
                              int64_t (*to)(const void *, const void *))
{
    enum status status = OK;
    int64_t *start = NULL, arrived = 0;
    void *received = NULL;
    TRY_ALL(comm, memory_new(&start, (int64_t)comm->ranks + 1, sizeof *start));
    TRY_ALL(comm, records_group(*marks, *count, sizeof **marks, comm->ranks, to, comm, start));
    for (int r = 0; r < comm->ranks; r++) start[r] = start[r + 1] - start[r];
    TRY(comm_exchange(comm, *marks, start, sizeof **marks, &received, &arrived));
    free(*marks);
    *marks = received;
    *count = arrived;
done:
    free(start);
    return status;
}

/* Sort by hash, in buckets that fit the cache; keep the later ones of equals; returns how many. */
static enum status keep_repeats(struct row_mark *marks, int64_t *count)
{
    enum status status = OK;
    enum { BITS = 12, BUCKETS = 1 << BITS };
    int shift = 64 - BITS;
    int64_t *start = NULL, kept = 0;
    TRY(memory_new(&start, BUCKETS + 1, sizeof *start));
    TRY(records_group(marks, *count, sizeof *marks, BUCKETS, bucket_of_hash, &shift, start));
    for (int64_t b = 0; b < BUCKETS; b++)
        qsort(marks + start[b], (size_t)(start[b + 1] - start[b]), sizeof *marks, compare_mark);
    struct row_mark before = {0};
    for (int64_t i = 0; i < *count; i++) {
        struct row_mark here = marks[i];
        if (i > 0 && here.high == before.high && here.low == before.low) marks[kept++] = here;
        before = here;
    }
    *count = kept;
done:
    free(start);
    return status;
}

enum status ingest_find_repeats(const struct comm *comm, struct row_mark **marks, int64_t rows,
                                uint8_t **repeated)
{
    enum status status = OK;
    int64_t count = rows;
    *repeated = NULL;
    TRY_ALL(comm, memory_new(repeated, rows, 1));
    TRY(send_marks(comm, marks, &count, rank_of_hash));
    TRY_ALL(comm, keep_repeats(*marks, &count));
    TRY(send_marks(comm, marks, &count, rank_of_origin));
    for (int64_t i = 0; i < count; i++) (*repeated)[(*marks)[i].row] = 1;
done:
    free(*marks);
    *marks = NULL;
    if (status != OK) {
        free(*repeated);
        *repeated = NULL;
    }
    return status;
}
