/* Cleaning by user and product. */
#include "jobs/ingest_clean.h"

#include "jobs/ingest_join.h"
#include "jobs/returns.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct cleaner {
    struct ingest *ingest;
    struct product_facts *facts;
    struct statistics *statistics;
    struct sorter *clean;
    struct account *account;
    bool drop_repeats, net_returns, known_users, known_products;
    struct returns returns;
    int64_t rows;
    int64_t capacity;
    uint8_t *outcome; /* [capacity] enum return_outcome, work space */
};

enum status clean_sorter(const struct ingest *ingest, struct sorter **sorter)
{
    return ingest_sorter(ingest, sizeof(struct clean_event), CLEAN_WORDS, CLEAN_WORDS, 4, sorter);
}

/* ---- what the users and products tables do not know ---- */

static uint64_t unknown_faults(const struct cleaner *cleaner, struct user_answer answer,
                               int32_t product)
{
    uint64_t faults = 0;
    if (cleaner->known_users && !answer.known) faults |= REJECT_BIT(REJECT_unknown_user);
    if (cleaner->known_products && !cleaner->facts->listed[product])
        faults |= REJECT_BIT(REJECT_unknown_product);
    return faults;
}

static enum status reject(struct cleaner *cleaner, enum table table, uint64_t faults,
                          uint64_t place)
{
    return rejects_add(&cleaner->ingest->rejects, table, faults, place, -1, "", 0);
}

/* ---- events ---- */

/* Drop repeats and the unknown from the rows of one user and product; *kept are moved together. */
static enum status drop_rows(struct cleaner *cleaner, struct event_record *row, int64_t count,
                             uint64_t unknown, int64_t *kept)
{
    enum status status = OK;
    struct event_record before = {0};
    *kept = 0;
    for (int64_t i = 0; i < count; i++) {
        struct event_record here = row[i];
        bool again = i > 0 && here.time == before.time && here.row == before.row;
        uint64_t faults =
            unknown | (again && cleaner->drop_repeats ? REJECT_BIT(REJECT_repeat) : 0);
        before = here;
        if (here.kind == EVENT_RETURN) cleaner->account->faults[REJECT_return_row]++;
        if (again && !cleaner->drop_repeats) cleaner->account->faults[REJECT_repeat]++;
        if (faults != 0)
            TRY(reject(cleaner, TABLE_EVENTS, faults, here.place));
        else
            row[(*kept)++] = here;
    }
done:
    return status;
}

static bool has_return(const struct event_record *row, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (row[i].kind == EVENT_RETURN) return true;
    return false;
}

/* Returns off their purchases: each row is kept, netted, or a return without a purchase. */
static enum status net_rows(struct cleaner *cleaner, struct event_record *row, int64_t *count)
{
    enum status status = OK;
    int64_t kept = 0;
    if (!cleaner->net_returns || !has_return(row, *count)) return OK;
    if (*count > cleaner->capacity) {
        TRY(memory_grow(&cleaner->outcome, 0, 2 * *count, 1));
        cleaner->capacity = 2 * *count;
    }
    TRY(returns_net(&cleaner->returns, row, *count, cleaner->outcome));
    for (int64_t i = 0; i < *count; i++) {
        if (cleaner->outcome[i] == RETURN_KEPT) row[kept++] = row[i];
        cleaner->account->netted += cleaner->outcome[i] == RETURN_NETTED;
        if (cleaner->outcome[i] == RETURN_UNMATCHED)
            TRY(reject(cleaner, TABLE_EVENTS, REJECT_BIT(REJECT_unmatched_return), row[i].place));
    }
    *count = kept;
done:
    return status;
}

static void report_returns(const struct comm *comm, struct returns_counts *counts)
{
    int64_t sum[5] = {counts->returns_netted, counts->returns_partly, counts->purchases_netted,
                      counts->purchases_reduced, counts->netted_paid_cents};
    comm_sum_int64(comm, sum, 5);
    if (sum[0] > 0)
        log_info(
            "  returns: %lld taken off purchases (%lld not wholly), of which %lld are gone and "
            "%lld are smaller; %.2f given back",
            (long long)sum[0], (long long)sum[1], (long long)sum[2], (long long)sum[3],
            0.01 * (double)sum[4]);
}

