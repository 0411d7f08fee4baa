/* Events up to a moment, and what follows from them: interest, portraits, segments. */
#include "jobs/scorer_data.h"

#include "algorithms/standardise.h"
#include "algorithms/vector.h"
#include "jobs/features.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How much of a purchase an event is worth as a sign of interest, in hundredths. */
static const int64_t worth[EVENT_KINDS] = {[EVENT_VIEW] = 5,
                                           [EVENT_CLICK] = 10,
                                           [EVENT_CART] = 40,
                                           [EVENT_PURCHASE] = 100,
                                           [EVENT_RETURN] = -100};

double scorer_worth(enum event_kind kind)
{
    return 0.01 * (double)worth[kind];
}

/* ---- events up to the moment ---- */

/* What is kept of a data set's events. */
struct kept {
    const struct events *from;
    int64_t before;
    const uint8_t *held; /* NULL: none */
};

static bool stays(const struct kept *kept, int64_t e)
{
    return kept->from->time[e] < kept->before && (kept->held == NULL || !kept->held[e]);
}

static enum status new_events(int64_t users, int64_t count, bool promotions, struct events *to)
{
    enum status status = OK;
    TRY(memory_new(&to->start, users + 1, sizeof *to->start));
    TRY(memory_new(&to->product, count, sizeof *to->product));
    TRY(memory_new(&to->time, count, sizeof *to->time));
    TRY(memory_new(&to->kind, count, sizeof *to->kind));
    TRY(memory_new(&to->quantity_milli, count, sizeof *to->quantity_milli));
    TRY(memory_new(&to->paid_cents, count, sizeof *to->paid_cents));
    TRY(memory_new(&to->list_cents, count, sizeof *to->list_cents));
    if (promotions) TRY(memory_new(&to->promotion, count, sizeof *to->promotion));
done:
    return status;
}

static void copy_event(const struct events *from, int64_t e, struct events *to, int64_t at)
{
    to->product[at] = from->product[e];
    to->time[at] = from->time[e];
    to->kind[at] = from->kind[e];
    to->quantity_milli[at] = from->quantity_milli[e];
    to->paid_cents[at] = from->paid_cents[e];
    to->list_cents[at] = from->list_cents[e];
    if (to->promotion != NULL) to->promotion[at] = from->promotion[e];
}

static enum status copy_events(const struct kept *kept, int64_t users, struct events *to)
{
    const struct events *from = kept->from;
    int64_t count = 0;
    for (int64_t e = 0; e < from->start[users]; e++) count += stays(kept, e);
    enum status status = new_events(users, count, from->promotion != NULL, to);
    if (status != OK) return status;
    for (int64_t u = 0, at = 0; u < users; u++) {
        for (int64_t e = from->start[u]; e < from->start[u + 1]; e++)
            if (stays(kept, e)) copy_event(from, e, to, at++);
        to->start[u + 1] = at;
    }
    return OK;
}

/* First and last time and the number of events, over all ranks. */
static enum status describe_events(const struct comm *comm, struct dataset *d)
{
    int64_t count = d->events.start[d->users.blocks.rows_local], ends[2] = {INT64_MIN, INT64_MIN};
    for (int64_t e = 0; e < count; e++) {
        if (-d->events.time[e] > ends[0]) ends[0] = -d->events.time[e];
        if (d->events.time[e] > ends[1]) ends[1] = d->events.time[e];
    }
    d->events_total = count;
    comm_sum_int64(comm, &d->events_total, 1);
    comm_max_int64(comm, ends, 2);
    if (d->events_total == 0) return FAIL(ERR_DATA, "no event is left to learn from");
    d->time_first = -ends[0];
    d->time_last = ends[1];
    return OK;
}

