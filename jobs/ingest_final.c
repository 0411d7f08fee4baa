/* Events and offers in their final order. */
#include "jobs/ingest_final.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct finisher {
    struct ingest *ingest;
    struct statistics *statistics;
    struct product_facts *facts;
    struct final_rows *final;
    struct account *account;
    struct user_count run; /* of the user at hand */
    int64_t filled[2];     /* unit prices and quantities that something stands in for */
};

enum status final_rows_new(const struct ingest *ingest, struct final_rows *final)
{
    enum status status = OK;
    const struct series_options series = {
        .denoise_weeks = config_integer(ingest->config, "ingest.denoise_weeks"),
        .memory_bytes = ingest->memory_bytes / 16,
        .folder = ingest->folder};
    *final = (struct final_rows){.time_first = INT64_MAX, .time_last = -INT64_MAX};
    TRY(spool_new(sizeof(struct event_row), ingest->memory_bytes / 4, ingest->folder,
                  &final->events));
    TRY(spool_new(sizeof(struct offer_row), ingest->memory_bytes / 8, ingest->folder,
                  &final->offers));
    TRY(series_new(&series, &final->series));
    TRY(usual_prices_new(ingest->memory_bytes / 32, ingest->folder, &final->usual));
done:
    return status;
}

void final_rows_clear(struct final_rows *final)
{
    spool_free(&final->events);
    spool_free(&final->offers);
    series_free(&final->series);
    usual_prices_free(&final->usual);
    *final = (struct final_rows){0};
}

/* ---- runs of one user ---- */

static enum status end_run(struct finisher *finisher)
{
    enum status status = OK;
    if (finisher->run.count > 0) status = sorter_add(finisher->ingest->counts, &finisher->run);
    finisher->run.count = 0;
    return status;
}

static enum status count_row(struct finisher *finisher, struct user_key user, enum counted what)
{
    enum status status = OK;
    if (finisher->run.count > 0 && user_key_compare(finisher->run.user, user) != 0)
        TRY(end_run(finisher));
    finisher->run.user = user;
    finisher->run.what = what;
    finisher->run.count++;
    finisher->account->kept++;
done:
    return status;
}

/* ---- events ---- */

static struct event_row unpack_event(const struct clean_event *event)
{
    return (struct event_row){.time = INGEST_SECONDS(event->time),
                              .product = (int32_t)(event->product_quantity >> 32),
                              .quantity_milli = (int32_t)(uint32_t)event->product_quantity,
                              .paid_cents = (int32_t)(event->amounts >> 32),
                              .list_cents = (int32_t)(uint32_t)event->amounts,
                              .kind = (uint8_t)(event->kind_place >> 56 & 15),
                              .promotion = (uint8_t)(event->kind_place >> 63)};
}

static double stand_in(const struct finisher *finisher, const struct filling *filling,
                       int32_t product)
{
    return filling_value(filling, product, category_of(finisher->facts, product));
}

/* Amounts that the row did not tell; those of a unit become those of the line. Its fault where
 * nothing can stand in, or the line would be out of the range of cents; 0 if it is filled. */
static uint64_t fill(const struct finisher *finisher, struct event_row *row)
{
    const struct statistics *s = finisher->statistics;
    bool counted = row->quantity_milli >= 0;
    if (row->kind != EVENT_PURCHASE || (counted && row->paid_cents >= 0)) return 0;
    double milli =
        counted ? row->quantity_milli : rint(stand_in(finisher, &s->quantity, row->product));
    if (isnan(milli)) return REJECT_BIT(REJECT_zero_quantity);
    if (milli < 1.0) milli = 1.0;
    double units = 0.001 * milli, scale = counted ? 1.0 : units, paid, list;
    paid = row->paid_cents >= 0 ? scale * row->paid_cents
                                : units * stand_in(finisher, &s->price, row->product);
    list = row->list_cents >= 0 ? fmax(paid, scale * row->list_cents) : -1.0;
    if (isnan(paid)) return REJECT_BIT(REJECT_missing_price);
    if (milli >= 2.1e9 || paid >= 2.1e9 || list >= 2.1e9)
        return REJECT_BIT(REJECT_amount_above_limit);
    row->quantity_milli = (int32_t)milli;
    row->paid_cents = (int32_t)rint(paid);
    row->list_cents = (int32_t)rint(list);
    return 0;
}

