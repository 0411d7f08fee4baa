/* Memory of ingest: what is held in each of its steps, by the rules of what holds it. */
#include "jobs/forecast.h"

#include "io/dataset.h"
#include "jobs/ingest_clean.h"

#include <math.h>

#define MIB 1048576.0

/* Of jobs/pseudonyms.c; io/csv_window.c; io/dataset_write.c; io/store_write.c. */
enum { REMEMBERED_BYTES = 64, WINDOW_BYTES = 1 << 20 };
enum { PIECE_ROWS = 1 << 18, CHECK_BYTES = 1 << 24 };

/* Of sorters without a batch size; of jobs/rejects.c: a record, and a line without the file's name.
 */
enum { BATCH_BYTES = 16 << 20, REJECT_BYTES = 56, LINE_BYTES = 180 };

/* Records of one kind that a sorter holds, on each rank. */
struct heap {
    double bytes;  /* of a record */
    double memory; /* the sorter's limit */
    double batch;  /* bytes of one */
    double records;
};

/* The shop as it lies on one rank; the sorters by what they hold. */
struct shop {
    double memory; /* ingest.memory */
    double ranks;
    double constant; /* held from the first row to the last */
    double products, attributes, product_attributes;
    double users;                         /* on this rank */
    struct heap event, offer, user;       /* as read */
    struct heap listed, count;            /* users who have something: of the users table, in all */
    struct heap faulty, reject;           /* rows that cannot be used, before and after judgement */
    struct heap clean_event, clean_offer; /* in their final order */
    struct heap week;                     /* of the products' series */
    struct heap price;                    /* of products without a list price, and weeks */
    double week_rows;
    double columns[TABLES]; /* of column_facts */
    double names, settled;  /* of products before and after they are settled */
    double reject_line;     /* bytes of text */
};

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

/* Arrays that double from `first` on until they hold x. */
static double doubled(double x, double first)
{
    return x <= first ? first : first * exp2(ceil(log2(x / first)));
}

/* ---- partition/spool.c: chunks of a MiB, the first grows; one more on its way to a file ---- */

enum { FIRST_BYTES = 1 << 12 };

static double spool_bytes(double bytes, double limit)
{
    double held = least(bytes, limit), waiting = bytes > limit ? MIB : 0.0;
    if (held <= MIB) return least(doubled(held, FIRST_BYTES), limit) + waiting;
    return least(ceil(held / MIB) * MIB, limit) + waiting;
}

/* ---- partition/sorter_runs.c: a buffer, its records sorted by way of 32 bytes each, and a spool
 * of three quarters of the memory ---- */

enum {

    RUN_BYTES = 32 << 20,
    ENTRY_BYTES = 32,
    FIRST_RECORDS = 256,
    RUN_LEAST = 16
};

static double run_records(const struct heap *heap)
{
    double fit = floor(heap->memory / 4.0 / (2.0 * heap->bytes + ENTRY_BYTES));
    return most(least(fit, floor(RUN_BYTES / heap->bytes)), RUN_LEAST);
}

static double buffer_records(const struct heap *heap)
{
    if (heap->records <= 0.0) return 0.0;
    return least(doubled(heap->records, FIRST_RECORDS), run_records(heap));
}

static double spooled(const struct heap *heap, double records)
{
    double index = 24.0 * records * heap->bytes / 16384.0;
    if (records <= 0.0) return 0.0;
    return index + spool_bytes(records * heap->bytes, 0.75 * heap->memory);
}

/* When all records have been added; `growth`: while the buffer is copied to a larger one. */
static double filling(const struct heap *heap)
{
    double run = run_records(heap), buffer = buffer_records(heap) * heap->bytes;
    if (heap->records <= run) return buffer;
    double runs = ceil(heap->records / run) - 1.0;
    return buffer + run * (heap->bytes + ENTRY_BYTES) + spooled(heap, runs * run);
}

static double growing(const struct heap *heap)
{
    double buffer = buffer_records(heap) * heap->bytes;
    return heap->records <= run_records(heap) ? most(1.5 * buffer, buffer) : filling(heap);
}

/* While the last run is sorted, and when nothing but the spool is left. */
static double ending(const struct heap *heap)
{
    double run = run_records(heap), last = least(heap->records, run);
    return buffer_records(heap) * heap->bytes + last * (heap->bytes + ENTRY_BYTES) +
           spooled(heap, heap->records);
}

static double ended(const struct heap *heap)
{
    return spooled(heap, heap->records);
}

/* ---- partition/sorter.c: a batch as it is sent, on several ranks as it is received, and in order
 * ---- */

