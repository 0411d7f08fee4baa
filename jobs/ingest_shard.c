/* Sharding: find the users, cut them into blocks, bring every record home, sort. */
#include "jobs/ingest_shard.h"

#include "mpi/log.h"
#include "mpi/memory.h"
#include "partition/records.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t user_row_bytes(const struct ingest_records *records)
{
    return sizeof(struct user_key) + (size_t)records->attributes * sizeof(double);
}

void ingest_records_clear(struct ingest_records *records)
{
    text_set_free(&records->users.ids);
    free(records->users.key);
    refusals_clear(&records->refusals);
    for (int64_t a = 0; a < records->attributes; a++) {
        if (records->attribute_name != NULL) free(records->attribute_name[a]);
        if (records->attribute_levels != NULL) dictionary_clear(&records->attribute_levels[a]);
    }
    free(records->attribute_name);
    free(records->attribute_levels);
    free(records->user_row);
    free(records->event);
    free(records->offer);
    products_clear(&records->products);
    *records = (struct ingest_records){0};
}

/* ---- orders, total on what a record holds ---- */

static int compare_key(const void *a, const void *b)
{
    struct user_key left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return user_key_compare(left, right);
}

#define COMPARE_FIELD(a, b, field)                                             \
    do {                                                                       \
        if ((a)->field != (b)->field) return (a)->field < (b)->field ? -1 : 1; \
    } while (0)

static int compare_event(const void *a, const void *b)
{
    const struct event_record *left = a, *right = b;
    int order = user_key_compare(left->user, right->user);
    if (order != 0) return order;
    COMPARE_FIELD(left, right, time);
    COMPARE_FIELD(left, right, product);
    COMPARE_FIELD(left, right, kind);
    COMPARE_FIELD(left, right, quantity_milli);
    COMPARE_FIELD(left, right, paid_cents);
    COMPARE_FIELD(left, right, list_cents);
    return 0;
}

static int compare_offer(const void *a, const void *b)
{
    const struct offer_record *left = a, *right = b;
    int order = user_key_compare(left->user, right->user);
    if (order != 0) return order;
    COMPARE_FIELD(left, right, time);
    COMPARE_FIELD(left, right, product);
    COMPARE_FIELD(left, right, discount);
    COMPARE_FIELD(left, right, flags);
    COMPARE_FIELD(left, right, revenue_cents);
    return memcmp(&left->propensity, &right->propensity, sizeof left->propensity);
}

/* ---- how many users, and where their blocks go ---- */

/* An even cut of the key space, before anybody knows the users. */
static enum status even_cut(const struct comm *comm, struct user_cut *cut)
{
    enum status status = OK;
    int64_t *weight = NULL;
    TRY_ALL(comm, memory_new(&weight, 1 << 16, sizeof *weight));
    for (int64_t b = 0; b < 1 << 16; b++) weight[b] = 1;
    TRY(user_cut_make(comm, 16, weight, cut));
done:
    free(weight);
    return status;
}

static int64_t count_distinct(const struct user_key *key, int64_t count)
{
    int64_t distinct = 0;
    for (int64_t i = 0; i < count; i++)
        distinct += i == 0 || user_key_compare(key[i - 1], key[i]) != 0;
    return distinct;
}

/* total[0] users who stay, total[1] users who refuse */
static enum status count_users(const struct comm *comm, const struct ingest_records *records,
                               int64_t total[2])
{
    enum status status = OK;
    const struct user_set *users = &records->users;
    struct user_cut cut = {0};
    struct refusals refusals = {0};
    struct user_key *key = NULL;
    int64_t count = text_set_count(users->ids);
    TRY(even_cut(comm, &cut));
    TRY_ALL(comm, memory_new(&key, count, sizeof *key));
    memcpy(key, users->key, (size_t)count * sizeof *key);
    TRY(records_to_owners(comm, &cut, &key, &count, sizeof *key));
    TRY_ALL(comm, records_sort(key, count, sizeof *key, cut.bits, compare_key));
    TRY(refusals_to_owners(comm, &records->refusals, &cut, &refusals));
    total[0] = count_distinct(key, refusals_drop(&refusals, key, count, sizeof *key));
    total[1] = refusals.count;
    comm_sum_int64(comm, total, 2);
done:
    user_cut_clear(&cut);
    refusals_clear(&refusals);
    free(key);
    return status;
}

