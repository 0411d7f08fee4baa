/* Pool adjacent violators on sorted stretches, in integers. */
#include "algorithms/isotonic.h"

#include "mpi/memory.h"
#include "partition/sorter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SUM_BITS = 60 };

/* A row on its way to its place in the order. */
struct record {
    uint64_t key;            /* orders like the score */
    int64_t weight, outcome; /* in units; outcome is weighted */
};

/* Scores of one value, from `low` to `high`. */
struct pool {
    uint64_t low, high;
    int64_t weight, outcome;
};

struct pools {
    struct pool *pool;
    int64_t count, room;
};

/* ---- scores as keys ---- */

static uint64_t key_of(double score)
{
    uint64_t bits;
    double one_zero = score + 0.0;
    memcpy(&bits, &one_zero, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double score_of(uint64_t key)
{
    double score;
    uint64_t bits = key >> 63 ? key ^ UINT64_C(1) << 63 : ~key;
    memcpy(&score, &bits, sizeof score);
    return score;
}

/* ---- pooling ---- */

static bool violates(const struct pool *before, const struct pool *after)
{
    __extension__ typedef __int128 wide;
    return (wide)before->outcome * after->weight >= (wide)after->outcome * before->weight;
}

/* Append a pool that lies above all others, and join what does not rise. */
static enum status push(struct pools *pools, struct pool next)
{
    enum status status = OK;
    if (pools->count == pools->room) {
        int64_t room = pools->room * 2 + 64;
        TRY(memory_grow(&pools->pool, pools->room, room, sizeof *pools->pool));
        pools->room = room;
    }
    for (; pools->count > 0; pools->count--) {
        const struct pool *last = &pools->pool[pools->count - 1];
        if (last->high != next.low && !violates(last, &next)) break;
        next.low = last->low;
        next.weight += last->weight;
        next.outcome += last->outcome;
    }
    pools->pool[pools->count++] = next;
done:
    return status;
}

/* Rows of one score are one before anything else is asked of them. */
static enum status push_batch(struct pools *pools, const struct record *record, int64_t count)
{
    enum status status = OK;
    for (int64_t i = 0, next; i < count; i = next) {
        struct pool pool = {record[i].key, record[i].key, 0, 0};
        for (next = i; next < count && record[next].key == pool.low; next++) {
            pool.weight += record[next].weight;
            pool.outcome += record[next].outcome;
        }
        TRY(push(pools, pool));
    }
done:
    return status;
}

/* ---- rows ---- */

static double weight_of(const struct isotonic_rows *rows, int64_t i)
{
    return rows->weight != NULL ? (double)rows->weight[i] : 1.0;
}

static bool counts(const struct isotonic_rows *rows, int64_t i)
{
    return rows->skip == NULL || rows->skip[i] == 0;
}

/* The largest term, and how many there are. */
static enum status measure(const struct isotonic_rows *rows, double *most, int64_t *count)
{
    for (int64_t i = 0; i < rows->blocks->rows_local; i++) {
        if (!counts(rows, i)) continue;
        double weight = weight_of(rows, i), y = (double)rows->y[i];
        if (!isfinite(rows->score[i]) || !isfinite(y) || !(weight >= 0.0 && weight < INFINITY))
            return FAIL(ERR_NUMERIC,
                        "row %lld: score %g, outcome %g, weight %g; all must be finite, the "
                        "weight not below 0",
                        (long long)(rows->blocks->row_first + i), rows->score[i], y, weight);
        *most = fmax(*most, weight * fmax(1.0, fabs(y)));
        ++*count;
    }
    return OK;
}

static enum status add_rows(const struct isotonic_rows *rows, double unit, struct sorter *sorter)
{
    enum status status = OK;
    for (int64_t i = 0; i < rows->blocks->rows_local; i++) {
        if (!counts(rows, i)) continue;
        double weight = weight_of(rows, i);
        struct record record = {key_of(rows->score[i]), llrint(weight / unit),
                                llrint(weight * (double)rows->y[i] / unit)};
        if (record.weight > 0) TRY(sorter_add(sorter, &record));
    }
done:
    return status;
}

static enum status pool_stretch(const struct comm *comm, struct sorter *sorter, struct pools *pools)
{
    enum status status = OK;
    struct sorter_batch batch = {.more = true};
    TRY(sorter_open(comm, sorter));
    while (batch.more) {
        TRY(sorter_next(comm, sorter, &batch));
        TRY_ALL(comm, push_batch(pools, batch.records, batch.count));
    }
done:
    return status;
}

static enum status sort_and_pool(const struct comm *comm, const struct isotonic_rows *rows,
                                 double unit, struct pools *pools)
{
    enum status status = OK;
    struct sorter *sorter = NULL;
    const struct sorter_options options = {.record_bytes = sizeof(struct record),
                                           .words = 1,
                                           .group_words = 1,
                                           .memory_bytes = INT64_MAX,
                                           .folder = "."};
    TRY_ALL(comm, sorter_new(&options, &sorter));
    TRY_ALL(comm, add_rows(rows, unit, sorter));
    TRY(pool_stretch(comm, sorter, pools));
done:
    sorter_free(&sorter);
    return status;
}

/* ---- the map ---- */

static enum status push_all(struct pools *pools, const struct pool *pool, int64_t count)
{
    enum status status = OK;
    for (int64_t i = 0; i < count; i++) TRY(push(pools, pool[i]));
done:
    return status;
}

static enum status draw(const struct pools *pools, double unit, struct isotonic *map)
{
    enum status status = OK;
    TRY(memory_new(&map->x, 2 * pools->count, sizeof *map->x));
    TRY(memory_new(&map->y, 2 * pools->count, sizeof *map->y));
    for (int64_t p = 0; p < pools->count; p++) {
        const struct pool *pool = &pools->pool[p];
        double y = (double)pool->outcome / (double)pool->weight;
        for (int end = 0; end < (pool->low < pool->high ? 2 : 1); end++) {
            map->x[map->knots] = score_of(end == 0 ? pool->low : pool->high);
            map->y[map->knots++] = y;
        }
    }
    if (pools->count == 0) goto done;
    map->weight_first = unit * (double)pools->pool[0].weight;
    map->weight_last = unit * (double)pools->pool[pools->count - 1].weight;
done:
    return status;
}

enum status isotonic_fit(const struct comm *comm, const struct isotonic_rows *rows,
                         struct isotonic *map)
{
    enum status status = OK;
    struct pools mine = {0}, all = {0};
    void *gathered = NULL;
    int64_t count = 0, bytes = 0;
    double most = 0.0;
    *map = (struct isotonic){0};
    TRY_ALL(comm, measure(rows, &most, &count));
    comm_sum_int64(comm, &count, 1);
    comm_max_double(comm, &most, 1);
    if (count == 0 || most == 0.0) goto done;
    double unit = ldexp(1.0, ilogb(most * (double)count) + 1 - SUM_BITS);
    TRY(sort_and_pool(comm, rows, unit, &mine));
    TRY(comm_gather_all(comm, mine.pool, mine.count * (int64_t)sizeof *mine.pool, &gathered,
                        &bytes));
    TRY_ALL(comm, push_all(&all, gathered, bytes / (int64_t)sizeof *mine.pool));
    TRY_ALL(comm, draw(&all, unit, map));
done:
    free(gathered);
    free(mine.pool);
    free(all.pool);
    if (status != OK) isotonic_clear(map);
    return status;
}

void isotonic_clear(struct isotonic *map)
{
    free(map->x);
    free(map->y);
    *map = (struct isotonic){0};
}

double isotonic_apply(const struct isotonic *map, double score)
{
    int64_t low = 0, high = map->knots - 1;
    if (high < 0 || isnan(score)) return (double)NAN;
    if (score <= map->x[0]) return map->y[0];
    if (score >= map->x[high]) return map->y[high];
    while (high - low > 1) { /* x[low] <= score < x[high] */
        int64_t middle = low + (high - low) / 2;
        if (map->x[middle] <= score)
            low = middle;
        else
            high = middle;
    }
    double part = (score - map->x[low]) / (map->x[high] - map->x[low]);
    return fmin(map->y[low] + part * (map->y[high] - map->y[low]), map->y[high]);
}

void isotonic_clamp(struct isotonic *map, double low, double high)
{
    for (int64_t k = 0; k < map->knots; k++) map->y[k] = fmin(fmax(map->y[k], low), high);
}

void isotonic_rise(int64_t count, const double *weight, double *y)
{
    for (int64_t i = 1; i < count; i++) {
        double sum = weight[i] * y[i], all = weight[i];
        int64_t first = i; /* values from there on are one pool */
        while (first > 0 && y[first - 1] >= sum / all) {
            first--;
            sum += weight[first] * y[first];
            all += weight[first];
        }
        for (int64_t k = first; k <= i; k++) y[k] = first < i ? sum / all : y[k];
    }
}
