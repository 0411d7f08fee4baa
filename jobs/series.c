/* Sums by product and week, and their moving medians. */
#include "jobs/series.h"

#include "jobs/tally.h"
#include "mpi/exact.h"
#include "mpi/memory.h"
#include "partition/spool.h"

#include <math.h>
#include <stdlib.h>

enum { DAY_SECONDS = 86400 };

__extension__ typedef __int128 int128;

struct series_maker {
    struct series_options options;
    struct tally *tally; /* product, week: quantity, paid, list */
    struct spool *rows;  /* struct series_row */
    struct series_summary summary;
};

/* One product's rows on their way through, with room for `capacity`. */
struct smoother {
    int64_t half; /* weeks on each side; 0: none */
    int64_t count, capacity;
    struct series_row *row, *smooth; /* [capacity] before and after */
    struct series_row *window;       /* [2 half + 1] */
    int64_t changed;
    struct exact_sums change; /* of price and quantity */
};

/* ---- filling ---- */

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int32_t series_week(int64_t seconds)
{
    return (int32_t)floor_divide(floor_divide(seconds, DAY_SECONDS) + 3, 7);
}

static uint64_t key_of_week(int32_t week)
{
    return (uint64_t)((int64_t)week - INT32_MIN);
}

static int32_t week_of_key(uint64_t key)
{
    return (int32_t)((int64_t)key + INT32_MIN);
}

enum status series_new(const struct series_options *options, struct series_maker **series)
{
    enum status status = OK;
    struct series_maker *fresh = NULL;
    struct tally_options tally = {
        .sums = 3, .memory_bytes = options->memory_bytes / 2, .folder = options->folder};
    *series = NULL;
    if (options->denoise_weeks < 0 ||
        (options->denoise_weeks > 0 && options->denoise_weeks % 2 == 0))
        return FAIL(ERR_ARG, "denoising over %lld weeks; expected an odd number, or 0",
                    (long long)options->denoise_weeks);
    TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->options = *options;
    TRY(tally_new(&tally, &fresh->tally));
    TRY(spool_new(sizeof(struct series_row), options->memory_bytes / 2, options->folder,
                  &fresh->rows));
    *series = fresh;
    fresh = NULL;
done:
    series_free(&fresh);
    return status;
}

enum status series_add(struct series_maker *series, int32_t product, int64_t time,
                       int64_t quantity_milli, int64_t paid_cents, int64_t list_cents)
{
    const int64_t sums[] = {quantity_milli, paid_cents, list_cents};
    return tally_add(series->tally, (uint64_t)product, key_of_week(series_week(time)), sums);
}

/* ---- moving medians ---- */

static int by_quantity(const void *a, const void *b)
{
    const struct series_row *x = a, *y = b;
    return (x->quantity_milli > y->quantity_milli) - (x->quantity_milli < y->quantity_milli);
}

/* Unit prices as fractions: no rounding. */
static int by_price(const void *a, const void *b)
{
    const struct series_row *x = a, *y = b;
    int128 left = (int128)x->paid_cents * y->quantity_milli;
    int128 right = (int128)y->paid_cents * x->quantity_milli;
    return (left > right) - (left < right);
}

/* a x b / c to the nearest integer, halves up; none is negative. */
static int64_t scale(int64_t a, int64_t b, int64_t c)
{
    return (int64_t)(((int128)a * b + c / 2) / c);
}

/* The row in the place of `row`, by the rows of its window. */
static struct series_row smooth_row(const struct series_row *row, struct series_row *window,
                                    int64_t count)
{
    struct series_row smooth = *row;
    int64_t middle = (count - 1) / 2;
    qsort(window, (size_t)count, sizeof *window, by_quantity);
    smooth.quantity_milli = window[middle].quantity_milli;
    qsort(window, (size_t)count, sizeof *window, by_price);
    smooth.paid_cents =
        scale(window[middle].paid_cents, smooth.quantity_milli, window[middle].quantity_milli);
    smooth.list_cents = row->paid_cents > 0
                            ? scale(row->list_cents, smooth.paid_cents, row->paid_cents)
                            : scale(row->list_cents, smooth.quantity_milli, row->quantity_milli);
    return smooth;
}

static bool differ(const struct series_row *a, const struct series_row *b)
{
    return a->quantity_milli != b->quantity_milli || a->paid_cents != b->paid_cents ||
           a->list_cents != b->list_cents;
}

static void note_change(struct smoother *smoother, const struct series_row *before,
                        const struct series_row *after)
{
    double quantity = log((double)after->quantity_milli / (double)before->quantity_milli);
    double paid = 0.0;
    if (!differ(before, after)) return;
    smoother->changed++;
    exact_add_one(&smoother->change, 1, fabs(quantity));
    if (before->paid_cents == 0 || after->paid_cents == 0) return;
    paid = log((double)after->paid_cents / (double)before->paid_cents);
    exact_add_one(&smoother->change, 0, fabs(paid - quantity));
}