/* Blocks weigh their events and offers, and a little for each user so that silent ones spread
 * too. */
static enum status cut_users(const struct comm *comm, const struct ingest_records *records,
                             int bits, struct user_cut *cut)
{
    enum status status = OK;
    int64_t *weight = NULL;
    TRY_ALL(comm, memory_new(&weight, (int64_t)1 << bits, sizeof *weight));
    for (int64_t i = 0; i < text_set_count(records->users.ids); i++)
        weight[user_block(records->users.key[i], bits)]++;
    for (int64_t i = 0; i < records->events; i++)
        weight[user_block(records->event[i].user, bits)]++;
    for (int64_t i = 0; i < records->offers; i++)
        weight[user_block(records->offer[i].user, bits)]++;
    TRY(user_cut_make(comm, bits, weight, cut));
done:
    free(weight);
    return status;
}

/* ---- users ---- */

static enum status fill_blocks(const struct comm *comm, const struct user_cut *cut,
                               struct users *users, int64_t count)
{
    enum status status = OK;
    struct blocks *blocks = &users->blocks;
    int64_t total = count;
    blocks->block_first = cut->rank_first[comm->rank];
    blocks->blocks_local = cut->rank_first[comm->rank + 1] - blocks->block_first;
    blocks->blocks_total = (int64_t)1 << cut->bits;
    blocks->rows_local = count;
    blocks->row_first = comm_prefix_int64(comm, count);
    comm_sum_int64(comm, &total, 1);
    blocks->rows_total = total;
    TRY_ALL(comm, memory_new(&blocks->start, blocks->blocks_local + 1, sizeof *blocks->start));
    for (int64_t u = 0; u < count; u++)
        blocks->start[user_block(users->key[u], cut->bits) - blocks->block_first + 1]++;
    for (int64_t b = 0; b < blocks->blocks_local; b++) blocks->start[b + 1] += blocks->start[b];
done:
    return status;
}

static enum status shard_users(const struct comm *comm, struct user_set *set,
                               const struct user_cut *cut, const struct refusals *refusals,
                               struct users *users)
{
    enum status status = OK;
    int64_t count = text_set_count(set->ids), distinct = 0;
    text_set_free(&set->ids);
    users->key = set->key;
    set->key = NULL;
    set->capacity = 0;
    TRY(records_to_owners(comm, cut, &users->key, &count, sizeof *users->key));
    TRY_ALL(comm, records_sort(users->key, count, sizeof *users->key, cut->bits, compare_key));
    count = refusals_drop(refusals, users->key, count, sizeof *users->key);
    for (int64_t i = 0; i < count; i++)
        if (i == 0 || compare_key(&users->key[i - 1], &users->key[i]) != 0)
            users->key[distinct++] = users->key[i];
    TRY(fill_blocks(comm, cut, users, distinct));
done:
    return status;
}

/* ---- attributes ---- */

static enum status make_attributes(struct ingest_records *records, struct users *users)
{
    enum status status = OK;
    int64_t count = records->attributes, open = count - (records->grouped ? 1 : 0);
    TRY(memory_new(&users->attribute, open, sizeof *users->attribute));
    users->attributes = open;
    for (int64_t a = 0; a < count; a++) {
        struct attribute *to = a < open ? &users->attribute[a] : &users->group;
        to->name = records->attribute_name[a];
        records->attribute_name[a] = NULL;
        to->levels = records->attribute_levels[a];
        records->attribute_levels[a] = (struct dictionary){0};
        TRY(memory_new(&to->value, users->blocks.rows_local, sizeof *to->value));
        for (int64_t u = 0; u < users->blocks.rows_local; u++) to->value[u] = NAN;
    }
done:
    return status;
}

