/* A hash table in front of a distributed sort. */
#include "jobs/tally.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <xxhash.h>

enum { SLOTS_MIN = 1 << 10, SLOTS_MAX = 1 << 20 };

struct tally {
    int64_t sums;
    size_t bytes; /* of a record */
    int64_t slots, slots_max, used;
    unsigned char *slot; /* [slots] records; at most three in four are taken */
    uint8_t *taken;      /* [slots] */
    struct sorter *sorter;
};

/* ---- the table ---- */

static struct tally_record *slot_at(const struct tally *tally, int64_t at)
{
    return (struct tally_record *)(void *)(tally->slot + (size_t)at * tally->bytes);
}

/* The slot of a key: where it is, or the free one where it goes. */
static int64_t find(const struct tally *tally, uint64_t group, uint64_t key)
{
    uint64_t words[2] = {group, key}, last = (uint64_t)tally->slots - 1;
    uint64_t at = XXH3_64bits(words, sizeof words) & last;
    while (tally->taken[at] != 0) {
        const struct tally_record *record = slot_at(tally, (int64_t)at);
        if (record->group == group && record->key == key) break;
        at = (at + 1) & last;
    }
    return (int64_t)at;
}

static enum status new_table(struct tally *tally, int64_t slots)
{
    enum status status = OK;
    tally->slot = NULL;
    tally->taken = NULL;
    TRY(memory_new(&tally->slot, slots, tally->bytes));
    TRY(memory_new(&tally->taken, slots, sizeof *tally->taken));
    tally->slots = slots;
done:
    return status;
}

static enum status grow(struct tally *tally)
{
    struct tally old = *tally;
    enum status status = new_table(tally, 2 * old.slots);
    if (status != OK) {
        free(tally->slot);
        free(tally->taken);
        *tally = old;
        return status;
    }
    for (int64_t s = 0; s < old.slots; s++) {
        if (old.taken[s] == 0) continue;
        const struct tally_record *record = slot_at(&old, s);
        int64_t at = find(tally, record->group, record->key);
        memcpy(slot_at(tally, at), record, tally->bytes);
        tally->taken[at] = 1;
    }
    free(old.slot);
    free(old.taken);
    return OK;
}

static enum status empty(struct tally *tally)
{
    enum status status = OK;
    for (int64_t s = 0; s < tally->slots; s++)
        if (tally->taken[s] != 0) TRY(sorter_add(tally->sorter, slot_at(tally, s)));
    memset(tally->taken, 0, (size_t)tally->slots);
    tally->used = 0;
done:
    return status;
}

enum status tally_add(struct tally *tally, uint64_t group, uint64_t key, const int64_t *sum)
{
    enum status status = OK;
    int64_t at = find(tally, group, key);
    if (tally->taken[at] == 0 && 4 * (tally->used + 1) > 3 * tally->slots) {
        TRY(tally->slots < tally->slots_max ? grow(tally) : empty(tally));
        at = find(tally, group, key);
    }
    struct tally_record *record = slot_at(tally, at);
    if (tally->taken[at] == 0) {
        memset(record, 0, tally->bytes);
        record->group = group;
        record->key = key;
        tally->taken[at] = 1;
        tally->used++;
    }
    for (int64_t s = 0; s < tally->sums; s++) record->sum[s] += sum[s];
done:
    return status;
}

/* ---- all of it ---- */

enum status tally_new(const struct tally_options *options, struct tally **tally)
{
    enum status status = OK;
    struct tally *fresh = NULL;
    int64_t table_bytes = options->memory_bytes / 4;
    *tally = NULL;
    if (options->sums < 1 || options->sums > TALLY_SUMS)
        return FAIL(ERR_ARG, "a tally of %lld sums", (long long)options->sums);
    TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->sums = options->sums;
    fresh->bytes = sizeof(uint64_t) * (size_t)(2 + options->sums);
    fresh->slots_max = SLOTS_MIN;
    while (fresh->slots_max < SLOTS_MAX &&
           2 * fresh->slots_max * (int64_t)fresh->bytes < table_bytes)
        fresh->slots_max *= 2;
    TRY(new_table(fresh, SLOTS_MIN));
    TRY(sorter_new(&(struct sorter_options){.record_bytes = fresh->bytes,
                                            .words = 2,
                                            .group_words = 1,
                                            .memory_bytes = options->memory_bytes - table_bytes,
                                            .batch_bytes = options->batch_bytes,
                                            .folder = options->folder,
                                            .in_turn = options->in_turn},
                   &fresh->sorter));
    *tally = fresh;
    fresh = NULL;
done:
    tally_free(&fresh);
    return status;
}

enum status tally_open(const struct comm *comm, struct tally *tally)
{
    enum status status = OK;
    TRY_ALL(comm, empty(tally));
    TRY(sorter_open(comm, tally->sorter));
done:
    return status;
}

/* Records of one key are neighbours, as a group comes in one batch. */
static int64_t merge(const struct tally *tally, void *records, int64_t count)
{
    unsigned char *at = records;
    int64_t kept = 0;
    struct tally_record *last = NULL;
    for (int64_t i = 0; i < count; i++, at += tally->bytes) {
        const struct tally_record *record = (const void *)at;
        if (last != NULL && last->group == record->group && last->key == record->key) {
            for (int64_t s = 0; s < tally->sums; s++) last->sum[s] += record->sum[s];
            continue;
        }
        last = (struct tally_record *)(void *)((unsigned char *)records +
                                               (size_t)kept++ * tally->bytes);
        memmove(last, record, tally->bytes);
    }
    return kept;
}

enum status tally_next(const struct comm *comm, struct tally *tally, struct sorter_batch *batch)
{
    enum status status = sorter_next(comm, tally->sorter, batch);
    if (status == OK) batch->count = merge(tally, batch->records, batch->count);
    return status;
}

void tally_free(struct tally **tally)
{
    if (*tally == NULL) return;
    sorter_free(&(*tally)->sorter);
    free((*tally)->slot);
    free((*tally)->taken);
    free(*tally);
    *tally = NULL;
}
