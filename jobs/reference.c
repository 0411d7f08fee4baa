/* Lowest prices of the last days. */
#include "jobs/reference.h"

#include "jobs/moment.h"
#include "jobs/offerable.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

/* ---- prices of one user's purchases ---- */

/* Did the user redeem a discount of his own on it, of an offer not older than `seconds`? */
static bool is_personal(const struct offers *offers, int64_t user, int32_t product, int64_t time,
                        int64_t seconds)
{
    for (int64_t o = offers->start[user]; o < offers->start[user + 1]; o++) {
        bool redeemed = (offers->flags[o] & OFFER_REDEEMED) != 0 && offers->discount[o] > 0.0f;
        if (!redeemed || offers->product[o] != product) continue;
        if (moment_day(offers->time[o]) <= time && offers->time[o] >= time - seconds) return true;
    }
    return false;
}

static int64_t unit_cents(int32_t cents, int32_t quantity_milli)
{
    return llround(1000.0 * (double)cents / (double)quantity_milli);
}

void reference_lowest(const struct dataset *dataset, const int64_t *end, int64_t seconds,
                      const struct running *apart, int64_t *lowest)
{
    const struct events *events = &dataset->events;
    const struct offers *offers = dataset->offers_total > 0 ? &dataset->offers : NULL;
    for (int64_t p = 0; p < dataset->products.count; p++) lowest[p] = INT64_MAX;
    for (int64_t u = 0; u < dataset->users.blocks.rows_local; u++) {
        for (int64_t e = events->start[u]; e < events->start[u + 1]; e++) {
            int32_t p = events->product[e];
            int64_t time = events->time[e];
            if (events->kind[e] != EVENT_PURCHASE || time >= end[p] || time < end[p] - seconds)
                continue;
            bool personal = (offers != NULL && is_personal(offers, u, p, time, seconds)) ||
                            running_was_apart(apart, u, p, time);
            int64_t cents = unit_cents(personal ? events->list_cents[e] : events->paid_cents[e],
                                       events->quantity_milli[e]);
            if (cents < lowest[p]) lowest[p] = cents;
        }
    }
}

/* ---- of the run ---- */

struct totals {
    int64_t sold, below;
};

static void settle(const struct products *products, const int64_t *lowest,
                   struct reference *reference, struct totals *totals)
{
    for (int64_t p = 0; p < products->count; p++) {
        int64_t list = offerable_list_cents(products, p);
        bool below = lowest[p] < list;
        reference->cents[p] = below ? lowest[p] : list;
        reference->source[p] = lowest[p] < INT64_MAX ? REFERENCE_SOLD : REFERENCE_LIST;
        totals->sold += lowest[p] < INT64_MAX;
        totals->below += below;
    }
}

static enum status reserve(int64_t products, struct reference *reference)
{
    enum status status = OK;
    *reference = (struct reference){0};
    TRY(memory_new(&reference->cents, products, sizeof *reference->cents));
    TRY(memory_new(&reference->source, products, sizeof *reference->source));
done:
    return status;
}

static void say(const struct config *config, const struct dataset *d, int64_t days,
                const struct totals *totals)
{
    bool keep = config_is(config, "allocate.reference_rule", "keep");
    log_info("  reference prices: %lld of %lld products were sold in the last %lld days, %lld of "
             "them below their list price%s",
             (long long)totals->sold, (long long)d->products.count, (long long)days,
             (long long)totals->below,
             keep ? "; discounts that do not lead below are left out (allocate.reference_rule)"
                  : "");
    if (keep && totals->sold == 0 && d->events_total > 0)
        log_warning("  nothing was sold in these days: list prices count as reference prices; "
                    "is run.valid_from right?");
}

static enum status look(const struct comm *comm, const struct run *run, const struct dataset *d,
                        int64_t days, struct reference *reference)
{
    enum status status = OK;
    struct totals totals = {0};
    struct running apart = {0};
    int64_t *end = NULL, *lowest = NULL, products = d->products.count;
    int64_t moment = moment_of_table(run->config, d->time_last);
    TRY_ALL(comm, reserve(products, reference));
    TRY_ALL(comm, memory_new(&end, products, sizeof *end));
    TRY_ALL(comm, memory_new(&lowest, products, sizeof *lowest));
    TRY_ALL(comm, running_since(d, moment, end));
    TRY(running_open_apart(comm, run, d, &apart));
    reference_lowest(d, end, days * DAY_SECONDS, &apart, lowest);
    comm_min_int64(comm, lowest, products);
    settle(&d->products, lowest, reference, &totals);
    say(run->config, d, days, &totals);
done:
    running_clear(&apart);
    free(end);
    free(lowest);
    return status;
}

static enum status write_prices(const struct comm *comm, const char *path, int64_t products,
                                const struct reference *reference)
{
    static const struct store_column cents = {"products/reference_cents", STORE_I64, 1, "cents",
                                              "lowest price to all of the last days"},
                                     source = {"products/reference_source", STORE_U8, 1, "",
                                               "0: list price, nothing was sold; 1: sold"};
    enum status status = OK;
    struct store *store = NULL;
    int64_t rows = comm->rank == 0 ? products : 0;
    TRY(store_create(comm, path, &store));
    TRY(store_write(comm, store, &cents, reference->cents, rows));
    TRY(store_write(comm, store, &source, reference->source, rows));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

enum status reference_make(const struct comm *comm, const struct run *run)
{
    enum status status = OK;
    struct dataset *dataset = NULL;
    struct reference reference = {0};
    int64_t days = config_integer(run->config, "allocate.reference_days");
    TRY(dataset_read(comm, run_path(run, "dataset.h5"),
                     days > 0 ? DATASET_EVENTS | DATASET_OFFERS | DATASET_PROMOTED : 0, &dataset));
    log_need(comm, dataset_bytes(dataset));
    if (days > 0) {
        TRY(look(comm, run, dataset, days, &reference));
    } else {
        TRY_ALL(comm, reserve(dataset->products.count, &reference));
        for (int64_t p = 0; p < dataset->products.count; p++)
            reference.cents[p] = offerable_list_cents(&dataset->products, p);
    }
    TRY(write_prices(comm, run_path(run, "prices.h5"), dataset->products.count, &reference));
done:
    reference_clear(&reference);
    dataset_free(&dataset);
    return status;
}

enum status reference_read(const struct comm *comm, const char *path, int64_t products,
                           struct reference *reference)
{
    enum status status = OK;
    struct store *store = NULL;
    TRY_ALL(comm, reserve(products, reference));
    TRY(store_open(comm, path, &store));
    TRY(store_read(comm, store, "products/reference_cents", STORE_I64, 0, products,
                   reference->cents));
    TRY(store_read(comm, store, "products/reference_source", STORE_U8, 0, products,
                   reference->source));
done:
    store_close(comm, &store);
    return status;
}

void reference_clear(struct reference *reference)
{
    free(reference->cents);
    free(reference->source);
    *reference = (struct reference){0};
}