/* Rows of the users table are in the order of keys, and so are the users: one walk over both. Of
 * several rows of one user the one with the smallest bytes counts, wherever it was read; *repeated
 * counts the others. */
static void fill_attributes(const unsigned char *rows, int64_t count,
                            const struct ingest_records *records, struct users *users,
                            int64_t *repeated)
{
    size_t bytes = user_row_bytes(records);
    const unsigned char *best = NULL;
    for (int64_t i = 0, u = 0; i < count; i++) {
        const unsigned char *row = rows + (size_t)i * bytes;
        while (compare_key(&users->key[u], row) != 0) u++;
        bool again = best != NULL && compare_key(best, row) == 0;
        *repeated += again;
        if (again && memcmp(best, row, bytes) <= 0) continue;
        best = row;
        for (int64_t a = 0; a < records->attributes; a++) {
            struct attribute *to = a < users->attributes ? &users->attribute[a] : &users->group;
            double value = 0;
            memcpy(&value, row + sizeof(struct user_key) + (size_t)a * sizeof value, sizeof value);
            to->value[u] = (float)value;
        }
    }
}

static enum status shard_attributes(const struct comm *comm, struct ingest_records *records,
                                    const struct user_cut *cut, const struct refusals *refusals,
                                    struct users *users)
{
    enum status status = OK;
    size_t bytes = user_row_bytes(records);
    TRY(records_to_owners(comm, cut, &records->user_row, &records->user_rows, bytes));
    TRY_ALL(comm,
            records_sort(records->user_row, records->user_rows, bytes, cut->bits, compare_key));
    records->user_rows = refusals_drop(refusals, records->user_row, records->user_rows, bytes);
    TRY_ALL(comm, make_attributes(records, users));
    int64_t repeated = 0;
    fill_attributes(records->user_row, records->user_rows, records, users, &repeated);
    comm_sum_int64(comm, &repeated, 1);
    if (repeated > 0)
        log_warning("%lld users have several rows in the users table; one row of each counts",
                    (long long)repeated);
    free(records->user_row);
    records->user_row = NULL;
done:
    return status;
}

/* ---- events and offers ---- */

/* start[u] = first of the sorted records of user u */
static void find_starts(const struct users *users, const void *records, int64_t count, size_t bytes,
                        int64_t *start)
{
    const unsigned char *base = records;
    int64_t i = 0;
    for (int64_t u = 0; u < users->blocks.rows_local; u++) {
        start[u] = i;
        while (i < count && compare_key(base + (size_t)i * bytes, &users->key[u]) == 0) i++;
    }
    start[users->blocks.rows_local] = i;
}

static enum status unpack_events(const struct users *users, const struct event_record *record,
                                 int64_t count, struct events *e)
{
    enum status status = OK;
    TRY(memory_new(&e->start, users->blocks.rows_local + 1, sizeof *e->start));
    TRY(memory_new(&e->product, count, sizeof *e->product));
    TRY(memory_new(&e->time, count, sizeof *e->time));
    TRY(memory_new(&e->kind, count, sizeof *e->kind));
    TRY(memory_new(&e->quantity_milli, count, sizeof *e->quantity_milli));
    TRY(memory_new(&e->paid_cents, count, sizeof *e->paid_cents));
    TRY(memory_new(&e->list_cents, count, sizeof *e->list_cents));
    find_starts(users, record, count, sizeof *record, e->start);
    for (int64_t i = 0; i < count; i++) {
        e->product[i] = record[i].product;
        e->time[i] = record[i].time;
        e->kind[i] = record[i].kind;
        e->quantity_milli[i] = record[i].quantity_milli;
        e->paid_cents[i] = record[i].paid_cents;
        e->list_cents[i] = record[i].list_cents;
    }
done:
    return status;
}

