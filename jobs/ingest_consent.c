/* Refusals: noted where they are read, brought to the owners, and taken out of sorted records. */
#include "jobs/ingest_consent.h"

#include "mpi/memory.h"
#include "partition/records.h"

#include <stdlib.h>
#include <string.h>

enum status refusals_add(struct refusals *refusals, struct user_key key)
{
    if (refusals->count == refusals->capacity) {
        int64_t capacity = refusals->capacity > 0 ? 2 * refusals->capacity : 256;
        enum status status = memory_grow(&refusals->key, refusals->count, capacity, sizeof key);
        if (status != OK) return status;
        refusals->capacity = capacity;
    }
    refusals->key[refusals->count++] = key;
    return OK;
}

static int compare(const void *a, const void *b)
{
    struct user_key left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return user_key_compare(left, right);
}

enum status refusals_to_owners(const struct comm *comm, const struct refusals *said,
                               const struct user_cut *cut, struct refusals *owned)
{
    enum status status = OK;
    int64_t kept = 0;
    *owned = (struct refusals){.count = said->count, .capacity = said->count};
    TRY_ALL(comm, memory_new(&owned->key, said->count, sizeof *owned->key));
    if (said->count > 0) memcpy(owned->key, said->key, (size_t)said->count * sizeof *owned->key);
    TRY(records_to_owners(comm, cut, &owned->key, &owned->count, sizeof *owned->key));
    TRY_ALL(comm, records_sort(owned->key, owned->count, sizeof *owned->key, cut->bits, compare));
    for (int64_t i = 0; i < owned->count; i++)
        if (kept == 0 || user_key_compare(owned->key[kept - 1], owned->key[i]) != 0)
            owned->key[kept++] = owned->key[i];
    owned->count = kept;
done:
    if (status != OK) refusals_clear(owned);
    return status;
}

int64_t refusals_drop(const struct refusals *owned, void *records, int64_t count, size_t bytes)
{
    char *base = records;
    int64_t kept = 0, r = 0;
    if (owned->count == 0) return count;
    for (int64_t i = 0; i < count; i++) {
        const char *from = base + (size_t)i * bytes;
        while (r < owned->count && compare(&owned->key[r], from) < 0) r++;
        if (r < owned->count && compare(&owned->key[r], from) == 0) continue;
        memmove(base + (size_t)kept * bytes, from, bytes);
        kept++;
    }
    return kept;
}

void refusals_clear(struct refusals *refusals)
{
    free(refusals->key);
    *refusals = (struct refusals){0};
}
