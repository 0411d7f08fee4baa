/* Grouping, exchanging and sorting records of users. */
#include "partition/records.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { SWAP_BYTES = 512 };

static void swap(char *a, char *b, size_t bytes)
{
    char held[SWAP_BYTES];
    for (size_t done = 0; done < bytes; done += SWAP_BYTES) {
        size_t now = bytes - done < SWAP_BYTES ? bytes - done : SWAP_BYTES;
        memcpy(held, a + done, now);
        memcpy(a + done, b + done, now);
        memcpy(b + done, held, now);
    }
}

enum status records_group(void *records, int64_t count, size_t bytes, int64_t buckets,
                          int64_t (*bucket)(const void *record, const void *context),
                          const void *context, int64_t *start)
{
    char *base = records;
    int64_t *next = NULL;
    enum status status = memory_new(&next, buckets, sizeof *next);
    if (status != OK) return status;
    memset(start, 0, (size_t)(buckets + 1) * sizeof *start);
    for (int64_t i = 0; i < count; i++) start[bucket(base + (size_t)i * bytes, context) + 1]++;
    for (int64_t b = 0; b < buckets; b++) {
        start[b + 1] += start[b];
        next[b] = start[b];
    }
    for (int64_t b = 0; b < buckets; b++)
        while (next[b] < start[b + 1]) {
            char *here = base + (size_t)next[b] * bytes;
            int64_t home = bucket(here, context);
            if (home != b) swap(here, base + (size_t)next[home] * bytes, bytes);
            next[home]++; /* home == b: it stays and the next place is looked at */
        }
    free(next);
    return OK;
}

static int64_t owner_of(const void *record, const void *context)
{
    const struct user_cut *cut = context;
    struct user_key key;
    memcpy(&key, record, sizeof key);
    return user_cut_owner(cut, user_block(key, cut->bits));
}

enum status records_to_owners(const struct comm *comm, const struct user_cut *cut,
                              void *records_inout, int64_t *count, size_t bytes)
{
    enum status status = OK;
    void *records = NULL, *received = NULL;
    int64_t *start = NULL, arrived = 0;
    memcpy(&records, records_inout, sizeof records);
    TRY_ALL(comm, memory_new(&start, (int64_t)comm->ranks + 1, sizeof *start));
    TRY_ALL(comm, records_group(records, *count, bytes, comm->ranks, owner_of, cut, start));
    for (int r = 0; r < comm->ranks; r++) start[r] = start[r + 1] - start[r];
    TRY(comm_exchange(comm, records, start, bytes, &received, &arrived));
    free(records);
    memcpy(records_inout, &received, sizeof received);
    *count = arrived;
done:
    free(start);
    return status;
}

struct range {
    int bits;
    int64_t first;
};

static int64_t block_of(const void *record, const void *context)
{
    const struct range *range = context;
    struct user_key key;
    memcpy(&key, record, sizeof key);
    return user_block(key, range->bits) - range->first;
}

enum status records_sort(void *records, int64_t count, size_t bytes, int bits,
                         int (*compare)(const void *a, const void *b))
{
    enum status status = OK;
    char *base = records;
    int64_t *start = NULL, first = INT64_MAX, last = -1;
    struct range all = {bits, 0};
    for (int64_t i = 0; i < count; i++) {
        int64_t block = block_of(base + (size_t)i * bytes, &all);
        first = block < first ? block : first;
        last = block > last ? block : last;
    }
    if (count == 0) return OK;
    struct range range = {bits, first};
    int64_t blocks = last - first + 1;
    TRY(memory_new(&start, blocks + 1, sizeof *start));
    TRY(records_group(records, count, bytes, blocks, block_of, &range, start));
    for (int64_t b = 0; b < blocks; b++)
        qsort(base + (size_t)start[b] * bytes, (size_t)(start[b + 1] - start[b]), bytes, compare);
done:
    free(start);
    return status;
}