static enum status unpack_offers(const struct users *users, const struct offer_record *record,
                                 int64_t count, struct offers *o)
{
    enum status status = OK;
    TRY(memory_new(&o->start, users->blocks.rows_local + 1, sizeof *o->start));
    TRY(memory_new(&o->product, count, sizeof *o->product));
    TRY(memory_new(&o->time, count, sizeof *o->time));
    TRY(memory_new(&o->discount, count, sizeof *o->discount));
    TRY(memory_new(&o->propensity, count, sizeof *o->propensity));
    TRY(memory_new(&o->flags, count, sizeof *o->flags));
    TRY(memory_new(&o->revenue_cents, count, sizeof *o->revenue_cents));
    find_starts(users, record, count, sizeof *record, o->start);
    for (int64_t i = 0; i < count; i++) {
        o->product[i] = record[i].product;
        o->time[i] = record[i].time;
        o->discount[i] = record[i].discount;
        o->propensity[i] = record[i].propensity;
        o->flags[i] = record[i].flags;
        o->revenue_cents[i] = record[i].revenue_cents;
    }
done:
    return status;
}

static enum status shard_events(const struct comm *comm, struct ingest_records *records,
                                const struct user_cut *cut, const struct refusals *refusals,
                                struct dataset *dataset)
{
    enum status status = OK;
    int64_t *count = &records->events;
    TRY(records_to_owners(comm, cut, &records->event, count, sizeof *records->event));
    TRY_ALL(comm,
            records_sort(records->event, *count, sizeof *records->event, cut->bits, compare_event));
    *count = refusals_drop(refusals, records->event, *count, sizeof *records->event);
    TRY_ALL(comm, unpack_events(&dataset->users, records->event, *count, &dataset->events));
    int64_t span[2] = {INT64_MAX, INT64_MAX};
    for (int64_t i = 0; i < *count; i++) {
        int64_t time = records->event[i].time;
        span[0] = time < span[0] ? time : span[0];
        span[1] = -time < span[1] ? -time : span[1];
    }
    comm_min_int64(comm, span, 2);
    dataset->time_first = span[0];
    dataset->time_last = -span[1];
    dataset->events_total = *count;
    comm_sum_int64(comm, &dataset->events_total, 1);
    if (dataset->events_total == 0)
        TRY(FAIL(ERR_DATA, "no event is left: all are of users who refuse by "
                           "users.columns.consent"));
    free(records->event);
    records->event = NULL;
done:
    return status;
}

static enum status shard_offers(const struct comm *comm, struct ingest_records *records,
                                const struct user_cut *cut, const struct refusals *refusals,
                                struct dataset *dataset)
{
    enum status status = OK;
    int64_t *count = &records->offers;
    TRY(records_to_owners(comm, cut, &records->offer, count, sizeof *records->offer));
    TRY_ALL(comm,
            records_sort(records->offer, *count, sizeof *records->offer, cut->bits, compare_offer));
    *count = refusals_drop(refusals, records->offer, *count, sizeof *records->offer);
    TRY_ALL(comm, unpack_offers(&dataset->users, records->offer, *count, &dataset->offers));
    dataset->offers_total = *count;
    comm_sum_int64(comm, &dataset->offers_total, 1);
    free(records->offer);
    records->offer = NULL;
done:
    return status;
}

static enum status check_users(const int64_t users[2])
{
    if (users[0] > 0) return OK;
    if (users[1] > 0)
        return FAIL(ERR_DATA, "all %lld users refuse by users.columns.consent: nobody is left",
                    (long long)users[1]);
    return FAIL(ERR_DATA, "no usable row has a user; see rejects.csv for the reasons");
}

