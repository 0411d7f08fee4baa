/**
 * Sorting records of one size by the words they begin with, in memory.
 *
 * The first word is sorted by its digits, the highest first, on pairs of (word, place); the records
 * then move once, and those that tie are sorted by the next words where they stand together. All
 * local; a part of partition/sorter.h.
 */
#ifndef REMISE_PARTITION_SORTER_ORDER_H
#define REMISE_PARTITION_SORTER_ORDER_H

#include "mpi/status.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct order_entry {
    uint64_t key;
    int64_t at;
};

/* Room that is kept between sorts. Begin with zeros, end with order_clear. */
struct order {
    struct order_entry *entry; /* [2 * capacity] */
    int64_t capacity;
};

/** Word `at` of a record. */
static inline uint64_t order_word(const void *record, int at)
{
    uint64_t word;
    memcpy(&word, (const char *)record + (size_t)at * sizeof word, sizeof word);
    return word;
}

/** Negative, 0 or positive as words first .. words - 1 of a stand before, with or after b's. */
static inline int order_compare(const void *a, const void *b, int first, int words)
{
    for (int w = first; w < words; w++) {
        uint64_t of_a = order_word(a, w), of_b = order_word(b, w);
        if (of_a != of_b) return of_a < of_b ? -1 : 1;
    }
    return 0;
}

/**
 * Sort records by their first `words` words.
 * records  in   [count]; left in no order
 * sorted   out  [count], elsewhere
 * Memory: 32 bytes for each record.
 * Errors: ERR_MEMORY.
 */
enum status order_sort(struct order *order, void *records, int64_t count, size_t record_bytes,
                       int words, void *sorted);

/** Free the room; accepts zeros. */
void order_clear(struct order *order);

#endif
