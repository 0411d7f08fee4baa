/* Profile features of the users, and sequences of their events. */
#include "jobs/features.h"

#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY 86400.0

enum {
    RECENCY,
    FREQUENCY,
    SPEND,
    BASKET,
    VARIETY,
    DISCOUNT_SHARE,
    DISCOUNT_DEPTH,
    BROWSE_TO_BUY,
    TENURE,
    PLAIN_FEATURES,
    SEASONS = 4
};

static const char *const plain_names[PLAIN_FEATURES] = {
    "recency",        "frequency",      "spend",         "basket", "variety",
    "discount_share", "discount_depth", "browse_to_buy", "tenure"};

/* What the events of one user add up to; integers, so the order of events is irrelevant. */
struct totals {
    int64_t purchases, baskets, discounted, seen;
    int64_t paid_cents, list_cents;
    int64_t first_time, last_purchase;
    int64_t season_cents[SEASONS];
    int64_t category_cents[FEATURE_CATEGORIES];
    int64_t categories;
};

/* ---- the largest categories ---- */

struct category_rank {
    int64_t cents;
    int32_t code;
};

static int by_cents(const void *a, const void *b)
{
    const struct category_rank *left = a, *right = b;
    if (left->cents != right->cents) return left->cents > right->cents ? -1 : 1;
    return (left->code > right->code) - (left->code < right->code);
}

/* slot[category] = its place among the largest, -1 for the others; *kept = how many there are */
static enum status largest_categories(const struct comm *comm, const struct dataset *dataset,
                                      int32_t *slot, struct category_rank *rank, int64_t *kept)
{
    enum status status = OK;
    const struct events *events = &dataset->events;
    int64_t count = dataset->products.category.count, *cents = NULL;
    TRY_ALL(comm, memory_new(&cents, count, sizeof *cents));
    for (int64_t e = 0; e < events->start[dataset->users.blocks.rows_local]; e++)
        if (events->kind[e] == EVENT_PURCHASE)
            cents[dataset->products.category_code[events->product[e]]] += events->paid_cents[e];
    comm_sum_int64(comm, cents, count);
    for (int64_t c = 0; c < count; c++) rank[c] = (struct category_rank){cents[c], (int32_t)c};
    qsort(rank, (size_t)count, sizeof *rank, by_cents);
    *kept = count < FEATURE_CATEGORIES ? count : FEATURE_CATEGORIES;
    for (int64_t c = 0; c < count; c++) slot[rank[c].code] = c < *kept ? (int32_t)c : -1;
done:
    free(cents);
    return status;
}

static enum status make_names(const struct dataset *dataset, const struct category_rank *rank,
                              int64_t kept, struct dictionary *names)
{
    enum status status = OK;
    int64_t columns = PLAIN_FEATURES + kept + SEASONS, bytes = 0, width = 16;
    for (int64_t c = 0; c < kept; c++) {
        int64_t code = rank[c].code, *start = dataset->products.category.start;
        bytes += start[code + 1] - start[code] + 16;
    }
    TRY(memory_new(&names->start, columns + 1, sizeof *names->start));
    TRY(memory_new(&names->text, bytes + columns * width, 1));
    names->count = columns;
    for (int64_t j = 0, at = 0; j < columns; j++) {
        char *to = names->text + at;
        if (j < PLAIN_FEATURES)
            at += sprintf(to, "%s", plain_names[j]) + 1;
        else if (j < PLAIN_FEATURES + kept)
            at += sprintf(
                      to, "category:%s",
                      dictionary_text(&dataset->products.category, rank[j - PLAIN_FEATURES].code)) +
                  1;
        else
            at += sprintf(to, "season:Q%d", (int)(j - PLAIN_FEATURES - kept) + 1) + 1;
        names->start[j + 1] = at;
    }
done:
    return status;
}

/* ---- one user ---- */

/* Quarter of the year of a time, by the civil calendar (days since 1970 to month: Hinnant's
 * algorithm). */
static int quarter_of(int64_t time)
{
    int64_t days = time >= 0 ? time / 86400 : -((-time + 86399) / 86400);
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day = day_of_era - (365 * year + year / 4 - year / 100);
    int64_t shifted = (5 * day + 2) / 153; /* 0 = March */
    int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    return (int)((month - 1) / 3);
}

static bool seen_before(const struct dataset *dataset, int64_t first, int64_t event,
                        int32_t category)
{
    const struct events *events = &dataset->events;
    for (int64_t e = first; e < event; e++)
        if (events->kind[e] == EVENT_PURCHASE &&
            dataset->products.category_code[events->product[e]] == category)
            return true;
    return false;
}

static void add_purchase(const struct dataset *dataset, int64_t first, int64_t e,
                         const int32_t *slot, struct totals *t)
{
    const struct events *events = &dataset->events;
    int32_t category = dataset->products.category_code[events->product[e]];
    t->baskets += t->purchases == 0 || events->time[e] != t->last_purchase;
    t->last_purchase = events->time[e];
    t->purchases++;
    t->discounted += events->paid_cents[e] < events->list_cents[e];
    t->paid_cents += events->paid_cents[e];
    t->list_cents += events->list_cents[e];
    t->season_cents[quarter_of(events->time[e])] += events->paid_cents[e];
    if (slot[category] >= 0) t->category_cents[slot[category]] += events->paid_cents[e];
    /* quadratic in a user's purchases, and a user buys tens of lines; long histories stop counting
     * at 4,096 */
    if (e - first < 4096) t->categories += !seen_before(dataset, first, e, category);
}