/* Prices and quantities that purchases tell; by category only once it is known who is in which. */
static enum status learn(struct cleaner *cleaner, const struct event_record *row, int32_t product)
{
    enum status status = OK;
    struct statistics *s = cleaner->statistics;
    if (row->kind != EVENT_PURCHASE) return OK;
    double units = 0.001 * row->quantity_milli, cents = row->paid_cents / units;
    bool priced = row->paid_cents >= 0, counted = row->quantity_milli > 0;
    if (priced && s->price.policy.group != IMPUTE_CATEGORY)
        TRY(filling_learn(&s->price, product, 0, counted ? cents : row->paid_cents));
    if (counted && s->quantity.policy.group != IMPUTE_CATEGORY)
        TRY(filling_learn(&s->quantity, product, 0, row->quantity_milli));
    if (s->outliers != NULL && priced && counted)
        TRY(outliers_add(s->outliers, product, cents, units));
done:
    return status;
}

static enum status pass_on(struct cleaner *cleaner, const struct event_record *row, int32_t product)
{
    enum status status = OK;
    const struct clean_event event = {
        .user = row->user,
        .time = row->time,
        .product_quantity = (uint64_t)product << 32 | (uint32_t)row->quantity_milli,
        .amounts = (uint64_t)(uint32_t)row->paid_cents << 32 | (uint32_t)row->list_cents,
        .kind_place =
            (uint64_t)(row->promotion << 7 | row->missing << 4 | row->kind) << 56 | row->place};
    product_told(cleaner->ingest, cleaner->facts, product, row->category);
    TRY(learn(cleaner, row, product));
    TRY(sorter_add(cleaner->clean, &event));
done:
    return status;
}

static enum status clean_event_group(struct cleaner *cleaner, struct event_record *row,
                                     int64_t count, struct user_answer answer)
{
    enum status status = OK;
    int32_t product = names_code(&cleaner->ingest->products, row->product);
    int64_t kept = 0;
    if (answer.refuses) {
        cleaner->account->left_out += count;
        return OK;
    }
    TRY(drop_rows(cleaner, row, count, unknown_faults(cleaner, answer, product), &kept));
    TRY(net_rows(cleaner, row, &kept));
    for (int64_t i = 0; i < kept; i++) TRY(pass_on(cleaner, &row[i], product));
done:
    return status;
}

static enum status clean_events(struct cleaner *cleaner, const struct sorter_batch *batch,
                                const struct sorter_batch *users)
{
    enum status status = OK;
    struct event_record *row = batch->records;
    struct user_walk walk = user_walk_begin(cleaner->ingest, users);
    for (int64_t first = 0, next = 0; first < batch->count; first = next) {
        while (next < batch->count && row[next].product == row[first].product &&
               user_key_compare(row[next].user, row[first].user) == 0)
            next++;
        TRY(clean_event_group(cleaner, row + first, next - first,
                              user_walk_to(&walk, row[first].user)));
    }
    cleaner->rows += batch->count;
done:
    return status;
}

/* ---- offers ---- */

/* Several rows of one offer: what came of it is joined in the first. */
static void join_outcome(struct offer_record *first, const struct offer_record *other)
{
    first->flags |= other->flags;
    if (other->revenue_cents > first->revenue_cents) first->revenue_cents = other->revenue_cents;
    if (isnan(first->propensity)) first->propensity = other->propensity;
}

static enum status pass_offer(struct cleaner *cleaner, const struct offer_record *row,
                              int32_t product)
{
    uint32_t propensity = 0;
    memcpy(&propensity, &row->propensity, sizeof propensity);
    const struct clean_offer offer = {.user = row->user,
                                      .time = row->time,
                                      .product_level = (uint64_t)product << 32 | row->level,
                                      .revenue_propensity =
                                          (uint64_t)(uint32_t)row->revenue_cents << 32 | propensity,
                                      .flags_place = (uint64_t)row->flags << 56 | row->place};
    cleaner->facts->used[product] = 1;
    return sorter_add(cleaner->clean, &offer);
}

