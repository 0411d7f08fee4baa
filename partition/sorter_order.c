/* Radix sort of (word, place) pairs, one move of the records, then their ties. */
#include "partition/sorter_order.h"

#include "mpi/memory.h"

#include <stdbool.h>
#include <stdlib.h>

enum { DIGIT_BITS = 11, FEW = 24, AHEAD = 16 };

struct sort {
    size_t record_bytes;
    int words;
    char *from, *to;
    struct order_entry *entry, *spare; /* [count] each */
};

/* ---- pairs by key ---- */

static void insert_entries(struct order_entry *entry, int64_t count)
{
    for (int64_t i = 1; i < count; i++) {
        struct order_entry moving = entry[i];
        int64_t at = i;
        for (; at > 0 && entry[at - 1].key > moving.key; at--) entry[at] = entry[at - 1];
        entry[at] = moving;
    }
}

/* The least key and the span to the largest; false if the keys ascend already. */
static bool measure(const struct order_entry *entry, int64_t count, uint64_t *least, uint64_t *span)
{
    uint64_t low = entry[0].key, high = low, before = low;
    bool falls = false;
    for (int64_t i = 1; i < count; i++) {
        uint64_t key = entry[i].key;
        falls |= key < before;
        low = key < low ? key : low;
        high = key > high ? key : high;
        before = key;
    }
    *least = low;
    *span = high - low;
    return falls;
}

static int bits_of(uint64_t x)
{
    return x == 0 ? 0 : 64 - __builtin_clzll(x);
}

/* Into buckets by the highest digit of key - least, in place by way of `spare`. */
static void scatter(struct order_entry *entry, struct order_entry *spare, int64_t count,
                    uint64_t least, int shift, int64_t *end)
{
    for (int64_t i = 0; i < count; i++) end[(entry[i].key - least) >> shift]++;
    int64_t before = 0;
    for (uint64_t d = 0; before < count; d++) {
        int64_t here = end[d];
        end[d] = before;
        before += here;
    }
    for (int64_t i = 0; i < count; i++) spare[end[(entry[i].key - least) >> shift]++] = entry[i];
    memcpy(entry, spare, (size_t)count * sizeof *entry);
}

static void sort_keys(struct order_entry *entry, struct order_entry *spare, int64_t count)
{
    int64_t end[1 << DIGIT_BITS];
    uint64_t least = 0, span = 0;
    if (count <= FEW) {
        insert_entries(entry, count);
        return;
    }
    if (!measure(entry, count, &least, &span)) return;
    int bits = bits_of(span), digit = bits_of((uint64_t)count) - 1;
    if (digit > DIGIT_BITS) digit = DIGIT_BITS;
    if (digit > bits) digit = bits;
    int shift = bits - digit;
    uint64_t buckets = (span >> shift) + 1;
    memset(end, 0, buckets * sizeof *end);
    scatter(entry, spare, count, least, shift, end);
    if (shift == 0) return;
    for (int64_t d = 0, first = 0; first < count; first = end[d], d++)
        if (end[d] - first > 1) sort_keys(entry + first, spare + first, end[d] - first);
}

/* ---- records ---- */

static void copy_record(char *to, const char *from, size_t bytes)
{
    for (size_t b = 0; b < bytes; b += sizeof(uint64_t)) memcpy(to + b, from + b, sizeof(uint64_t));
}

/* to[i] = from[entry[i].at] */
static void move_records(const struct sort *s, int64_t first, int64_t count)
{
    const struct order_entry *entry = s->entry + first;
    const char *from = s->from + (size_t)first * s->record_bytes;
    char *to = s->to + (size_t)first * s->record_bytes;
    for (int64_t i = 0; i < count; i++) {
        if (i + AHEAD < count) {
            const char *soon = from + (size_t)entry[i + AHEAD].at * s->record_bytes;
            __builtin_prefetch(soon);
            __builtin_prefetch(soon + s->record_bytes - 1);
        }
        copy_record(to + (size_t)i * s->record_bytes, from + (size_t)entry[i].at * s->record_bytes,
                    s->record_bytes);
    }
}

static void set_keys(const struct sort *s, const char *records, int64_t first, int64_t count,
                     int word)
{
    records += (size_t)first * s->record_bytes;
    for (int64_t i = 0; i < count; i++)
        s->entry[first + i] =
            (struct order_entry){order_word(records + (size_t)i * s->record_bytes, word), i};
}

/* A few records of s->to by insertion of their places; they move only if they must. */
static void sort_few(const struct sort *s, int64_t first, int64_t count, int word)
{
    struct order_entry *entry = s->entry + first;
    const char *to = s->to + (size_t)first * s->record_bytes;
    bool moves = false;
    entry[0].at = 0;
    for (int64_t i = 1; i < count; i++) {
        const char *record = to + (size_t)i * s->record_bytes;
        int64_t at = i;
        for (; at > 0; at--) {
            const char *before = to + (size_t)entry[at - 1].at * s->record_bytes;
            if (order_compare(before, record, word, s->words) <= 0) break;
            entry[at] = entry[at - 1];
        }
        entry[at].at = i;
        moves |= at != i;
    }
    if (!moves) return;
    memcpy(s->from + (size_t)first * s->record_bytes, to, (size_t)count * s->record_bytes);
    move_records(s, first, count);
}

static void sort_ties(const struct sort *s, int64_t first, int64_t count, int word);

/* Records of s->to that tie in all words before `word`. */
static void sort_stretch(const struct sort *s, int64_t first, int64_t count, int word)
{
    size_t at = (size_t)first * s->record_bytes;
    uint64_t least = 0, span = 0;
    if (count <= FEW) {
        sort_few(s, first, count, word);
        return;
    }
    for (; span == 0; word++) {
        if (word == s->words) return;
        set_keys(s, s->to, first, count, word);
        if (!measure(s->entry + first, count, &least, &span)) continue;
        memcpy(s->from + at, s->to + at, (size_t)count * s->record_bytes);
        sort_keys(s->entry + first, s->spare + first, count);
        move_records(s, first, count);
    }
    sort_ties(s, first, count, word);
}

/* The keys in entry[first ..] ascend: where they tie, the next words from `word` on decide. */
static void sort_ties(const struct sort *s, int64_t first, int64_t count, int word)
{
    int64_t end = first + count;
    if (word == s->words) return;
    for (int64_t i = first, next; i < end; i = next) {
        for (next = i + 1; next < end && s->entry[next].key == s->entry[i].key;) next++;
        if (next - i > 1) sort_stretch(s, i, next - i, word);
    }
}

enum status order_sort(struct order *order, void *records, int64_t count, size_t record_bytes,
                       int words, void *sorted)
{
    if (count > order->capacity) {
        order_clear(order);
        enum status status = memory_new(&order->entry, 2 * count, sizeof *order->entry);
        if (status != OK) return status;
        order->capacity = count;
    }
    struct sort s = {record_bytes, words, records, sorted, order->entry, order->entry + count};
    set_keys(&s, records, 0, count, 0);
    sort_keys(s.entry, s.spare, count);
    move_records(&s, 0, count);
    sort_ties(&s, 0, count, 1);
    return OK;
}

void order_clear(struct order *order)
{
    free(order->entry);
    *order = (struct order){NULL, 0};
}