static struct totals add_up(const struct dataset *dataset, int64_t user, const int32_t *slot)
{
    const struct events *events = &dataset->events;
    struct totals t = {0};
    int64_t first = events->start[user], next = events->start[user + 1];
    t.first_time = first < next ? events->time[first] : dataset->time_last;
    t.last_purchase = dataset->time_first;
    for (int64_t e = first; e < next; e++) {
        t.seen += events->kind[e] <= EVENT_PURCHASE;
        if (events->kind[e] == EVENT_PURCHASE) add_purchase(dataset, first, e, slot, &t);
    }
    return t;
}

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0.0;
}

static void describe(const struct totals *t, int64_t now, int64_t kept, double *x)
{
    double days = (double)(now - t->first_time) / DAY, months = (days > 30.0 ? days : 30.0) / 30.0;
    double paid = 0.01 * (double)t->paid_cents;
    x[RECENCY] = log1p((double)(now - t->last_purchase) / DAY);
    x[FREQUENCY] = log1p((double)t->baskets / months);
    x[SPEND] = log1p(paid / months);
    x[BASKET] = log1p(t->baskets > 0 ? paid / (double)t->baskets : 0.0);
    x[VARIETY] = log1p((double)t->categories);
    x[DISCOUNT_SHARE] = share(t->discounted, t->purchases);
    x[DISCOUNT_DEPTH] = t->list_cents > 0 ? 1.0 - share(t->paid_cents, t->list_cents) : 0.0;
    x[BROWSE_TO_BUY] = share(t->purchases, t->seen);
    x[TENURE] = log1p(days);
    for (int64_t c = 0; c < kept; c++)
        x[PLAIN_FEATURES + c] = share(t->category_cents[c], t->paid_cents);
    for (int s = 0; s < SEASONS; s++)
        x[PLAIN_FEATURES + kept + s] = share(t->season_cents[s], t->paid_cents);
}

enum status features_make(const struct comm *comm, const struct dataset *dataset,
                          struct features *features)
{
    enum status status = OK;
    int64_t users = dataset->users.blocks.rows_local, count = dataset->products.category.count,
            kept = 0;
    int32_t *slot = NULL;
    struct category_rank *rank = NULL;
    *features = (struct features){0};
    TRY_ALL(comm, memory_new(&slot, count, sizeof *slot));
    TRY_ALL(comm, memory_new(&rank, count, sizeof *rank));
    TRY(largest_categories(comm, dataset, slot, rank, &kept));
    TRY_ALL(comm, make_names(dataset, rank, kept, &features->names));
    features->columns = features->names.count;
    TRY_ALL(comm, memory_new(&features->x, users * features->columns, sizeof *features->x));
    for (int64_t u = 0; u < users; u++) {
        struct totals totals = add_up(dataset, u, slot);
        describe(&totals, dataset->time_last, kept, features->x + u * features->columns);
    }
done:
    free(slot);
    free(rank);
    if (status != OK) features_clear(features);
    return status;
}

void features_clear(struct features *features)
{
    dictionary_clear(&features->names);
    free(features->x);
    *features = (struct features){0};
}

/* ---- sequences ---- */

/* The last events of a user in the last places of a row of each array. */
static void fill_sequence(const struct dataset *dataset, int64_t user, int64_t length,
                          int32_t *category, uint8_t *kind, float *gap)
{
    const struct events *events = &dataset->events;
    int64_t begin = events->start[user], next = events->start[user + 1];
    int64_t padding = length > next - begin ? length - (next - begin) : 0;
    for (int64_t i = 0; i < padding; i++) {
        category[i] = -1;
        kind[i] = EVENT_KINDS;
        gap[i] = 0;
    }
    for (int64_t i = padding; i < length; i++) {
        int64_t e = next - length + i;
        int64_t since = e > begin ? events->time[e] - events->time[e - 1] : 0;
        category[i] = dataset->products.category_code[events->product[e]];
        kind[i] = events->kind[e];
        gap[i] = (float)log1p((double)since / DAY);
    }
}

enum status sequences_make(const struct dataset *dataset, int64_t length, int64_t first,
                           int64_t users, struct sequences *sequences)
{
    enum status status = OK;
    *sequences = (struct sequences){.users = users, .length = length};
    if (length < 1)
        TRY(FAIL(ERR_ARG, "a sequence of %lld events; profile.sequence must be 1 or more",
                 (long long)length));
    TRY(memory_new(&sequences->category, users * length, sizeof *sequences->category));
    TRY(memory_new(&sequences->kind, users * length, sizeof *sequences->kind));
    TRY(memory_new(&sequences->gap, users * length, sizeof *sequences->gap));
    for (int64_t u = 0; u < users; u++)
        fill_sequence(dataset, first + u, length, sequences->category + u * length,
                      sequences->kind + u * length, sequences->gap + u * length);
done:
    if (status != OK) sequences_clear(sequences);
    return status;
}

void sequences_clear(struct sequences *sequences)
{
    free(sequences->category);
    free(sequences->kind);
    free(sequences->gap);
    *sequences = (struct sequences){0};
}
