/* What growing trees needs beside the rows, and which columns a node may ask about. */
#include "algorithms/tree_grow.h"

#include "algorithms/tree_level.h"
#include "mpi/memory.h"
#include "partition/random.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 8 };

static enum status columns_init(struct tree_columns *columns, int64_t count)
{
    enum status status = OK;
    TRY(memory_new(&columns->column, count, sizeof *columns->column));
    TRY(memory_new(&columns->start, count + 1, sizeof *columns->start));
done:
    return status;
}

static void columns_clear(struct tree_columns *columns)
{
    free(columns->column);
    free(columns->start);
}

static void set_starts(const struct tree_shape *shape, struct tree_columns *columns)
{
    for (int64_t j = 0; j < columns->count; j++)
        columns->start[j + 1] = columns->start[j] + shape->bins[columns->column[j]];
}

enum status tree_grower_init(struct tree_grower *grower, const struct forest_data *data,
                             const struct forest_options *opt, const struct tree_records *records)
{
    enum status status = OK;
    int64_t columns = data->bins->columns;
    int64_t drawn = opt->features > 0 && opt->features < columns ? opt->features : columns;
    *grower = (struct tree_grower){.data = data, .opt = opt, .records = records};
    TRY(tree_shape_init(&grower->shape, data));
    TRY(columns_init(&grower->all, columns));
    TRY(columns_init(&grower->drawn, columns));
    TRY(memory_new(&grower->mark, columns, sizeof *grower->mark));
    TRY(memory_new(&grower->shuffle, columns, sizeof *grower->shuffle));
    TRY(tree_search_init(&grower->search));
    grower->all.count = columns;
    grower->features = drawn;
    grower->every = 2 * drawn > columns;
    for (int64_t j = 0; j < columns; j++) grower->all.column[j] = (int32_t)j;
    set_starts(&grower->shape, &grower->all);
    TRY(memory_new(&grower->room, grower->all.start[columns] * grower->shape.words,
                   sizeof *grower->room));
    TRY(memory_new(&grower->cut_room, records->rows, sizeof *grower->cut_room));
done:
    if (status != OK) tree_grower_clear(grower);
    return status;
}

void tree_grower_clear(struct tree_grower *grower)
{
    tree_shape_clear(&grower->shape);
    columns_clear(&grower->all);
    columns_clear(&grower->drawn);
    free(grower->mark);
    free(grower->shuffle);
    tree_search_clear(&grower->search);
    free(grower->room);
    free(grower->cut_room);
    free(grower->now.word);
    free(grower->last.word);
    *grower = (struct tree_grower){0};
}

int64_t tree_grower_batch(const struct tree_grower *grower)
{
    const struct forest_options *opt = grower->opt;
    int64_t most = grower->records->rows_used / (2 * opt->min_rows) + 1, nodes = 1;
    for (int64_t d = 1; d < opt->depth && nodes < most; d++) nodes *= 2;
    int64_t columns = grower->every ? grower->all.count : grower->features;
    int64_t words = nodes * columns * (BINS_MAX + 1) * grower->shape.words;
    int64_t batch = opt->batch > 0 ? opt->batch : TREE_STORE_WORDS / words;
    if (batch > BATCH_MAX) batch = BATCH_MAX;
    if (batch > opt->trees) batch = opt->trees;
    return batch < 1 ? 1 : batch;
}

/* ---- columns of a node ---- */

bool tree_grower_more(const struct tree_grower *grower, int32_t attempt)
{
    return (attempt + 1) * grower->features < grower->all.count;
}

const struct tree_columns *tree_grower_draw(struct tree_grower *grower, int64_t tree, uint32_t path,
                                            int32_t attempt)
{
    struct tree_columns *drawn = &grower->drawn;
    int64_t columns = grower->all.count, from = attempt * grower->features, at = 0;
    int64_t to = from + grower->features < columns ? from + grower->features : columns;
    uint64_t entity = (uint64_t)tree << 32 | path;
    if (grower->features == columns) return &grower->all;
    for (int64_t j = 0; j < columns; j++) {
        grower->shuffle[j] = (int32_t)j;
        grower->mark[j] = 0;
    }
    for (int64_t i = 0; i < to; i++) {
        uint64_t other = random_below(grower->opt->seed, RANDOM_TREE_COLUMNS, entity, (uint64_t)i,
                                      (uint64_t)(columns - i));
        int32_t *here = &grower->shuffle[i], *there = here + other, swap = *here;
        *here = *there;
        *there = swap;
        grower->mark[*here] = i >= from;
    }
    memmove(grower->shuffle, grower->shuffle + from, (size_t)(to - from) * sizeof(int32_t));
    for (int64_t j = 0; j < columns; j++)
        if (grower->mark[j] != 0) drawn->column[at++] = (int32_t)j;
    drawn->count = at;
    set_starts(&grower->shape, drawn);
    return drawn;
}