enum status ingest_shard(const struct comm *comm, struct ingest_records *records,
                         struct dataset **out)
{
    enum status status = OK;
    struct dataset *dataset = NULL;
    struct user_cut cut = {0};
    struct refusals refusals = {0};
    int64_t users[2] = {0, 0}, rows = records->events + records->offers;
    *out = NULL;
    TRY_ALL(comm, memory_new(&dataset, 1, sizeof *dataset));
    TRY(count_users(comm, records, users));
    TRY(check_users(users));
    TRY(cut_users(comm, records, user_block_bits(users[0]), &cut));
    TRY(refusals_to_owners(comm, &records->refusals, &cut, &refusals));
    TRY(shard_users(comm, &records->users, &cut, &refusals, &dataset->users));
    TRY(shard_attributes(comm, records, &cut, &refusals, &dataset->users));
    TRY(shard_events(comm, records, &cut, &refusals, dataset));
    TRY(shard_offers(comm, records, &cut, &refusals, dataset));
    comm_sum_int64(comm, &rows, 1);
    dataset->products = records->products;
    records->products = (struct products){0};
    if (users[1] > 0)
        log_info("  %lld users refuse and are left out, with %lld events and offers",
                 (long long)users[1],
                 (long long)(rows - dataset->events_total - dataset->offers_total));
    log_info("  %lld users in %lld blocks, %lld events, %lld offers, %lld products",
             (long long)users[0], (long long)dataset->users.blocks.blocks_total,
             (long long)dataset->events_total, (long long)dataset->offers_total,
             (long long)dataset->products.count);
    *out = dataset;
    dataset = NULL;
done:
    dataset_free(&dataset);
    user_cut_clear(&cut);
    refusals_clear(&refusals);
    return status;
}

/* ---- the file ---- */

static enum status give_events(void *context, int64_t first, int64_t count, struct event_row *rows)
{
    const struct dataset *dataset = context;
    const struct events *e = &dataset->events;
    for (int64_t i = 0; i < count; i++)
        rows[i] = (struct event_row){.time = e->time[first + i],
                                     .product = e->product[first + i],
                                     .quantity_milli = e->quantity_milli[first + i],
                                     .paid_cents = e->paid_cents[first + i],
                                     .list_cents = e->list_cents[first + i],
                                     .kind = e->kind[first + i]};
    return OK;
}

static enum status give_offers(void *context, int64_t first, int64_t count, struct offer_row *rows)
{
    const struct dataset *dataset = context;
    const struct offers *o = &dataset->offers;
    for (int64_t i = 0; i < count; i++)
        rows[i] = (struct offer_row){.time = o->time[first + i],
                                     .product = o->product[first + i],
                                     .discount = o->discount[first + i],
                                     .propensity = o->propensity[first + i],
                                     .revenue_cents = o->revenue_cents[first + i],
                                     .flags = o->flags[first + i]};
    return OK;
}

enum status dataset_write(const struct comm *comm, const char *path, struct dataset *dataset)
{
    enum status status = OK;
    int64_t rows = dataset->users.blocks.rows_local, *counts = NULL;
    TRY_ALL(comm, memory_new(&counts, 2 * rows, sizeof *counts));
    for (int64_t u = 0; u < rows; u++) {
        counts[u] = dataset->events.start[u + 1] - dataset->events.start[u];
        counts[rows + u] = dataset->offers.start[u + 1] - dataset->offers.start[u];
    }
    struct dataset_parts parts = {.products = &dataset->products,
                                  .users = &dataset->users,
                                  .user_events = counts,
                                  .user_offers = counts + rows,
                                  .events_local = dataset->events.start[rows],
                                  .offers_local = dataset->offers.start[rows],
                                  .events = give_events,
                                  .offers = give_offers,
                                  .context = dataset,
                                  .time_first = dataset->time_first,
                                  .time_last = dataset->time_last,
                                  .assumed_cost = dataset->assumed_cost};
    TRY(dataset_write_parts(comm, path, &parts));
done:
    free(counts);
    return status;
}
