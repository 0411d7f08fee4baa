/* Some rows of each table through the readers of ingest, and what they tell. */
#include "jobs/shop_sample.h"

#include "io/dataset.h"
#include "io/file_list.h"
#include "jobs/ingest_settle.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Memory for the rows taken, by the bytes of their text: they fit unless they are very short, and
 * buffers are filled several times, as those of large tables are. */
enum { MEMORY_TIMES = 6, CACHE_BYTES = 1 << 22, LEAST_BYTES = 1 << 19 };

/* A value that is counted, and the place of the sample where it was met. */
struct met {
    uint64_t what;
    uint64_t where;
};

struct counts {
    struct met *user, *product; /* [rows] of one table */
    int64_t rows, purchases;
    int64_t first, last; /* times, INT64_MAX and INT64_MIN if there are no rows */
    double seconds;      /* to bring the rows into order */
};

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- how many different ones there are ---- */

static int by_what(const void *a, const void *b)
{
    const struct met *x = a, *y = b;
    if (x->what != y->what) return x->what < y->what ? -1 : 1;
    return (x->where > y->where) - (x->where < y->where);
}

/* From how many values stand in one place of the sample only, and how many in two (Chao's
 * estimator for incidences); never more than if each row stood for all rows that were not taken.
 * So it holds for values that come in runs, as in a table ordered by user, and for those that come
 * all over it. */
static double estimate_distinct(struct met *met, int64_t rows, double share)
{
    double distinct = 0, once = 0, twice = 0;
    qsort(met, (size_t)rows, sizeof *met, by_what);
    for (int64_t i = 0, end; i < rows; i = end) {
        int64_t places = 1;
        for (end = i + 1; end < rows && met[end].what == met[i].what; end++)
            places += met[end].where != met[end - 1].where;
        distinct += 1;
        once += places == 1;
        twice += places == 2;
    }
    if (share >= 1.0) return distinct;
    return fmin(distinct + once * (once - 1.0) / (2.0 * (twice + 1.0)), distinct / share);
}

static struct met met_at(uint64_t what, uint64_t place)
{
    return (struct met){what, place >> CSV_PLACE_BITS};
}

static void count_event(const void *record, struct counts *counted)
{
    const struct event_record *event = record;
    int64_t time = INGEST_SECONDS(event->time);
    counted->user[counted->rows] = met_at(event->user.high, event->place);
    counted->product[counted->rows++] = met_at(event->product, event->place);
    counted->purchases += event->kind == EVENT_PURCHASE;
    if (time < counted->first) counted->first = time;
    if (time > counted->last) counted->last = time;
}

static void count_offer(const void *record, struct counts *counted)
{
    const struct offer_record *offer = record;
    counted->user[counted->rows] = met_at(offer->user.high, offer->place);
    counted->product[counted->rows++] = met_at(offer->product, offer->place);
}

static enum status count_records(struct sorter *sorter, size_t record_bytes,
                                 void (*count)(const void *, struct counts *),
                                 struct counts *counted)
{
    enum status status = OK;
    const struct comm alone = comm_alone();
    struct sorter_batch batch = {.more = true};
    TRY(memory_new(&counted->user, sorter_count(sorter), sizeof *counted->user));
    TRY(memory_new(&counted->product, sorter_count(sorter), sizeof *counted->product));
    counted->first = INT64_MAX, counted->last = INT64_MIN;
    double begin = processor_seconds();
    TRY(sorter_open(&alone, sorter)); /* sorts what settling need not sort again */
    counted->seconds = processor_seconds() - begin;
    while (batch.more) {
        TRY(sorter_next(&alone, sorter, &batch));
        const char *at = batch.records;
        for (int64_t i = 0; i < batch.count; i++, at += record_bytes) count(at, counted);
    }
done:
    return status;
}

static void counts_clear(struct counts *counted)
{
    free(counted->user);
    free(counted->product);
}

static void raise_to(double *held, double value)
{
    if (value > *held) *held = value;
}

static enum status count_table(const struct ingest *ingest, enum table table,
                               struct shop_sample *sample)
{
    enum status status = OK;
    struct counts counted = {0};
    double share = sample->table[table].taken.share;
    if (table == TABLE_EVENTS)
        TRY(count_records(ingest->events, sizeof(struct event_record), count_event, &counted));
    else
        TRY(count_records(ingest->offers, sizeof(struct offer_record), count_offer, &counted));
    raise_to(&sample->users, estimate_distinct(counted.user, counted.rows, share));
    raise_to(&sample->products, estimate_distinct(counted.product, counted.rows, share));
    sample->usable[table] = (double)counted.rows / share;
    sample->settle_seconds += counted.seconds;
    if (table == TABLE_EVENTS) sample->purchases = (double)counted.purchases / share;
    if (table == TABLE_EVENTS && counted.rows > 0)
        sample->weeks = 1.0 + (double)(counted.last - counted.first) / (7.0 * 86400.0);
done:
    counts_clear(&counted);
    return status;
}

/* ---- what the sample tells ---- */

