/* Sorted runs in a spool, with a sparse index. */
#include "partition/sorter_runs.h"

#include "mpi/memory.h"

#include <stdlib.h>

enum { RUN_BYTES = 32 << 20, BLOCK_BYTES = 16 << 10, RECORDS_LEAST = 16, FIRST_RECORDS = 256 };

/* A run is sorted from one place to another by way of two pairs of numbers a record; all of it is
 * to fit into a quarter of the memory. */
static int64_t most_buffered(size_t record_bytes, int64_t memory_bytes)
{
    int64_t bytes = (int64_t)record_bytes, places = 2 * (int64_t)sizeof(struct order_entry);
    int64_t fit = memory_bytes / 4 / (2 * bytes + places), most = RUN_BYTES / bytes;
    if (fit < most) most = fit;
    return most < RECORDS_LEAST ? RECORDS_LEAST : most;
}

enum status runs_init(struct runs *runs, size_t record_bytes, int words, int group_words,
                      int64_t memory_bytes, const char *folder)
{
    enum status status = OK;
    int64_t step = BLOCK_BYTES / (int64_t)record_bytes;
    *runs = (struct runs){
        .record_bytes = record_bytes, .words = words, .group_words = group_words, .step = step};
    if (step < RECORDS_LEAST) runs->step = RECORDS_LEAST;
    runs->buffer_most = most_buffered(record_bytes, memory_bytes);
    TRY(memory_new(&runs->block, runs->step, record_bytes));
    TRY(spool_new(record_bytes, memory_bytes / 4 * 3, folder, &runs->spool));
done:
    return status;
}

static void free_room(struct runs *runs)
{
    free(runs->buffer);
    free(runs->sorted);
    order_clear(&runs->order);
    runs->buffer = runs->sorted = NULL;
    runs->buffer_records = runs->sorted_records = 0;
}

void runs_clear(struct runs *runs)
{
    free_room(runs);
    spool_free(&runs->spool);
    free(runs->run);
    free(runs->index);
    free(runs->block);
    *runs = (struct runs){0};
}

int64_t runs_records(const struct runs *runs)
{
    return runs->buffered + spool_count(runs->spool);
}

int64_t runs_memory_bytes(const struct runs *runs)
{
    int64_t records = runs->buffer_records + runs->sorted_records;
    return records * (int64_t)runs->record_bytes + spool_memory_bytes(runs->spool) +
           2 * runs->order.capacity * (int64_t)sizeof(struct order_entry);
}

/* ---- collecting ---- */

static enum status grow_buffer(struct runs *runs)
{
    int64_t records = runs->buffer_records == 0 ? FIRST_RECORDS : 2 * runs->buffer_records;
    if (records > runs->buffer_most) records = runs->buffer_most;
    enum status status = memory_grow(&runs->buffer, runs->buffered, records, runs->record_bytes);
    if (status == OK) runs->buffer_records = records;
    return status;
}

static enum status add_run_slots(struct runs *runs)
{
    int64_t slots = runs->slots == 0 ? 16 : 2 * runs->slots;
    if (runs->count < runs->slots) return OK;
    enum status status = memory_grow(&runs->run, runs->count, slots, sizeof *runs->run);
    if (status == OK) runs->slots = slots;
    return status;
}

static enum status add_index_slots(struct runs *runs, int64_t more)
{
    int64_t needed = runs->index_count + more;
    if (needed <= runs->index_slots) return OK;
    if (needed < 2 * runs->index_slots) needed = 2 * runs->index_slots;
    size_t bytes = (size_t)runs->group_words * sizeof *runs->index;
    enum status status = memory_grow(&runs->index, runs->index_count, needed, bytes);
    if (status == OK) runs->index_slots = needed;
    return status;
}

static void index_sorted(struct runs *runs)
{
    size_t bytes = (size_t)runs->group_words * sizeof *runs->index;
    for (int64_t i = 0; i < runs->buffered; i += runs->step)
        memcpy(runs->index + runs->index_count++ * runs->group_words,
               runs->sorted + (size_t)i * runs->record_bytes, bytes);
}

/* The buffer becomes a run. */
static enum status end_run(struct runs *runs)
{
    enum status status = OK;
    int64_t count = runs->buffered;
    struct run run = {spool_count(runs->spool), count, runs->index_count};
    if (count > runs->sorted_records) {
        free(runs->sorted);
        runs->sorted_records = 0;
        TRY(memory_new(&runs->sorted, count, runs->record_bytes));
        runs->sorted_records = count;
    }
    TRY(add_run_slots(runs));
    TRY(add_index_slots(runs, (count + runs->step - 1) / runs->step));
    TRY(order_sort(&runs->order, runs->buffer, count, runs->record_bytes, runs->words,
                   runs->sorted));
    TRY(spool_append(runs->spool, runs->sorted, count));
    index_sorted(runs);
    runs->run[runs->count++] = run;
    runs->buffered = 0;
done:
    return status;
}

enum status runs_add(struct runs *runs, const void *record)
{
    if (runs->buffered == runs->buffer_records) {
        enum status status =
            runs->buffered == runs->buffer_most ? end_run(runs) : grow_buffer(runs);
        if (status != OK) return status;
    }
    memcpy(runs->buffer + (size_t)runs->buffered * runs->record_bytes, record, runs->record_bytes);
    runs->buffered++;
    return OK;
}

enum status runs_end(struct runs *runs)
{
    enum status status = runs->buffered > 0 ? end_run(runs) : OK;
    if (status == OK) free_room(runs);
    return status;
}

/* ---- finding ---- */

static bool stands_before(const void *record, const uint64_t *key, int words, bool after)
{
    int order = order_compare(record, key, 0, words);
    return order < 0 || (after && order == 0);
}

/* The first of `count` records, `bytes` apart, that does not stand before the key. */
static int64_t search(const void *records, int64_t count, size_t bytes, const uint64_t *key,
                      int words, bool after)
{
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        const char *record = (const char *)records + (size_t)middle * bytes;
        if (stands_before(record, key, words, after))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum status runs_find(struct runs *runs, const struct run *run, const uint64_t *key, int words,
                      bool after, int64_t *at)
{
    size_t bytes = (size_t)runs->group_words * sizeof *runs->index;
    const uint64_t *index = runs->index + run->index_first * runs->group_words;
    int64_t marks = (run->count + runs->step - 1) / runs->step;
    int64_t mark = search(index, marks, bytes, key, words, after);
    *at = 0;
    if (mark == 0) return OK;
    int64_t first = (mark - 1) * runs->step, count = runs->step;
    if (count > run->count - first) count = run->count - first;
    enum status status = spool_read(runs->spool, run->first + first, count, runs->block);
    *at = first + search(runs->block, count, runs->record_bytes, key, words, after);
    return status;
}

enum status runs_key(struct runs *runs, const struct run *run, int64_t at, uint64_t *key)
{
    size_t bytes = (size_t)runs->group_words * sizeof *key;
    if (at % runs->step == 0) {
        int64_t mark = run->index_first + at / runs->step;
        memcpy(key, runs->index + mark * runs->group_words, bytes);
        return OK;
    }
    enum status status = spool_read(runs->spool, run->first + at, 1, runs->block);
    memcpy(key, runs->block, bytes);
    return status;
}
