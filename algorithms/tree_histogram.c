/* Counting rows by bin. */
#include "algorithms/tree_histogram.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* Rows at once; how long before its turn a record is asked for. */
enum { LANES = 4, AHEAD = 24 };

enum status tree_shape_init(struct tree_shape *shape, const struct forest_data *data)
{
    enum status status = OK;
    const struct bins *bins = data->bins;
    *shape = (struct tree_shape){.columns = bins->columns,
                                 .classes = data->classes,
                                 .stats = data->classes > 0 ? data->classes : 2,
                                 .words = 1};
    if (data->classes > 0)
        shape->words = (data->classes + TREE_PACKED_CLASSES - 1) / TREE_PACKED_CLASSES;
    TRY(memory_new(&shape->bins, bins->columns, sizeof *shape->bins));
    TRY(memory_new(&shape->missing, bins->columns, sizeof *shape->missing));
    for (int64_t j = 0; j < bins->columns; j++) {
        shape->missing[j] = bins->missing[j];
        shape->bins[j] = bins_count(bins, j) + bins->missing[j];
    }
done:
    return status;
}

void tree_shape_clear(struct tree_shape *shape)
{
    free(shape->bins);
    free(shape->missing);
    *shape = (struct tree_shape){0};
}

/* ---- packed ---- */

/* What a row adds to each of its bins: rows and target, or its class. */
static inline int64_t addend(int32_t target, uint32_t weight)
{
    return ((int64_t)target * (1 << TREE_PACKED_BITS) + 1) * (int64_t)weight;
}

static inline int64_t class_addend(int32_t label, uint32_t weight)
{
    return (int64_t)weight << (label % TREE_PACKED_CLASSES * TREE_PACKED_BITS);
}

/* The bins of an entry's row, and what it adds to each. */
static inline const uint8_t *open_entry(const struct tree_records *records, uint32_t entry,
                                        int64_t *value)
{
    const uint8_t *record = tree_record(records, entry & TREE_ROW_MASK);
    int32_t target = tree_record_target(record);
    uint32_t weight = entry >> TREE_ROW_BITS;
    *value = records->classes > 0 ? class_addend(target, weight) : addend(target, weight);
    return record + TREE_TARGET_BYTES;
}

static inline void fetch(const struct tree_records *records, const uint32_t *entry)
{
    for (int l = 0; l < LANES; l++) {
        const uint8_t *record = tree_record(records, entry[l] & TREE_ROW_MASK);
        __builtin_prefetch(record);
        __builtin_prefetch(record + records->stride - 1);
    }
}

/* One word per bin; LANES rows at once, so that a column's place is looked up once for them. */
static void add_words(const struct tree_records *records, const struct tree_columns *columns,
                      const uint32_t *entry, int64_t count, int64_t *restrict histogram)
{
    const int32_t *restrict column = columns->column;
    const int64_t *restrict start = columns->start;
    const uint8_t *code[LANES];
    int64_t value[LANES], i = 0;
    for (; i + LANES <= count; i += LANES) {
        if (i + AHEAD + LANES <= count) fetch(records, entry + i + AHEAD);
        for (int l = 0; l < LANES; l++) code[l] = open_entry(records, entry[i + l], &value[l]);
        for (int64_t j = 0; j < columns->count; j++) {
            int64_t *bin = histogram + start[j];
            int32_t c = column[j];
            for (int l = 0; l < LANES; l++) bin[code[l][c]] += value[l];
        }
    }
    for (; i < count; i++) {
        code[0] = open_entry(records, entry[i], &value[0]);
        for (int64_t j = 0; j < columns->count; j++)
            histogram[start[j] + code[0][column[j]]] += value[0];
    }
}

/* Several words per bin, for more than four classes. */
static void add_classes(const struct tree_records *records, const struct tree_columns *columns,
                        const uint32_t *entry, int64_t count, int64_t words, int64_t *histogram)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t value = 0;
        const uint8_t *code = open_entry(records, entry[i], &value);
        int32_t label = tree_record_target(code - TREE_TARGET_BYTES);
        int64_t *word = histogram + label / TREE_PACKED_CLASSES;
        for (int64_t j = 0; j < columns->count; j++)
            word[(columns->start[j] + code[columns->column[j]]) * words] += value;
    }
}

static void add_packed(const struct tree_records *records, const struct tree_shape *shape,
                       const struct tree_columns *columns, const uint32_t *entry, int64_t count,
                       int64_t *histogram)
{
    if (shape->words == 1)
        add_words(records, columns, entry, count, histogram);
    else
        add_classes(records, columns, entry, count, shape->words, histogram);
}

/* ---- larger nodes ---- */

/* Rows from the first on that a packed histogram can hold. */
static int64_t fitting(const uint32_t *entry, int64_t count)
{
    int64_t rows = 0, i = 0;
    while (i < count && rows <= TREE_PACKED_ROWS - TREE_WEIGHT_MAX)
        rows += entry[i++] >> TREE_ROW_BITS;
    return i;
}

static void unpack(const struct tree_shape *shape, int64_t bins, int64_t *restrict packed,
                   int64_t *restrict to)
{
    for (int64_t b = 0; b < bins && shape->classes == 0; b++) {
        to[2 * b] += packed[b] & TREE_PACKED_MASK;
        to[2 * b + 1] += packed[b] >> TREE_PACKED_BITS;
    }
    for (int64_t b = 0; b < bins && shape->classes > 0; b++)
        for (int64_t s = 0; s < shape->stats; s++)
            to[b * shape->stats + s] += tree_statistic(shape, packed + b * shape->words, true, s);
    memset(packed, 0, (size_t)(bins * shape->words) * sizeof *packed);
}

void tree_histogram_add(const struct tree_records *records, const struct tree_shape *shape,
                        const struct tree_columns *columns, const uint32_t *entry, int64_t count,
                        bool packed, int64_t *histogram, int64_t *room)
{
    if (packed) {
        add_packed(records, shape, columns, entry, count, histogram);
        return;
    }
    while (count > 0) {
        int64_t piece = fitting(entry, count);
        add_packed(records, shape, columns, entry, piece, room);
        unpack(shape, columns->start[columns->count], room, histogram);
        entry += piece;
        count -= piece;
    }
}

static void pack(const struct tree_shape *shape, int64_t *bin, int64_t s, int64_t value)
{
    if (shape->classes > 0)
        bin[s / TREE_PACKED_CLASSES] += value << (s % TREE_PACKED_CLASSES * TREE_PACKED_BITS);
    else
        bin[0] += s == 0 ? value : value * (1 << TREE_PACKED_BITS);
}

void tree_histogram_subtract(const struct tree_shape *shape, int64_t bins, const int64_t *parent,
                             bool parent_packed, const int64_t *smaller, bool smaller_packed,
                             int64_t *larger, bool larger_packed)
{
    if (parent_packed) { /* and so are its children: each field stays at least 0 */
        for (int64_t i = 0; i < bins * shape->words; i++) larger[i] = parent[i] - smaller[i];
        return;
    }
    int64_t from = shape->stats, less = tree_width(shape, smaller_packed);
    int64_t to = tree_width(shape, larger_packed);
    memset(larger, 0, (size_t)(bins * to) * sizeof *larger);
    for (int64_t b = 0; b < bins; b++)
        for (int64_t s = 0; s < shape->stats; s++) {
            int64_t value =
                parent[b * from + s] - tree_statistic(shape, smaller + b * less, smaller_packed, s);
            if (larger_packed)
                pack(shape, larger + b * to, s, value);
            else
                larger[b * to + s] = value;
        }
}