static void smooth_product(struct smoother *smoother)
{
    int64_t first = 0, end = 0;
    for (int64_t i = 0; i < smoother->count; i++) {
        const struct series_row *row = smoother->row;
        while (row[first].week < row[i].week - smoother->half) first++;
        while (end < smoother->count && row[end].week <= row[i].week + smoother->half) end++;
        memcpy(smoother->window, row + first, (size_t)(end - first) * sizeof *row);
        smoother->smooth[i] = smooth_row(&row[i], smoother->window, end - first);
        note_change(smoother, &row[i], &smoother->smooth[i]);
    }
}

/* ---- all products ---- */

static enum status make_room(struct smoother *smoother, int64_t count)
{
    enum status status = OK;
    int64_t old = smoother->capacity, more = 2 * count;
    if (count <= old) return OK;
    TRY(memory_grow(&smoother->row, old, more, sizeof *smoother->row));
    TRY(memory_grow(&smoother->smooth, old, more, sizeof *smoother->smooth));
    smoother->capacity = more;
done:
    return status;
}

/* Records first .. end - 1: one product. */
static enum status put_product(struct series_maker *series, struct smoother *smoother,
                               const struct tally_record *records, int64_t count)
{
    enum status status = OK;
    TRY(make_room(smoother, count));
    smoother->count = count;
    for (int64_t i = 0; i < count; i++)
        smoother->row[i] =
            (struct series_row){(int32_t)records[i].group, week_of_key(records[i].key),
                                records[i].sum[0], records[i].sum[1], records[i].sum[2]};
    if (smoother->half > 0) smooth_product(smoother);
    TRY(spool_append(series->rows, smoother->half > 0 ? smoother->smooth : smoother->row, count));
done:
    return status;
}

static enum status put_batch(struct series_maker *series, struct smoother *smoother,
                             const struct sorter_batch *batch)
{
    enum status status = OK;
    const struct tally_record *records = batch->records;
    for (int64_t i = 0, end; i < batch->count; i = end) {
        end = i + 1;
        while (end < batch->count && records[end].group == records[i].group) end++;
        TRY(put_product(series, smoother, records + i, end - i));
    }
done:
    return status;
}

static enum status smoother_init(const struct series_maker *series, struct smoother *smoother)
{
    enum status status = OK;
    smoother->half = series->options.denoise_weeks / 2;
    TRY(memory_new(&smoother->row, 0, sizeof *smoother->row));
    TRY(memory_new(&smoother->smooth, 0, sizeof *smoother->smooth));
    TRY(memory_new(&smoother->window, 2 * smoother->half + 1, sizeof *smoother->window));
    TRY(exact_init(&smoother->change, 2));
done:
    return status;
}

static enum status sum_up(const struct comm *comm, struct series_maker *series,
                          struct smoother *smoother)
{
    int64_t sums[2] = {spool_count(series->rows), smoother->changed};
    enum status status = exact_reduce(comm, &smoother->change);
    if (status != OK) return status; /* agreed */
    comm_sum_int64(comm, sums, 2);
    double changed = sums[1] > 0 ? (double)sums[1] : 1.0;
    series->summary =
        (struct series_summary){sums[0], sums[1], exact_get(&smoother->change, 0) / changed,
                                exact_get(&smoother->change, 1) / changed};
    return OK;
}

enum status series_finish(const struct comm *comm, struct series_maker *series)
{
    enum status status = OK;
    struct sorter_batch batch = {.more = true};
    struct smoother smoother = {0};
    TRY_ALL(comm, smoother_init(series, &smoother));
    TRY(tally_open(comm, series->tally));
    while (batch.more) {
        TRY(tally_next(comm, series->tally, &batch));
        TRY_ALL(comm, put_batch(series, &smoother, &batch));
    }
    TRY(sum_up(comm, series, &smoother));
    tally_free(&series->tally);
done:
    free(smoother.row);
    free(smoother.smooth);
    free(smoother.window);
    exact_clear(&smoother.change);
    return status;
}

/* ---- asking ---- */

int64_t series_rows(const struct series_maker *series)
{
    return spool_count(series->rows);
}

enum status series_read(const struct series_maker *series, int64_t first, int64_t count,
                        struct series_row *rows)
{
    return spool_read(series->rows, first, count, rows);
}

struct series_summary series_summary(const struct series_maker *series)
{
    return series->summary;
}

void series_free(struct series_maker **series)
{
    if (*series == NULL) return;
    tally_free(&(*series)->tally);
    spool_free(&(*series)->rows);
    free(*series);
    *series = NULL;
}