static double rounds(const struct heap *heap)
{
    return most(ceil(heap->records * heap->bytes / heap->batch), 1.0);
}

/* Cuts miss their places a little. */
static double batch_records(const struct shop *shop, const struct heap *heap, double in_rounds)
{
    return (shop->ranks > 1.0 ? 1.03 : 1.0) * heap->records / in_rounds;
}

/* Once a batch is there, and while it comes. */
static double batch_held(const struct shop *shop, const struct heap *heap, double in_rounds)
{
    return batch_records(shop, heap, in_rounds) * (2.0 * heap->bytes + ENTRY_BYTES);
}

static double batch_coming(const struct shop *shop, const struct heap *heap, double in_rounds)
{
    double received = shop->ranks > 1.0 ? heap->bytes : 0.0;
    return batch_held(shop, heap, in_rounds) + batch_records(shop, heap, in_rounds) * received;
}

/* Beside the spool of `from`: its batches, and what becomes of them. */
static double passing(const struct shop *shop, const struct heap *from, const struct heap *to)
{
    double all = rounds(from);
    struct heap before = *to;
    before.records *= (all - 1.0) / all; /* when the last batch comes */
    return most(batch_coming(shop, from, all) + filling(&before),
                batch_held(shop, from, all) + growing(to));
}

/* ---- the steps of ingest, in their order ---- */

static void step(struct forecast_memory *forecast, const struct shop *shop, double bytes,
                 const char *at)
{
    if (shop->constant + bytes <= forecast->bytes) return;
    forecast->bytes = shop->constant + bytes;
    forecast->at = at;
}

static void read_tables(const struct shop *shop, struct forecast_memory *forecast)
{
    double held = shop->names + WINDOW_BYTES + filling(&shop->faulty), columns[TABLES];
    for (enum table t = 0; t < TABLES; t++) columns[t] = shop->columns[t];
    step(forecast, shop,
         held + columns[TABLE_USERS] + growing(&shop->user) + growing(&shop->listed),
         "reading the users");
    held += filling(&shop->user) + filling(&shop->listed);
    step(forecast, shop, held + columns[TABLE_EVENTS] + growing(&shop->event),
         "reading the events");
    held += filling(&shop->event);
    step(forecast, shop, held + columns[TABLE_OFFERS] + growing(&shop->offer),
         "reading the offers");
}

/* The larger table leads while faulty rows wait for their users' answers. */
static double judging_rounds(const struct shop *shop)
{
    return most(rounds(&shop->faulty), rounds(&shop->user));
}

/* The rows of the users table, and the room of the largest batch of them so far. */
static double users_held(const struct shop *shop, double in_rounds)
{
    double fewest = least(in_rounds, judging_rounds(shop));
    return ended(&shop->user) + batch_held(shop, &shop->user, fewest);
}

static double events_done(const struct shop *shop)
{
    return spool_bytes(shop->clean_event.records * sizeof(struct event_row), shop->memory / 4.0);
}

static double weeks_done(const struct shop *shop)
{
    return spool_bytes(shop->week_rows * sizeof(struct series_row), shop->memory / 32.0);
}

static double offers_done(const struct shop *shop)
{
    return spool_bytes(shop->clean_offer.records * sizeof(struct offer_row), shop->memory / 8.0);
}

static void clean_events(const struct shop *shop, struct forecast_memory *forecast)
{
    double held = shop->settled + filling(&shop->listed) + filling(&shop->offer);
    step(forecast, shop,
         held + filling(&shop->event) + ended(&shop->faulty) +
             batch_held(shop, &shop->faulty, judging_rounds(shop)) + growing(&shop->reject) +
             ended(&shop->user) + batch_coming(shop, &shop->user, judging_rounds(shop)),
         "rejecting rows");
    held += filling(&shop->reject) + users_held(shop, rounds(&shop->event));
    step(forecast, shop, held + ending(&shop->event), "ordering the events");
    step(forecast, shop,
         held + ended(&shop->event) + passing(shop, &shop->event, &shop->clean_event),
         "cleaning the events");
    step(forecast, shop, held + ending(&shop->clean_event), "ordering the events");
    step(forecast, shop,
         held + ended(&shop->clean_event) + passing(shop, &shop->clean_event, &shop->week) +
             filling(&shop->price) + events_done(shop),
         "ordering the events");
    held += events_done(shop) + filling(&shop->count) - filling(&shop->listed);
    step(forecast, shop,
         held + filling(&shop->week) + ended(&shop->price) +
             batch_coming(shop, &shop->price, rounds(&shop->price)),
         "finding usual prices");
    step(forecast, shop,
         held + ended(&shop->week) + batch_coming(shop, &shop->week, rounds(&shop->week)) +
             weeks_done(shop),
         "adding up the products' weeks");
}

