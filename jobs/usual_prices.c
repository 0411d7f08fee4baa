/* Prices that most lines of the latest weeks have. */
#include "jobs/usual_prices.h"

#include "jobs/series.h"
#include "jobs/tally.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

struct usual_prices {
    struct tally *lines; /* product; promoted, week and price in a key */
};

/* ---- filling ---- */

/* The week begins at bit 32, moved to be positive; the price is below it, "promoted" above. */
enum { WEEK_SHIFT = 32, PROMOTED_SHIFT = 63 };

#define WEEK_ZERO (INT64_C(1) << 30)

static uint64_t key_of(int64_t time, int64_t cents, bool promoted)
{
    return (uint64_t)promoted << PROMOTED_SHIFT |
           (uint64_t)(series_week(time) + WEEK_ZERO) << WEEK_SHIFT | (uint64_t)cents;
}

static bool is_promoted(uint64_t key)
{
    return key >> PROMOTED_SHIFT != 0;
}

static int64_t week_of(uint64_t key)
{
    return (int64_t)(key >> WEEK_SHIFT & 0x7fffffff);
}

static uint64_t cents_of(uint64_t key)
{
    return key & 0xffffffff;
}

enum status usual_prices_new(int64_t memory_bytes, const char *folder, struct usual_prices **usual)
{
    enum status status = OK;
    struct usual_prices *fresh = NULL;
    const struct tally_options options = {
        .sums = 1, .memory_bytes = memory_bytes, .folder = folder};
    *usual = NULL;
    TRY(memory_new(&fresh, 1, sizeof *fresh));
    TRY(tally_new(&options, &fresh->lines));
    *usual = fresh;
    fresh = NULL;
done:
    usual_prices_free(&fresh);
    return status;
}

enum status usual_prices_add(struct usual_prices *usual, int32_t product, int64_t time,
                             int64_t cents, bool promoted)
{
    const int64_t one = 1;
    if (cents <= 0 || cents > USUAL_CENTS_MAX) return OK;
    return tally_add(usual->lines, (uint64_t)product, key_of(time, cents, promoted), &one);
}

/* ---- one product: its counts, ascending in promoted, week and price ---- */

/* How many of them are not of promotions; all of them where there is nothing else. */
static int64_t unpromoted(const struct tally_count *counts, int64_t count)
{
    int64_t plain = 0;
    while (plain < count && !is_promoted(counts[plain].key)) plain++;
    return plain > 0 ? plain : count;
}

/* Where the latest weeks begin. */
static int64_t latest(const struct tally_count *counts, int64_t count)
{
    int64_t first = count, lines = 0, last = week_of(counts[count - 1].key);
    while (first > 0) {
        int64_t week = week_of(counts[first - 1].key);
        bool next = first < count && week != week_of(counts[first].key);
        if (next && week <= last - USUAL_WEEKS && lines >= USUAL_LINES) break;
        lines += counts[--first].count;
    }
    return first;
}

static int by_price(const void *a, const void *b)
{
    const struct tally_count *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* Bring counts of one price together; their keys become prices, ascending. */
static int64_t merge_weeks(struct tally_count *counts, int64_t count)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++) counts[i].key = cents_of(counts[i].key);
    qsort(counts, (size_t)count, sizeof *counts, by_price);
    for (int64_t i = 0; i < count; i++) {
        if (kept > 0 && counts[kept - 1].key == counts[i].key)
            counts[kept - 1].count += counts[i].count;
        else
            counts[kept++] = counts[i];
    }
    return kept;
}

/* The price with most lines, the middle one of equals. */
static int64_t commonest(const struct tally_count *prices, int64_t count)
{
    int64_t most = 0, equal = 0, at = -1;
    for (int64_t i = 0; i < count; i++) {
        if (prices[i].count > most) most = prices[i].count, equal = 0;
        equal += prices[i].count == most;
    }
    for (int64_t left = equal / 2 + 1; left > 0; left -= prices[at].count == most) at++;
    return (int64_t)prices[at].key;
}

static int64_t usual_price(struct tally_count *counts, int64_t count)
{
    count = unpromoted(counts, count);
    int64_t first = latest(counts, count);
    return commonest(counts + first, merge_weeks(counts + first, count - first));
}

/* ---- all products ---- */

static enum status take_batch(const struct sorter_batch *batch, int64_t products, int64_t *cents)
{
    struct tally_count *counts = batch->records;
    for (int64_t i = 0, end; i < batch->count; i = end) {
        uint64_t product = counts[i].group;
        end = tally_group_end(counts, batch->count, i);
        if (product >= (uint64_t)products)
            return FAIL(ERR_BUG, "a price of product %lld, of %lld", (long long)product,
                        (long long)products);
        cents[product] = usual_price(counts + i, end - i);
    }
    return OK;
}

enum status usual_prices_finish(const struct comm *comm, struct usual_prices *usual,
                                int64_t products, int64_t *cents)
{
    enum status status = OK;
    struct sorter_batch batch = {.more = true};
    memset(cents, 0, (size_t)products * sizeof *cents);
    TRY(tally_open(comm, usual->lines));
    while (batch.more) {
        TRY(tally_next(comm, usual->lines, &batch));
        TRY_ALL(comm, take_batch(&batch, products, cents));
    }
    comm_max_int64(comm, cents, products); /* a product's owner alone has its price */
    tally_free(&usual->lines);
done:
    return status;
}

void usual_prices_free(struct usual_prices **usual)
{
    if (*usual == NULL) return;
    tally_free(&(*usual)->lines);
    free(*usual);
    *usual = NULL;
}