static enum status count_all(const struct ingest *ingest, struct shop_sample *sample)
{
    enum status status = OK;
    const struct table_sample *products = &sample->table[TABLE_PRODUCTS],
                              *users = &sample->table[TABLE_USERS];
    TRY(count_table(ingest, TABLE_EVENTS, sample));
    TRY(count_table(ingest, TABLE_OFFERS, sample));
    sample->usable[TABLE_PRODUCTS] = (double)ingest->product_rows / products->taken.share;
    if (ingest->users != NULL)
        sample->usable[TABLE_USERS] = (double)sorter_count(ingest->users) / users->taken.share;
    sample->usable[TABLE_LABELS] = sample->rows[TABLE_LABELS];
    sample->usable[TABLE_PROMOTIONS] =
        (double)ingest->promotion_rows / sample->table[TABLE_PROMOTIONS].taken.share;
    raise_to(&sample->products, sample->usable[TABLE_PRODUCTS]);
    raise_to(&sample->users, sample->usable[TABLE_USERS]);
    sample->attributes = ingest->attributes;
    sample->user_record_bytes = (int64_t)sizeof(struct user_record) +
                                ingest->attributes * (int64_t)sizeof(struct user_value);
done:
    return status;
}

static void count_names(const struct text_set *names, struct shop_sample *sample)
{
    int64_t count = text_set_count(names), bytes = 0;
    for (int64_t c = 0; c < count; c++) bytes += (int64_t)strlen(text_set_text(names, c)) + 1;
    sample->name_bytes = count > 0 ? (double)bytes / (double)count : 1.0;
}

/* ---- taking it ---- */

static double stored_bytes(const struct config *config, enum table table)
{
    char key[32];
    double bytes = 0.0;
    struct stat facts;
    struct file_list list = {0};
    snprintf(key, sizeof key, "%s.file", table_name(table));
    if (!config_table(config, table_name(table))) return 0.0;
    if (file_list_make(config_path(config, key), &list) != OK) return 0.0;
    for (int64_t f = 0; f < list.count; f++)
        if (stat(list.path[f], &facts) == 0) bytes += (double)facts.st_size;
    file_list_clear(&list);
    return bytes;
}

static void read_table(struct ingest *ingest, enum table table, struct shop_sample *sample)
{
    static enum status (*const read[TABLES])(const struct comm *, struct ingest *) = {
        ingest_read_products, ingest_read_users,  ingest_read_events,
        ingest_read_offers,   ingest_read_labels, ingest_read_promotions};
    const struct comm alone = comm_alone();
    struct table_sample *taken = &sample->table[table];
    sample->given[table] = config_table(ingest->config, table_name(table));
    taken->taken.share = 1.0;
    sample->found[table] = read[table](&alone, ingest);
    if (sample->found[table] != OK)
        snprintf(sample->problem[table], SHOP_SAMPLE_PROBLEM, "%s", status_message());
    if (!(taken->taken.share > 0.0)) taken->taken.share = 1.0;
    const struct csv *csv = ingest->csv[table];
    for (int64_t f = 0; csv != NULL && f < csv->files; f++)
        if (sample->path_bytes < (int64_t)strlen(csv->file_name[f]))
            sample->path_bytes = (int64_t)strlen(csv->file_name[f]);
    sample->rows[table] = (double)(taken->taken.rows + taken->taken.bad) / taken->taken.share;
}

static enum status settle_sample(struct ingest *ingest, struct shop_sample *sample)
{
    enum status status = OK;
    const struct comm alone = comm_alone();
    struct product_facts facts = {0};
    struct final_rows final = {0};
    struct people people = {0};
    double begin = processor_seconds();
    TRY(final_rows_new(ingest, &final));
    TRY(ingest_settle(&alone, ingest, &facts, &final, &people));
    sample->settle_seconds += processor_seconds() - begin;
done:
    people_clear(&people);
    final_rows_clear(&final);
    product_facts_clear(&facts);
    return status;
}

static enum status begin(struct ingest *ingest)
{
    enum status status = OK;
    const struct comm alone = comm_alone();
    TRY(ingest_open(ingest));
    TRY(pseudonyms_new(ingest->secret, CACHE_BYTES, &ingest->pseudonyms));
    TRY(rates_read(&alone, ingest->config, &ingest->rates));
done:
    return status;
}

/* The same share of every table, so that what they cost together can be told; more of small ones.
 */
static void divide(const struct config *config, int64_t bytes, struct shop_sample *sample)
{
    double stored[TABLES], total = 1.0;
    for (enum table t = 0; t < TABLES; t++) total += stored[t] = stored_bytes(config, t);
    for (enum table t = 0; t < TABLES; t++) {
        double share = (double)bytes * stored[t] / total;
        sample->table[t].bytes = share > LEAST_BYTES ? (int64_t)share : LEAST_BYTES;
    }
}

static const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder != NULL && folder[0] != 0 ? folder : "/tmp";
}

enum status shop_sample_take(const struct config *config, int64_t bytes, bool settle,
                             struct shop_sample *sample)
{
    enum status status = OK;
    bool whole = true;
    struct ingest ingest = {.config = config,
                            .folder = temporary_folder(),
                            .memory_bytes = MEMORY_TIMES * bytes,
                            .sample = sample->table};
    *sample = (struct shop_sample){0};
    divide(config, bytes, sample);
    TRY(begin(&ingest));
    for (enum table t = 0; t < TABLES; t++) {
        read_table(&ingest, t, sample);
        whole = whole && sample->found[t] == OK;
    }
    count_names(ingest.products.met, sample);
    TRY(count_all(&ingest, sample));
    if (settle && whole) TRY(settle_sample(&ingest, sample));
done:
    ingest_close(&ingest);
    return status;
}

int shop_sample_problems(const struct shop_sample *sample)
{
    int problems = 0;
    for (enum table t = 0; t < TABLES; t++) problems += sample->found[t] != OK;
    return problems;
}