static void clean_offers(const struct shop *shop, struct forecast_memory *forecast)
{
    double held = shop->settled + filling(&shop->count) + filling(&shop->reject) +
                  users_held(shop, rounds(&shop->event)) + events_done(shop) + weeks_done(shop);
    step(forecast, shop, held + ending(&shop->offer), "ordering the offers");
    step(forecast, shop,
         held + ended(&shop->offer) + passing(shop, &shop->offer, &shop->clean_offer),
         "cleaning the offers");
    step(forecast, shop, held + ending(&shop->clean_offer), "ordering the offers");
    step(forecast, shop,
         held + ended(&shop->clean_offer) +
             batch_coming(shop, &shop->clean_offer, rounds(&shop->clean_offer)) + offers_done(shop),
         "ordering the offers");
}

/* jobs/ingest_people.c: arrays that grow by half, the values last. */
static double gather_users(const struct shop *shop, struct forecast_memory *forecast)
{
    double values = 16.0 * shop->attributes, room = 1024.0, before = 0.0;
    while (room <= shop->users) before = room, room = floor(1.5 * room) + 1.0;
    double held = shop->settled + filling(&shop->reject) + events_done(shop) + weeks_done(shop) +
                  offers_done(shop);
    step(forecast, shop,
         held + ended(&shop->count) + batch_held(shop, &shop->count, rounds(&shop->count)) +
             users_held(shop, rounds(&shop->count)) + before * values + room * (32.0 + values),
         "gathering the users");
    return room * 32.0 + 4.0 * shop->attributes * shop->users;
}

static void write_files(const struct shop *shop, double users, struct forecast_memory *forecast)
{
    double held = shop->settled + events_done(shop) + weeks_done(shop) + offers_done(shop) + users;
    double lines = batch_records(shop, &shop->reject, rounds(&shop->reject)) * shop->reject_line;
    double rows = most(shop->clean_event.records, shop->clean_offer.records);
    double piece = least(rows, PIECE_ROWS) * (sizeof(struct event_row) + 8.0 + 8.0);
    double keys = least(16.0 * shop->users, CHECK_BYTES);
    step(forecast, shop,
         held + ended(&shop->reject) + batch_held(shop, &shop->reject, rounds(&shop->reject)) +
             lines,
         "writing rejects.csv");
    step(forecast, shop, held + 24.0 * shop->products + most(piece, keys), "writing dataset.h5");
}

/* ---- the shop on one rank ---- */

static struct heap make_heap(const struct shop *shop, double records, double bytes, double share)
{
    struct heap heap = {.bytes = bytes,
                        .memory = floor(shop->memory / share),
                        .batch = least(shop->memory / 16.0, BATCH_BYTES),
                        .records = records / shop->ranks};
    return heap;
}

/* jobs/tally.c: a table of a quarter of the memory is emptied into a sorter whenever it is three
 * quarters full; keys come at random. */
static struct heap make_tally(struct shop *shop, double rows_all, double keys, double bytes)
{
    double memory = shop->memory / 32.0, slots = 1024.0, rows = rows_all / shop->ranks;
    while (slots < 1048576.0 && 2.0 * slots * bytes < memory / 4.0) slots *= 2.0;
    double met = keys * -expm1(-rows / most(keys, 1.0)), fits = 0.75 * slots, records = met;
    if (met > fits) records = rows * fits / (-keys * log1p(-fits / keys));
    struct heap heap = make_heap(shop, least(records, rows) * shop->ranks, bytes, 1.0);
    heap.memory = 0.75 * memory;
    heap.batch = BATCH_BYTES;
    shop->constant += least(slots, doubled(2.0 * met, 1024.0)) * (bytes + 1.0);
    return heap;
}

/* A product has about one price in a week. */
static void set_weeks(const struct config *config, const struct shop_sample *sample,
                      struct shop *shop)
{
    double rows = sample->purchases, keys = sample->products * most(sample->weeks, 1.0);
    bool told = config_column(config, "products", "list_price") != NULL;
    shop->week = make_tally(shop, rows, keys, 40.0);
    shop->week_rows = keys * -expm1(-rows / most(keys, 1.0)) / shop->ranks;
    shop->price = make_tally(shop, told ? 0.0 : rows, keys, 24.0);
}