/* Is it an outlier? 0 if it is none. */
static uint64_t outlier_fault(const struct finisher *finisher, const struct event_row *row)
{
    const struct outliers *outliers = finisher->statistics->outliers;
    if (outliers == NULL || row->kind != EVENT_PURCHASE) return 0;
    double units = 0.001 * row->quantity_milli, cents = row->paid_cents / units;
    switch (outliers_test(outliers, row->product, cents, units)) {
    case OUTLIER_PRICE:
        return REJECT_BIT(REJECT_outlier_price);
    case OUTLIER_QUANTITY:
        return REJECT_BIT(REJECT_outlier_quantity);
    default:
        return 0;
    }
}

/* What a unit cost before discounts, of a line that came to so much. */
static enum status note_price(struct finisher *finisher, const struct event_row *row, int64_t list)
{
    int64_t cents = llround(1000.0 * (double)list / row->quantity_milli);
    if (finisher->facts->list_price[row->product] >= 0.0) return OK; /* it is known */
    return usual_prices_add(finisher->final->usual, row->product, row->time, cents, row->promotion);
}

static enum status add_up(struct finisher *finisher, const struct event_row *row)
{
    enum status status = OK;
    struct final_rows *final = finisher->final;
    int64_t list = row->list_cents >= 0 ? row->list_cents : row->paid_cents;
    if (row->time < final->time_first) final->time_first = row->time;
    if (row->time > final->time_last) final->time_last = row->time;
    finisher->facts->used[row->product] = 1;
    if (row->kind != EVENT_PURCHASE) return OK;
    TRY(note_price(finisher, row, list));
    TRY(series_add(final->series, row->product, row->time, row->quantity_milli, row->paid_cents,
                   list));
done:
    return status;
}

static void count_filled(struct finisher *finisher, uint64_t missing)
{
    finisher->filled[0] += (missing & MISSING_PRICE) != 0;
    finisher->filled[1] += (missing & MISSING_QUANTITY) != 0;
}

static enum status finish_events(struct finisher *finisher, const struct sorter_batch *batch)
{
    enum status status = OK;
    const struct clean_event *event = batch->records;
    for (int64_t i = 0; i < batch->count; i++) {
        struct event_row row = unpack_event(&event[i]);
        uint64_t faults = fill(finisher, &row);
        if (faults == 0) faults = outlier_fault(finisher, &row);
        if (faults != 0) {
            TRY(rejects_add(&finisher->ingest->rejects, TABLE_EVENTS, faults,
                            CLEAN_PLACE(event[i].kind_place), -1, "", 0));
            continue;
        }
        count_filled(finisher, event[i].kind_place >> 60);
        TRY(add_up(finisher, &row));
        TRY(count_row(finisher, event[i].user, COUNTED_EVENTS));
        TRY(spool_append(finisher->final->events, &row, 1));
    }
done:
    return status;
}

/* ---- offers ---- */

static struct offer_row unpack_offer(const struct clean_offer *offer)
{
    struct offer_row row = {.time = INGEST_SECONDS(offer->time),
                            .product = (int32_t)(offer->product_level >> 32),
                            .revenue_cents = (int32_t)(offer->revenue_propensity >> 32),
                            .flags = (uint8_t)(offer->flags_place >> 56)};
    uint32_t level = (uint32_t)offer->product_level, chance = (uint32_t)offer->revenue_propensity;
    memcpy(&row.discount, &level, sizeof level);
    memcpy(&row.propensity, &chance, sizeof chance);
    return row;
}

static enum status finish_offers(struct finisher *finisher, const struct sorter_batch *batch)
{
    enum status status = OK;
    const struct clean_offer *offer = batch->records;
    for (int64_t i = 0; i < batch->count; i++) {
        struct offer_row row = unpack_offer(&offer[i]);
        TRY(count_row(finisher, offer[i].user, COUNTED_OFFERS));
        TRY(spool_append(finisher->final->offers, &row, 1));
    }
done:
    return status;
}

/* ---- the tables ---- */

static enum status take_batches(const struct comm *comm, struct finisher *finisher,
                                struct sorter *sorter,
                                enum status (*take)(struct finisher *, const struct sorter_batch *))
{
    enum status status = OK;
    struct sorter_batch batch = {.more = true};
    TRY(sorter_open(comm, sorter));
    while (batch.more) {
        TRY(sorter_next(comm, sorter, &batch));
        TRY_ALL(comm, take(finisher, &batch));
    }
done:
    return status;
}

static void report_outliers(const struct outliers *outliers)
{
    struct outliers_summary summary = outliers_summary(outliers);
    log_info("  outliers: %lld products judged; not judged: %lld with too few rows, %lld with one "
             "price and %lld with one quantity in half of them",
             (long long)summary.judged, (long long)summary.few, (long long)summary.uniform_prices,
             (long long)summary.uniform_quantities);
}

