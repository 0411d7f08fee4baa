/**
 * One rank's records of a sorter: collected, sorted run by run, kept in a spool, and found again.
 *
 * Every so many records the first words of one are kept in memory, so that a place in a run is
 * found with one read. All local; a part of partition/sorter.h.
 */
#ifndef REMISE_PARTITION_SORTER_RUNS_H
#define REMISE_PARTITION_SORTER_RUNS_H

#include "partition/sorter_order.h"
#include "partition/spool.h"

#include <stdbool.h>

struct run {
    int64_t first; /* record of the spool */
    int64_t count;
    int64_t index_first;
};

struct runs {
    size_t record_bytes;
    int words, group_words;
    char *buffer; /* records not in a run yet */
    int64_t buffered, buffer_records, buffer_most;
    char *sorted; /* [sorted_records] */
    int64_t sorted_records;
    struct order order;
    struct spool *spool;
    struct run *run;
    int64_t count, slots;
    uint64_t *index; /* [index_count][group_words]: of records 0, step, 2 step .. of each run */
    int64_t index_count, index_slots, step;
    char *block; /* [step] records, read while searching */
};

/**
 * Begin without records. End with runs_clear, also after a failure.
 * folder  in  borrowed while the runs live
 * Errors: ERR_MEMORY.
 */
enum status runs_init(struct runs *runs, size_t record_bytes, int words, int group_words,
                      int64_t memory_bytes, const char *folder);
/** Free; accepts zeros. */
void runs_clear(struct runs *runs);

/** Add a record. Errors: ERR_MEMORY, ERR_WRITE. */
enum status runs_add(struct runs *runs, const void *record);

/** Make a run of the records not in one yet and free the room to collect more; more may come. */
enum status runs_end(struct runs *runs);

/** Records added. */
int64_t runs_records(const struct runs *runs);

/** Bytes of records in memory and of the room to sort them. */
int64_t runs_memory_bytes(const struct runs *runs);

/**
 * Find the first record of a run whose first `words` words are not before key's, or, if `after`,
 * stand after them. words <= group_words.
 * at    out  0 .. the run's count
 * Cost: a search in memory and one read.
 * Errors: ERR_IO.
 */
enum status runs_find(struct runs *runs, const struct run *run, const uint64_t *key, int words,
                      bool after, int64_t *at);

/** The group words of record `at` of a run. Errors: ERR_IO. */
enum status runs_key(struct runs *runs, const struct run *run, int64_t at, uint64_t *key);

#endif