static void set_heaps(const struct shop_sample *sample, struct shop *shop)
{
    const double *usable = sample->usable, *rows = sample->rows;
    double faulty = 0.0;
    for (enum table t = 0; t < TABLES; t++) faulty += most(rows[t] - usable[t], 0.0);
    shop->event = make_heap(shop, usable[TABLE_EVENTS], sizeof(struct event_record), 4);
    shop->offer = make_heap(shop, usable[TABLE_OFFERS], sizeof(struct offer_record), 4);
    shop->clean_event = make_heap(shop, usable[TABLE_EVENTS], sizeof(struct clean_event), 4);
    shop->clean_offer = make_heap(shop, usable[TABLE_OFFERS], sizeof(struct clean_offer), 4);
    shop->user = make_heap(shop, usable[TABLE_USERS], (double)sample->user_record_bytes, 8);
    double counted = least(sample->users, usable[TABLE_EVENTS]) +
                     least(sample->users, usable[TABLE_OFFERS]) + usable[TABLE_LABELS];
    shop->listed = make_heap(shop, usable[TABLE_USERS], sizeof(struct user_count), 8);
    shop->count = make_heap(shop, usable[TABLE_USERS] + counted, sizeof(struct user_count), 8);
    shop->faulty = make_heap(shop, faulty, sizeof(struct faulty_record), 16);
    shop->reject = make_heap(shop, faulty, REJECT_BYTES, 16);
    shop->reject.batch = BATCH_BYTES;
    shop->reject_line = LINE_BYTES + 2.0 * (double)sample->path_bytes;
}

/* Values of the rows, and texts of which each product has one of its own. */
enum { PRODUCT_VALUE_BYTES = 16, PRODUCT_TEXT_ROOM = 160 };

/* Texts in a set: 32 bytes in each of its slots, 24 in arrays that double, and the texts. After
 * they are settled: 12 bytes in each slot, 8 and the text, and 42 of facts. */
static void set_names(const struct shop_sample *sample, struct shop *shop)
{
    double products = sample->products;
    double met = least(products, sample->usable[TABLE_PRODUCTS] / shop->ranks +
                                     least(products, sample->usable[TABLE_EVENTS] / shop->ranks));
    double slots = doubled(met / 0.75, 64.0), room = doubled(met, 1024.0);
    double texts = 1.5 * met * sample->name_bytes;
    double rows = sample->usable[TABLE_PRODUCTS] / shop->ranks;
    double listed = rows > 0.0 ? doubled(rows, 1024.0) * sizeof(struct product_row) : 0.0;
    if (rows > 0.0)
        listed += shop->product_attributes * (doubled(rows, 1024.0) * PRODUCT_VALUE_BYTES +
                                              least(products, rows) * PRODUCT_TEXT_ROOM);
    shop->names = 32.0 * slots + 24.0 * room + texts + listed;
    shop->settled = 12.0 * doubled(2.0 * products, 16.0) + products * (8.0 + sample->name_bytes) +
                    42.0 * products + listed;
}

/* jobs/column_facts.c: 8 bytes in each slot, at most half of them used, until there are too many.
 */
static void set_columns(const struct shop_sample *sample, struct shop *shop)
{
    for (enum table t = 0; t < TABLES; t++) {
        const struct table_sample *table = &sample->table[t];
        double values = least(sample->rows[t] / shop->ranks, COLUMN_DISTINCT_MAX + 1.0);
        shop->columns[t] = (double)table->columns_few_bytes +
                           8.0 * (double)table->columns_many * doubled(2.0 * values, 64.0);
    }
}

static double cache_bytes(double memory)
{
    double bytes = 64.0 * REMEMBERED_BYTES;
    while (2.0 * bytes <= memory) bytes *= 2.0;
    return bytes;
}

struct forecast_memory forecast_memory(const struct config *config,
                                       const struct shop_sample *sample, int64_t ranks,
                                       double process_bytes)
{
    struct forecast_memory forecast = {0};
    const char *const *names = NULL;
    int64_t named = config_texts(config, "products.attributes", &names);
    struct shop shop = {.memory = (double)config_integer(config, "ingest.memory") * MIB,
                        .ranks = (double)ranks,
                        .products = sample->products,
                        .users = sample->users / (double)ranks,
                        .attributes = (double)sample->attributes,
                        .product_attributes = (double)named};
    shop.constant = process_bytes + cache_bytes(shop.memory / 16.0);
    set_heaps(sample, &shop);
    set_weeks(config, sample, &shop);
    set_names(sample, &shop);
    set_columns(sample, &shop);
    read_tables(&shop, &forecast);
    clean_events(&shop, &forecast);
    clean_offers(&shop, &forecast);
    write_files(&shop, gather_users(&shop, &forecast), &forecast);
    return forecast;
}
