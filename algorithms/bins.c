/* Where bins end: order statistics of each column, digit by digit from histograms. */
#include "algorithms/bins.h"

#include "algorithms/bins_key.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A key's digits: 16 bits, 8 bits, 8 bits. */
enum { LEVELS = 3, FIRST_SIZE = 1 << 16, DIGIT_SIZE = 1 << 8 };

/* Columns searched together, and rows whose columns are counted one after the other. */
enum { GROUP = 8, STRIP = 1024 };

/* The search for the edges of one column: key prefixes that hold an order statistic that is wanted,
 * or all prefixes there are while they are few. */
struct search {
    int64_t values;            /* rows with a value, over all ranks */
    bool missing;              /* there are rows without */
    bool complete;             /* the prefixes are all there are */
    int64_t slots;             /* prefixes kept */
    uint32_t prefix[BINS_MAX]; /* ascending; after the last level a whole key */
    int64_t below[BINS_MAX];   /* values under the prefix */
    int64_t count[BINS_MAX];   /* values with it */
    uint16_t *slot[2];         /* [FIRST_SIZE] after levels 0 and 1: 1 + slot, 0 if not kept */
};

/* Up to GROUP columns are searched together. */
struct group {
    const struct rows *x;
    const uint8_t *skip;
    int64_t first, columns;
    int64_t most;
    struct search search[GROUP];
    int64_t start[GROUP + 1]; /* of each column's histogram */
    int64_t *histogram;       /* [GROUP * FIRST_SIZE] */
};

float bins_edge(const struct bins *bins, int64_t column, int64_t bin)
{
    int64_t at = bins->start[column] + bin;
    return at < bins->start[column + 1] ? bins->edge[at] : INFINITY;
}

void bins_free(struct bins **bins)
{
    if (*bins == NULL) return;
    free((*bins)->start);
    free((*bins)->edge);
    free((*bins)->missing);
    free(*bins);
    *bins = NULL;
}

static enum status bins_new(int64_t columns, int64_t most, struct bins **bins)
{
    enum status status = OK;
    TRY(memory_new(bins, 1, sizeof **bins));
    (*bins)->columns = columns;
    TRY(memory_new(&(*bins)->start, columns + 1, sizeof *(*bins)->start));
    TRY(memory_new(&(*bins)->edge, columns * (most - 1), sizeof *(*bins)->edge));
    TRY(memory_new(&(*bins)->missing, columns, sizeof *(*bins)->missing));
done:
    if (status != OK) bins_free(bins);
    return status;
}

static void group_clear(struct group *g)
{
    free(g->histogram);
    for (int64_t j = 0; j < GROUP; j++)
        for (int level = 0; level < 2; level++) free(g->search[j].slot[level]);
}

static enum status group_alloc(struct group *g)
{
    enum status status = OK;
    TRY(memory_new(&g->histogram, GROUP * FIRST_SIZE, sizeof *g->histogram));
    for (int64_t j = 0; j < GROUP; j++)
        for (int level = 0; level < 2; level++)
            TRY(memory_new(&g->search[j].slot[level], FIRST_SIZE, sizeof(uint16_t)));
done:
    return status;
}

static enum status check(const struct rows *x, const uint8_t *skip, int64_t most)
{
    if (most < 2 || most > BINS_MAX)
        return FAIL(ERR_ARG, "%lld bins; choose 2 to %d", (long long)most, BINS_MAX);
    if (x->columns < 1 || x->stride < x->columns)
        return FAIL(ERR_ARG, "rows of %lld columns have no bins; give at least one column",
                    (long long)x->columns);
    for (int64_t i = 0; i < x->blocks->rows_local; i++)
        for (int64_t j = 0; j < x->columns && !(skip != NULL && skip[i]); j++)
            if (isinf(x->x[i * x->stride + j]))
                return FAIL(ERR_NUMERIC,
                            "column %lld of row %lld is infinite; give a finite value or none",
                            (long long)j + 1, (long long)(x->blocks->row_first + i));
    return OK;
}

/* ---- counting ---- */

/* Rows [first, end) of one column. Slot 0 takes what is of no interest, missing values have keys
 * beyond those of all numbers: nothing branches. */
static void count_strip(const struct group *g, int64_t j, int64_t first, int64_t end, int level)
{
    const struct search *s = &g->search[j];
    const uint16_t *slot = s->slot[0], *deeper = s->slot[1];
    const float *x = g->x->x + g->first + j;
    int64_t stride = g->x->stride, *histogram = g->histogram + g->start[j];
    for (int64_t i = first; i < end; i++) {
        uint32_t key = bins_key(x[i * stride]);
        if (level == 0) {
            histogram[key >> 16]++;
            continue;
        }
        uint32_t at = (uint32_t)slot[key >> 16] * DIGIT_SIZE + (key >> 8) % DIGIT_SIZE;
        if (level == 2) at = (uint32_t)deeper[at] * DIGIT_SIZE + key % DIGIT_SIZE;
        histogram[at]++;
    }
}

/* The rows of a strip that count, as runs; most often one. */
static void count_runs(const struct group *g, int64_t first, int64_t end, int level)
{
    for (int64_t i = first, next; i < end; i = next) {
        while (i < end && g->skip != NULL && g->skip[i] != 0) i++;
        next = i;
        while (next < end && (g->skip == NULL || g->skip[next] == 0)) next++;
        for (int64_t j = 0; j < g->columns && i < next; j++) count_strip(g, j, i, next, level);
    }
}