static enum status clean_offer_group(struct cleaner *cleaner, struct offer_record *row,
                                     int64_t count, struct user_answer answer)
{
    enum status status = OK;
    int32_t product = names_code(&cleaner->ingest->products, row->product);
    uint64_t unknown = unknown_faults(cleaner, answer, product);
    for (int64_t first = 0, next = 0; first < count; first = next) {
        for (next = first + 1; next < count && row[next].time == row[first].time &&
                               row[next].level == row[first].level;
             next++)
            join_outcome(&row[first], &row[next]);
        for (int64_t i = first; i < next; i++) {
            uint64_t again = i > first ? REJECT_BIT(REJECT_repeated_feedback) : 0;
            if ((unknown | again) != 0)
                TRY(reject(cleaner, TABLE_OFFERS, unknown | again, row[i].place));
        }
        if (unknown == 0) TRY(pass_offer(cleaner, &row[first], product));
    }
done:
    return status;
}

static enum status clean_offers(struct cleaner *cleaner, const struct sorter_batch *batch,
                                const struct sorter_batch *users)
{
    enum status status = OK;
    struct offer_record *row = batch->records;
    struct user_walk walk = user_walk_begin(cleaner->ingest, users);
    for (int64_t first = 0, next = 0; first < batch->count; first = next) {
        while (next < batch->count && row[next].product == row[first].product &&
               user_key_compare(row[next].user, row[first].user) == 0)
            next++;
        struct user_answer answer = user_walk_to(&walk, row[first].user);
        if (answer.refuses)
            cleaner->account->left_out += next - first;
        else
            TRY(clean_offer_group(cleaner, row + first, next - first, answer));
    }
done:
    return status;
}

/* ---- the tables ---- */

static struct cleaner begin(struct ingest *ingest, struct product_facts *facts,
                            struct sorter *clean, enum table table)
{
    const struct config *config = ingest->config;
    return (struct cleaner){
        .ingest = ingest,
        .facts = facts,
        .clean = clean,
        .account = &ingest->rejects.account[table],
        .drop_repeats = config_is(config, "ingest.repeats", "drop"),
        .net_returns = config_is(config, "ingest.returns", "net"),
        .known_users = ingest->users != NULL && config_is(config, "ingest.unknown_users", "reject"),
        .known_products = config_table(config, "products") &&
                          config_is(config, "ingest.unknown_products", "reject")};
}

static enum status take_batches(const struct comm *comm, struct cleaner *cleaner,
                                struct sorter *sorter,
                                enum status (*take)(struct cleaner *, const struct sorter_batch *,
                                                    const struct sorter_batch *))
{
    enum status status = OK;
    struct sorter_batch batch = {.more = true}, users;
    TRY(sorter_open(comm, sorter));
    while (batch.more) {
        TRY(ingest_next(comm, cleaner->ingest, sorter, &batch, &users));
        TRY_ALL(comm, take(cleaner, &batch, &users));
    }
done:
    free(cleaner->outcome);
    return status;
}

enum status ingest_clean_events(const struct comm *comm, struct ingest *ingest,
                                struct product_facts *facts, struct statistics *statistics,
                                struct sorter *clean, int64_t *events_local)
{
    enum status status = OK;
    struct cleaner cleaner = begin(ingest, facts, clean, TABLE_EVENTS);
    cleaner.statistics = statistics;
    TRY(take_batches(comm, &cleaner, ingest->events, clean_events));
    sorter_free(&ingest->events);
    report_returns(comm, &cleaner.returns.counts);
    *events_local = cleaner.rows;
done:
    returns_clear(&cleaner.returns);
    return status;
}

enum status ingest_clean_offers(const struct comm *comm, struct ingest *ingest,
                                struct product_facts *facts, struct sorter *clean)
{
    enum status status = OK;
    struct cleaner cleaner = begin(ingest, facts, clean, TABLE_OFFERS);
    TRY(take_batches(comm, &cleaner, ingest->offers, clean_offers));
    sorter_free(&ingest->offers);
done:
    return status;
}
