/* Moments by unit and block, sorted to the ranks of the units and merged there. */
#include "algorithms/unit_statistics.h"

#include "algorithms/unit_order.h"
#include "mpi/memory.h"
#include "partition/sorter.h"

#include <stdlib.h>
#include <string.h>

#define SORTER_BYTES ((int64_t)1 << 30)

enum { HEAD = 3 }; /* words of a record before its moments */

/* A row's unit within its block. */
struct entry {
    uint64_t key;
    int64_t row;
};

/* Rows of a block in the order of unit and row, and the runs that units make of them. */
struct grouped {
    struct entry *entry; /* [rows_local] ordered within each block */
    int64_t rows;        /* that count */
    struct unit_run *run;
    int64_t *run_block; /* [runs] global number */
    int64_t runs;
};

static void grouped_clear(struct grouped *g)
{
    free(g->entry);
    free(g->run);
    free(g->run_block);
    *g = (struct grouped){0};
}

static int compare_entry(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    if (left->key != right->key) return left->key < right->key ? -1 : 1;
    return (left->row > right->row) - (left->row < right->row);
}

static void find_runs(struct grouped *g, int64_t first, int64_t block)
{
    for (int64_t i = first; i < g->rows; i++) {
        if (i == first || g->entry[i].key != g->entry[i - 1].key) {
            g->run_block[g->runs] = block;
            g->run[g->runs++] = (struct unit_run){.key = g->entry[i].key};
        }
        g->run[g->runs - 1].rows++;
    }
}

static enum status group_rows(const struct unit_rows *rows, struct grouped *g)
{
    enum status status = OK;
    const struct blocks *blocks = rows->blocks;
    TRY(memory_new(&g->entry, blocks->rows_local, sizeof *g->entry));
    TRY(memory_new(&g->run, blocks->rows_local, sizeof *g->run));
    TRY(memory_new(&g->run_block, blocks->rows_local, sizeof *g->run_block));
    for (int64_t b = 0; b < blocks->blocks_local; b++) {
        int64_t first = g->rows;
        for (int64_t i = blocks->start[b]; i < blocks->start[b + 1]; i++)
            if (rows->use == NULL || rows->use[i])
                g->entry[g->rows++] = (struct entry){rows->key[i], i};
        if (g->rows > first)
            qsort(g->entry + first, (size_t)(g->rows - first), sizeof *g->entry, compare_entry);
        find_runs(g, first, blocks->block_first + b);
    }
done:
    return status;
}

/* ---- partial moments ---- */

struct sender {
    const struct unit_rows *rows;
    struct sorter *sorter;
    int64_t parts, width;
    uint64_t *record; /* key, block, groups, then rows and moments of the parts */
    int64_t *row;     /* of one run */
};

static double *record_moments(const struct sender *s, int64_t part)
{
    return (double *)(void *)(s->record + HEAD + s->parts) + part * s->width;
}

/* The lowest and highest group of a run's rows. */
static void record_groups(struct sender *s, const struct entry *entry, int64_t rows)
{
    int32_t pair[2] = {0, 0};
    for (int64_t i = 0; s->rows->group != NULL && i < rows; i++) {
        int32_t group = s->rows->group[entry[i].row];
        if (i == 0 || group < pair[0]) pair[0] = group;
        if (i == 0 || group > pair[1]) pair[1] = group;
    }
    memcpy(&s->record[2], pair, sizeof pair);
}

static enum status send_run(struct sender *s, const struct unit_run *run, int64_t block,
                            const struct entry *entry)
{
    const struct unit_rows *rows = s->rows;
    const struct moments_rows variables = {rows->columns + 1, rows->x, rows->y, rows->weight};
    int64_t first = run->rows;
    if (s->parts == 2) {
        first = rows->first_rows - run->before;
        first = first < 0 ? 0 : first > run->rows ? run->rows : first;
    }
    for (int64_t i = 0; i < run->rows; i++) s->row[i] = entry[i].row;
    s->record[0] = run->key;
    s->record[1] = (uint64_t)block;
    record_groups(s, entry, run->rows);
    s->record[HEAD] = (uint64_t)first;
    moments_of_rows(s->row, first, &variables, record_moments(s, 0));
    if (s->parts == 2) {
        s->record[HEAD + 1] = (uint64_t)(run->rows - first);
        moments_of_rows(s->row + first, run->rows - first, &variables, record_moments(s, 1));
    }
    return sorter_add(s->sorter, s->record);
}

static enum status send_runs(const struct unit_rows *rows, const struct grouped *g,
                             size_t record_bytes, struct unit_statistics *out,
                             struct sorter *sorter)
{
    enum status status = OK;
    struct sender s = {.rows = rows,
                       .sorter = sorter,
                       .parts = out->parts,
                       .width = moments_width(rows->columns + 1)};
    int64_t most = 0, at = 0;
    for (int64_t r = 0; r < g->runs; r++)
        if (g->run[r].rows > most) most = g->run[r].rows;
    TRY(memory_new(&s.record, 1, record_bytes));
    TRY(memory_new(&s.row, most, sizeof *s.row));
    for (int64_t r = 0; r < g->runs; r++) {
        TRY(send_run(&s, &g->run[r], g->run_block[r], g->entry + at));
        at += g->run[r].rows;
    }
done:
    free(s.record);
    free(s.row);
    return status;
}

