/* Counting rows by bin. */
#include "algorithms/tree_histogram.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { AHEAD = 24 }; /* rows whose records are asked for before their turn */

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

/* One word per bin. */
static void add_words(const struct tree_records *records, const struct tree_columns *columns,
                      const uint32_t *entry, int64_t count, int64_t *restrict histogram)
{
    const int32_t *restrict column = columns->column;
    const int64_t *restrict start = columns->start;
    bool classes = records->classes > 0;
    for (int64_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            __builtin_prefetch(tree_record(records, entry[i + AHEAD] & TREE_ROW_MASK));
        const uint8_t *record = tree_record(records, entry[i] & TREE_ROW_MASK);
        const uint8_t *code = record + TREE_TARGET_BYTES;
        int32_t target = tree_record_target(record);
        uint32_t weight = entry[i] >> TREE_ROW_BITS;
        int64_t value = classes ? class_addend(target, weight) : addend(target, weight);
        for (int64_t j = 0; j < columns->count; j++) histogram[start[j] + code[column[j]]] += value;
    }
}

/* Several words per bin, for more than four classes. */
static void add_classes(const struct tree_records *records, const struct tree_columns *columns,
                        const uint32_t *entry, int64_t count, int64_t words, int64_t *histogram)
{
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *record = tree_record(records, entry[i] & TREE_ROW_MASK);
        const uint8_t *code = record + TREE_TARGET_BYTES;
        int32_t label = tree_record_target(record);
        int64_t *word = histogram + label / TREE_PACKED_CLASSES;
        int64_t value = class_addend(label, entry[i] >> TREE_ROW_BITS);
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

static void unpack(const struct tree_shape *shape, int64_t bins, int64_t *packed, int64_t *to)
{
    for (int64_t b = 0; b < bins; b++)
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