/* A data set like `from` that has these events alone, and neither offers nor series. */
static enum status restrict_events(const struct comm *comm, const struct dataset *from,
                                   const struct kept *kept, struct scorer_data *data)
{
    enum status status = OK;
    data->dataset = from;
    if (kept->before == INT64_MAX && kept->held == NULL) return OK;
    TRY_ALL(comm, memory_new(&data->owned, 1, sizeof *data->owned));
    data->dataset = data->owned;
    *data->owned = *from;
    data->owned->events = (struct events){0};
    data->owned->offers = (struct offers){0};
    data->owned->series = (struct series){0};
    data->owned->offers_total = data->owned->series_total = 0;
    TRY_ALL(comm, copy_events(kept, from->users.blocks.rows_local, &data->owned->events));
    TRY(describe_events(comm, data->owned));
done:
    return status;
}

/* ---- interest ---- */

/* The products of the user at hand. */
struct tally {
    int64_t *worth;   /* [products] hundredths, 0 elsewhere */
    int32_t *bought;  /* [products] 0 elsewhere */
    uint8_t *met;     /* [products] 0 elsewhere */
    int32_t *product; /* [longest history] rising */
    int64_t count;
};

static int by_number(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

static void tally_user(const struct events *events, int64_t user, struct tally *t)
{
    t->count = 0;
    for (int64_t e = events->start[user]; e < events->start[user + 1]; e++) {
        int32_t p = events->product[e];
        if (!t->met[p]) t->product[t->count++] = p;
        t->met[p] = 1;
        t->worth[p] += worth[events->kind[e]];
        t->bought[p] += events->kind[e] == EVENT_PURCHASE;
    }
    qsort(t->product, (size_t)t->count, sizeof *t->product, by_number);
}

static void empty_tally(struct tally *t)
{
    for (int64_t i = 0; i < t->count; i++) {
        int32_t p = t->product[i];
        t->worth[p] = t->bought[p] = t->met[p] = 0;
    }
}

static enum status open_tally(const struct dataset *d, struct tally *t)
{
    enum status status = OK;
    int64_t longest = 0;
    for (int64_t u = 0; u < d->users.blocks.rows_local; u++) {
        int64_t events = d->events.start[u + 1] - d->events.start[u];
        longest = events > longest ? events : longest;
    }
    TRY(memory_new(&t->worth, d->products.count, sizeof *t->worth));
    TRY(memory_new(&t->bought, d->products.count, sizeof *t->bought));
    TRY(memory_new(&t->met, d->products.count, sizeof *t->met));
    TRY(memory_new(&t->product, longest, sizeof *t->product));
done:
    return status;
}

static void tally_clear(struct tally *t)
{
    free(t->worth);
    free(t->bought);
    free(t->met);
    free(t->product);
}

static void count_pairs(const struct dataset *d, struct tally *t, int64_t *start)
{
    for (int64_t u = 0; u < d->users.blocks.rows_local; u++) {
        tally_user(&d->events, u, t);
        start[u + 1] = start[u] + t->count;
        empty_tally(t);
    }
}

static void take_pairs(struct scorer_data *data, struct tally *t)
{
    for (int64_t u = 0, at = 0; u < data->dataset->users.blocks.rows_local; u++) {
        tally_user(&data->dataset->events, u, t);
        for (int64_t i = 0; i < t->count; i++, at++) {
            data->product[at] = t->product[i];
            data->interest[at] = (float)(0.01 * (double)t->worth[t->product[i]]);
            data->bought[at] = t->bought[t->product[i]];
        }
        empty_tally(t);
    }
}

static enum status make_pairs(struct scorer_data *data)
{
    enum status status = OK;
    struct tally t = {0};
    int64_t users = data->dataset->users.blocks.rows_local;
    TRY(open_tally(data->dataset, &t));
    TRY(memory_new(&data->start, users + 1, sizeof *data->start));
    count_pairs(data->dataset, &t, data->start);
    TRY(memory_new(&data->product, data->start[users], sizeof *data->product));
    TRY(memory_new(&data->interest, data->start[users], sizeof *data->interest));
    TRY(memory_new(&data->bought, data->start[users], sizeof *data->bought));
    take_pairs(data, &t);
done:
    tally_clear(&t);
    return status;
}

/* ---- portraits ---- */

/* Column of the features for each of the shop's, -1: none, as the category is among the largest
 * later only. */
static void match_columns(const struct scorer_shop *shop, const struct features *features,
                          int64_t *column)
{
    for (int64_t j = 0; j < shop->feature.count; j++) {
        column[j] = -1;
        for (int64_t k = 0; k < features->columns; k++)
            if (strcmp(dictionary_text(&shop->feature, j), dictionary_text(&features->names, k)) ==
                0)
                column[j] = k;
    }
}

static void paint(const struct scorer_shop *shop, const double *x, const int64_t *column,
                  float *portrait)
{
    for (int64_t j = 0; j < shop->feature.count; j++)
        if (column[j] >= 0 && shop->sd[j] > 0.0)
            portrait[j] = (float)((x[column[j]] - shop->mean[j]) / shop->sd[j]);
}

static int32_t nearest(const struct scorer_shop *shop, const float *portrait)
{
    int32_t best = 0;
    double least = INFINITY;
    for (int32_t s = 0; s < shop->segments; s++) {
        const double *c = shop->centroid + s * shop->feature.count;
        double distance = 0.0;
        for (int64_t j = 0; j < shop->feature.count; j++)
            distance += ((double)portrait[j] - c[j]) * ((double)portrait[j] - c[j]);
        if (distance >= least) continue;
        least = distance;
        best = s;
    }
    return best;
}

static enum status make_portraits(const struct features *features, struct scorer_data *data)
{
    enum status status = OK;
    const struct scorer_shop *shop = data->shop;
    int64_t users = data->dataset->users.blocks.rows_local, *column = NULL;
    data->columns = shop->feature.count;
    data->stride = vector_padded(data->columns);
    TRY(memory_new(&column, data->columns, sizeof *column));
    TRY(memory_new(&data->portrait, users * data->stride, sizeof *data->portrait));
    TRY(memory_new(&data->segment, users, sizeof *data->segment));
    match_columns(shop, features, column);
    for (int64_t u = 0; u < users; u++) {
        float *portrait = data->portrait + u * data->stride;
        paint(shop, features->x + u * features->columns, column, portrait);
        data->segment[u] = nearest(shop, portrait);
    }
done:
    free(column);
    return status;
}

static enum status make(const struct comm *comm, const struct scorer_shop *shop,
                        const struct dataset *from, const struct kept *kept,
                        struct scorer_data *data)
{
    enum status status = OK;
    struct features features = {0};
    *data = (struct scorer_data){.shop = shop};
    TRY(restrict_events(comm, from, kept, data));
    TRY_ALL(comm, make_pairs(data));
    TRY(features_make(comm, data->dataset, &features));
    TRY_ALL(comm, make_portraits(&features, data));
done:
    features_clear(&features);
    if (status != OK) scorer_data_clear(data);
    return status;
}

enum status scorer_data_make(const struct comm *comm, const struct scorer_shop *shop,
                             int64_t before, const uint8_t *held, struct scorer_data *data)
{
    const struct kept kept = {&shop->dataset->events, before, held};
    return make(comm, shop, shop->dataset, &kept, data);
}

enum status scorer_data_earlier(const struct comm *comm, const struct scorer_data *data,
                                int64_t before, struct scorer_data *earlier)
{
    const struct kept kept = {&data->dataset->events, before, NULL};
    return make(comm, data->shop, data->dataset, &kept, earlier);
}

bool scorer_data_bought(const struct scorer_data *data, int64_t user, int32_t product)
{
    int64_t low = data->start[user], high = data->start[user + 1];
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (data->product[middle] < product)
            low = middle + 1;
        else
            high = middle;
    }
    return low < data->start[user + 1] && data->product[low] == product && data->bought[low] > 0;
}

void scorer_data_clear(struct scorer_data *data)
{
    if (data->owned != NULL) events_clear(&data->owned->events);
    free(data->owned);
    free(data->start);
    free(data->product);
    free(data->interest);
    free(data->bought);
    free(data->segment);
    free(data->portrait);
    *data = (struct scorer_data){0};
}