static void report_filled(const struct comm *comm, int64_t filled[2])
{
    comm_sum_int64(comm, filled, 2);
    if (filled[0] + filled[1] > 0)
        log_info("  missing values: %lld unit prices and %lld quantities filled",
                 (long long)filled[0], (long long)filled[1]);
}

static void report_series(const struct ingest *ingest, const struct series_maker *series)
{
    struct series_summary summary = series_summary(series);
    if (config_integer(ingest->config, "ingest.denoise_weeks") < 2) return;
    log_info("  denoising changed %lld of %lld product-weeks, price by %.1f %% and quantity by "
             "%.1f %% in the mean",
             (long long)summary.changed, (long long)summary.rows,
             100.0 * expm1(summary.price_change), 100.0 * expm1(summary.quantity_change));
}

/* Stand-ins by category: products are in those that the events of all ranks have told. */
static enum status learn_by_category(struct finisher *finisher, const struct sorter_batch *batch)
{
    enum status status = OK;
    struct filling *price = &finisher->statistics->price,
                   *quantity = &finisher->statistics->quantity;
    const struct clean_event *event = batch->records;
    for (int64_t i = 0; i < batch->count; i++) {
        struct event_row row = unpack_event(&event[i]);
        int64_t category = category_of(finisher->facts, row.product);
        double units = row.quantity_milli > 0 ? 0.001 * row.quantity_milli : 1.0;
        if (row.kind != EVENT_PURCHASE) continue;
        if (row.paid_cents >= 0 && price->policy.group == IMPUTE_CATEGORY)
            TRY(filling_learn(price, row.product, category, row.paid_cents / units));
        if (row.quantity_milli > 0 && quantity->policy.group == IMPUTE_CATEGORY)
            TRY(filling_learn(quantity, row.product, category, row.quantity_milli));
    }
done:
    return status;
}

static enum status statistics_finish(const struct comm *comm, const struct product_facts *facts,
                                     struct statistics *s)
{
    enum status status = OK;
    int64_t groups = facts->count > facts->categories ? facts->count : facts->categories;
    TRY(filling_finish(comm, &s->price, groups));
    TRY(filling_finish(comm, &s->quantity, groups));
    if (s->outliers != NULL) {
        TRY(outliers_finish(comm, s->outliers, facts->count));
        report_outliers(s->outliers);
    }
done:
    return status;
}

enum status ingest_final_events(const struct comm *comm, struct ingest *ingest,
                                struct sorter **clean, struct statistics *statistics,
                                struct product_facts *facts, struct final_rows *final)
{
    enum status status = OK;
    struct finisher finisher = {.ingest = ingest,
                                .statistics = statistics,
                                .facts = facts,
                                .final = final,
                                .account = &ingest->rejects.account[TABLE_EVENTS]};
    product_facts_join(comm, facts);
    if (statistics->price.policy.group == IMPUTE_CATEGORY ||
        statistics->quantity.policy.group == IMPUTE_CATEGORY)
        TRY(take_batches(comm, &finisher, *clean, learn_by_category));
    TRY(statistics_finish(comm, facts, statistics));
    TRY(take_batches(comm, &finisher, *clean, finish_events));
    TRY_ALL(comm, end_run(&finisher));
    sorter_free(clean);
    int64_t span[2] = {final->time_first, -final->time_last};
    final->events_total = spool_count(final->events);
    comm_min_int64(comm, span, 2);
    comm_sum_int64(comm, &final->events_total, 1);
    final->time_first = span[0], final->time_last = -span[1];
    report_filled(comm, finisher.filled);
    TRY(usual_prices_finish(comm, final->usual, facts->count, facts->usual_cents));
    usual_prices_free(&final->usual);
    TRY(series_finish(comm, final->series));
    report_series(ingest, final->series);
done:
    return status;
}

enum status ingest_final_offers(const struct comm *comm, struct ingest *ingest,
                                struct sorter **clean, struct final_rows *final)
{
    enum status status = OK;
    struct finisher finisher = {
        .ingest = ingest, .final = final, .account = &ingest->rejects.account[TABLE_OFFERS]};
    TRY(take_batches(comm, &finisher, *clean, finish_offers));
    TRY_ALL(comm, end_run(&finisher));
    sorter_free(clean);
    final->offers_total = spool_count(final->offers);
    comm_sum_int64(comm, &final->offers_total, 1);
done:
    return status;
}