static void count(const struct comm *comm, struct group *g, int level)
{
    int64_t rows = g->x->blocks->rows_local;
    for (int64_t j = 0; j < g->columns; j++)
        g->start[j + 1] =
            g->start[j] + (level == 0 ? FIRST_SIZE : (g->search[j].slots + 1) * DIGIT_SIZE);
    memset(g->histogram, 0, (size_t)g->start[g->columns] * sizeof *g->histogram);
    for (int64_t i = 0; i < rows; i += STRIP)
        count_runs(g, i, rows - i < STRIP ? rows : i + STRIP, level);
    comm_sum_int64(comm, g->histogram, g->start[g->columns]);
}

/* ---- narrowing ---- */

/* Is one of the ranks ceil(k values / most), 0 < k < most, in (below, below + count]? */
static bool wanted(const struct search *s, int64_t most, int64_t below, int64_t count)
{
    __extension__ typedef __int128 wide;
    wide k = (wide)below * most / s->values + 1;
    return k < most && (k * s->values + most - 1) / most <= (wide)below + count;
}

/* Rows under the slot that place `at` of a histogram belongs to, and the longer prefix. */
static int64_t base(const struct search *s, int64_t at, int level)
{
    return level == 0 ? 0 : s->below[at / DIGIT_SIZE - 1];
}

static uint32_t extend(const struct search *s, int64_t at, int level)
{
    if (level == 0) return (uint32_t)at;
    return s->prefix[at / DIGIT_SIZE - 1] << 8 | (uint32_t)(at % DIGIT_SIZE);
}

/* Keep the prefixes, one digit longer, that are still of interest. */
static void narrow(struct search *s, const int64_t *histogram, int64_t most, int level)
{
    struct search next = {
        .values = s->values, .missing = s->missing, .slot = {s->slot[0], s->slot[1]}};
    int64_t first = level == 0 ? KEY_FIRST : DIGIT_SIZE, occupied = 0, inside = 0;
    int64_t end = level == 0 ? KEY_END : (s->slots + 1) * DIGIT_SIZE;
    for (int64_t at = first; at < end; at++) occupied += histogram[at] > 0;
    next.complete = s->complete && occupied <= most;
    if (level < 2) memset(s->slot[level], 0, FIRST_SIZE * sizeof *s->slot[level]);
    for (int64_t at = first; at < end; at++) {
        if (level > 0 && at % DIGIT_SIZE == 0) inside = 0;
        int64_t below = base(s, at, level) + inside;
        inside += histogram[at];
        if (histogram[at] == 0) continue;
        if (!next.complete && !wanted(s, most, below, histogram[at])) continue;
        next.prefix[next.slots] = extend(s, at, level);
        next.below[next.slots] = below;
        next.count[next.slots++] = histogram[at];
        if (level < 2) s->slot[level][at] = (uint16_t)next.slots;
    }
    *s = next;
}

/* How many values there are, and whether there are others. */
static void count_values(struct search *s, const int64_t *histogram)
{
    int64_t all = 0;
    s->values = 0;
    for (int64_t at = 0; at < FIRST_SIZE; at++) all += histogram[at];
    for (int64_t at = KEY_FIRST; at < KEY_END; at++) s->values += histogram[at];
    s->missing = all > s->values;
}

/* A value between a and b that is not b. */
static float between(float a, float b)
{
    float middle = a / 2 + b / 2;
    return middle >= a && middle < b ? middle : a;
}

/* Append the column's edges at *at. */
static void put_edges(const struct search *s, float *edge, int64_t *at)
{
    for (int64_t i = 0; i < s->slots; i++) {
        if (s->below[i] + s->count[i] == s->values) continue; /* nothing lies above */
        float value = bins_value(s->prefix[i]);
        edge[(*at)++] = s->complete ? between(value, bins_value(s->prefix[i + 1])) : value;
    }
}

static void search_group(const struct comm *comm, struct group *g, struct bins *bins)
{
    for (int64_t j = 0; j < g->columns; j++) {
        g->search[j].complete = true;
        g->search[j].slots = 0;
    }
    for (int level = 0; level < LEVELS; level++) {
        count(comm, g, level);
        for (int64_t j = 0; j < g->columns; j++) {
            const int64_t *histogram = g->histogram + g->start[j];
            if (level == 0) count_values(&g->search[j], histogram);
            narrow(&g->search[j], histogram, g->most, level);
        }
    }
    for (int64_t j = 0; j < g->columns; j++) {
        int64_t column = g->first + j, at = bins->start[column];
        put_edges(&g->search[j], bins->edge, &at);
        bins->start[column + 1] = at;
        bins->missing[column] = g->search[j].missing;
    }
}

enum status bins_make(const struct comm *comm, const struct rows *x, const uint8_t *skip,
                      int64_t most, struct bins **bins)
{
    enum status status = OK;
    struct group *g = NULL;
    *bins = NULL;
    TRY_ALL(comm, check(x, skip, most));
    TRY_ALL(comm, memory_new(&g, 1, sizeof *g));
    TRY_ALL(comm, group_alloc(g));
    TRY_ALL(comm, bins_new(x->columns, most, bins));
    g->x = x;
    g->skip = skip;
    g->most = most;
    for (g->first = 0; g->first < x->columns; g->first += GROUP) {
        g->columns = x->columns - g->first < GROUP ? x->columns - g->first : GROUP;
        search_group(comm, g, *bins);
    }
done:
    if (g != NULL) group_clear(g);
    free(g);
    if (status != OK) bins_free(bins);
    return status;
}
