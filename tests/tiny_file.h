/**
 * A tiny shop and its weekly series on their way into dataset.h5, brought as ingest brings them:
 * rows in runs that are not those of a rank's own users.
 */
#ifndef REMISE_TESTS_TINY_FILE_H
#define REMISE_TESTS_TINY_FILE_H

#include "tests/tiny_shop.h"

/* Where this rank's run of the rows begins; rows of users need not be those of its own users. */
struct source {
    const struct dataset *whole;  /* the shop on one rank */
    const struct series_row *row; /* [rows] of the series */
    int64_t rows;
    int64_t events, offers, series;
    int64_t fail_at; /* event that cannot be given, or -1 */
    bool backwards;  /* the series' last row first */
};

static inline enum status tiny_give_events(void *context, int64_t first, int64_t count,
                                           struct event_row *rows)
{
    const struct source *source = context;
    const struct events *e = &source->whole->events;
    for (int64_t i = 0, j = source->events + first; i < count; i++, j++) {
        if (j == source->fail_at) return FAIL(ERR_IO, "event %lld is gone", (long long)j);
        rows[i] = (struct event_row){.time = e->time[j],
                                     .product = e->product[j],
                                     .quantity_milli = e->quantity_milli[j],
                                     .paid_cents = e->paid_cents[j],
                                     .list_cents = e->list_cents[j],
                                     .kind = e->kind[j]};
        if (e->promotion != NULL) rows[i].promotion = e->promotion[j];
    }
    return OK;
}

static inline enum status tiny_give_offers(void *context, int64_t first, int64_t count,
                                           struct offer_row *rows)
{
    const struct source *source = context;
    const struct offers *o = &source->whole->offers;
    for (int64_t i = 0, j = source->offers + first; i < count; i++, j++)
        rows[i] = (struct offer_row){.time = o->time[j],
                                     .product = o->product[j],
                                     .discount = o->discount[j],
                                     .propensity = o->propensity[j],
                                     .revenue_cents = o->revenue_cents[j],
                                     .flags = o->flags[j]};
    return OK;
}

static inline enum status tiny_give_series(void *context, int64_t first, int64_t count,
                                           struct series_row *rows)
{
    const struct source *source = context;
    for (int64_t i = 0; i < count; i++) {
        int64_t row = source->series + first + i;
        rows[i] = source->row[source->backwards ? source->rows - 1 - row : row];
    }
    return OK;
}

/* Rows [total * rank / ranks ...) of a table for each rank. */
static inline int64_t run_of(const struct comm *comm, int64_t total, int64_t *first)
{
    *first = total * comm->rank / comm->ranks;
    return total * (comm->rank + 1) / comm->ranks - *first;
}

struct bring {
    struct dataset *mine, *whole;
    int64_t *counts;
    bool last; /* of the ranks */
    struct source source;
    struct dataset_parts parts;
};

/* The shop, cut among the ranks by number: users, events, offers and series each for themselves. */
static inline void bring_open(const struct comm *comm, const struct tiny_shop *from,
                              const struct series_row *series, int64_t rows_series,
                              struct bring *bring)
{
    struct comm self = comm_self();
    *bring = (struct bring){.mine = tiny_open(comm, from), .whole = tiny_open(&self, from)};
    const struct dataset *mine = bring->mine;
    bring->last = comm->rank == comm->ranks - 1;
    int64_t rows = mine->users.blocks.rows_local;
    TINY_NEW(bring->counts, 2 * rows);
    for (int64_t u = 0; u < rows; u++) {
        bring->counts[u] = mine->events.start[u + 1] - mine->events.start[u];
        bring->counts[rows + u] = mine->offers.start[u + 1] - mine->offers.start[u];
    }
    bring->source =
        (struct source){.whole = bring->whole, .row = series, .rows = rows_series, .fail_at = -1};
    bring->parts =
        (struct dataset_parts){.products = &mine->products,
                               .users = &mine->users,
                               .user_events = bring->counts,
                               .user_offers = bring->counts + rows,
                               .events_local = run_of(comm, from->events, &bring->source.events),
                               .offers_local = run_of(comm, from->offers, &bring->source.offers),
                               .series_local = run_of(comm, rows_series, &bring->source.series),
                               .events = tiny_give_events,
                               .offers = tiny_give_offers,
                               .series = tiny_give_series,
                               .context = &bring->source,
                               .time_first = mine->time_first,
                               .time_last = mine->time_last,
                               .promotions = from->promotion != NULL};
}

static inline void bring_close(struct bring *bring)
{
    dataset_free(&bring->mine);
    dataset_free(&bring->whole);
    free(bring->counts);
}

/* Two levels. */
static inline void tiny_levels(struct dictionary *levels)
{
    struct comm self = comm_self();
    struct text_set *set = text_set_new();
    text_set_code(set, "north", 5);
    text_set_code(set, "", 0);
    if (dictionary_make(&self, set, levels, NULL) != OK) abort();
    text_set_free(&set);
}

#endif