/* ---- merged ---- */

static enum status make_room(struct unit_statistics *s, int64_t more, int64_t *room)
{
    enum status status = OK;
    int64_t width = s->parts * moments_width(s->columns + 1), wanted = s->units + more;
    if (wanted <= *room) return OK;
    if (wanted < 2 * *room) wanted = 2 * *room;
    TRY(memory_grow(&s->key, *room, wanted, sizeof *s->key));
    TRY(memory_grow(&s->group, 2 * *room, 2 * wanted, sizeof *s->group));
    TRY(memory_grow(&s->rows, *room * s->parts, wanted * s->parts, sizeof *s->rows));
    TRY(memory_grow(&s->moment, *room * width, wanted * width, sizeof *s->moment));
    *room = wanted;
done:
    return status;
}

static int64_t count_units(const struct sorter_batch *batch, int64_t words)
{
    const uint64_t *record = batch->records;
    int64_t units = 0;
    for (int64_t i = 0; i < batch->count; i++)
        units += i == 0 || record[i * words] != record[(i - 1) * words];
    return units;
}

static void take_groups(int32_t *group, const uint64_t *word, bool first)
{
    int32_t pair[2];
    memcpy(pair, word, sizeof pair);
    if (first || pair[0] < group[0]) group[0] = pair[0];
    if (first || pair[1] > group[1]) group[1] = pair[1];
}

/* A unit is never parted between batches. */
static enum status take_batch(struct unit_statistics *s, const struct sorter_batch *batch,
                              int64_t words, int64_t *room)
{
    const uint64_t *record = batch->records;
    int64_t v = s->columns + 1, width = moments_width(v);
    enum status status = make_room(s, count_units(batch, words), room);
    if (status != OK) return status;
    for (int64_t i = 0; i < batch->count; i++, record += words) {
        bool first = i == 0 || record[0] != record[-words];
        if (first) s->key[s->units++] = record[0];
        take_groups(s->group + 2 * (s->units - 1), record + 2, first);
        const double *add = (const double *)(const void *)(record + HEAD + s->parts);
        double *moment = s->moment + (s->units - 1) * s->parts * width;
        for (int64_t p = 0; p < s->parts; p++) {
            s->rows[(s->units - 1) * s->parts + p] += (int64_t)record[HEAD + p];
            moments_merge(moment + p * width, add + p * width, v);
        }
    }
    return OK;
}

static enum status take_all(const struct comm *comm, struct sorter *sorter, int64_t words,
                            struct unit_statistics *s)
{
    enum status status = OK;
    struct sorter_batch batch = {.more = true};
    int64_t room = 0;
    TRY_ALL(comm, memory_new(&s->key, 0, sizeof *s->key));
    TRY_ALL(comm, memory_new(&s->group, 0, sizeof *s->group));
    TRY_ALL(comm, memory_new(&s->rows, 0, sizeof *s->rows));
    TRY_ALL(comm, memory_new(&s->moment, 0, sizeof *s->moment));
    TRY(sorter_open(comm, sorter));
    while (batch.more) {
        TRY(sorter_next(comm, sorter, &batch));
        TRY_ALL(comm, take_batch(s, &batch, words, &room));
    }
    s->units_total = s->units;
    comm_sum_int64(comm, &s->units_total, 1);
done:
    return status;
}

enum status unit_statistics_make(const struct comm *comm, const struct unit_rows *rows,
                                 struct unit_statistics *statistics)
{
    enum status status = OK;
    struct grouped grouped = {0};
    struct sorter *sorter = NULL;
    struct unit_statistics *s = statistics;
    *s = (struct unit_statistics){.columns = rows->columns, .parts = rows->first_rows > 0 ? 2 : 1};
    int64_t words = HEAD + s->parts * (1 + moments_width(rows->columns + 1));
    const struct sorter_options options = {.record_bytes = (size_t)words * sizeof(uint64_t),
                                           .words = 2,
                                           .group_words = 1,
                                           .memory_bytes = SORTER_BYTES,
                                           .folder = rows->folder};
    if (rows->columns < 0 || rows->columns > UNIT_COLUMNS_MAX)
        TRY(FAIL(ERR_ARG, "%lld columns for each unit, more than %d; leave terms out",
                 (long long)rows->columns, UNIT_COLUMNS_MAX));
    TRY_ALL(comm, group_rows(rows, &grouped));
    if (s->parts == 2) TRY(unit_order_find(comm, grouped.run, grouped.runs));
    TRY_ALL(comm, sorter_new(&options, &sorter));
    TRY_ALL(comm, send_runs(rows, &grouped, options.record_bytes, s, sorter));
    grouped_clear(&grouped);
    TRY(take_all(comm, sorter, words, s));
done:
    sorter_free(&sorter);
    grouped_clear(&grouped);
    if (status != OK) unit_statistics_clear(s);
    return status;
}

void unit_statistics_clear(struct unit_statistics *statistics)
{
    free(statistics->key);
    free(statistics->group);
    free(statistics->rows);
    free(statistics->moment);
    *statistics = (struct unit_statistics){0};
}
