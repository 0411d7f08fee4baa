/* dataset.h5: its columns, declared once, written and read by blocks of users. */
#include "io/dataset.h"

#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- freeing ---- */

void products_clear(struct products *products)
{
    dictionary_clear(&products->id);
    dictionary_clear(&products->category);
    dictionary_clear(&products->brand);
    free(products->category_code);
    free(products->brand_code);
    free(products->list_price);
    free(products->unit_cost);
    *products = (struct products){0};
}

static void attribute_clear(struct attribute *attribute)
{
    free(attribute->name);
    dictionary_clear(&attribute->levels);
    free(attribute->value);
    *attribute = (struct attribute){0};
}

void users_clear(struct users *users)
{
    blocks_clear(&users->blocks);
    free(users->key);
    free(users->id);
    for (int64_t a = 0; users->attribute != NULL && a < users->attributes; a++)
        attribute_clear(&users->attribute[a]);
    free(users->attribute);
    attribute_clear(&users->group);
    *users = (struct users){0};
}

void events_clear(struct events *events)
{
    free(events->start);
    free(events->product);
    free(events->time);
    free(events->kind);
    free(events->quantity_milli);
    free(events->paid_cents);
    free(events->list_cents);
    *events = (struct events){0};
}

void offers_clear(struct offers *offers)
{
    free(offers->start);
    free(offers->product);
    free(offers->time);
    free(offers->discount);
    free(offers->propensity);
    free(offers->flags);
    free(offers->revenue_cents);
    *offers = (struct offers){0};
}

void dataset_free(struct dataset **dataset)
{
    if (*dataset == NULL) return;
    products_clear(&(*dataset)->products);
    users_clear(&(*dataset)->users);
    events_clear(&(*dataset)->events);
    offers_clear(&(*dataset)->offers);
    free(*dataset);
    *dataset = NULL;
}

int64_t dataset_bytes(const struct dataset *dataset)
{
    enum { EVENT_BYTES = 25, OFFER_BYTES = 25 };
    const struct users *users = &dataset->users;
    int64_t count = users->blocks.rows_local, bytes = count * (int64_t)sizeof *users->key;
    if (users->id != NULL) bytes += count * (users->id_bytes + 4 * users->attributes);
    if (dataset->events.start != NULL)
        bytes += 8 * count + EVENT_BYTES * dataset->events.start[count];
    if (dataset->offers.start != NULL)
        bytes += 8 * count + OFFER_BYTES * dataset->offers.start[count];
    return bytes;
}

/* ---- the columns ---- */

struct field {
    struct store_column column;
    void *pointer; /* address of the array pointer inside the struct */
    size_t bytes;
};

enum { EVENT_FIELDS = 6, OFFER_FIELDS = 6 };

static void event_fields(struct events *e, struct field fields[EVENT_FIELDS])
{
    const struct field list[EVENT_FIELDS] = {
        {{"events/product", STORE_I32, 1, "", "row of products/"}, &e->product, 4},
        {{"events/time", STORE_I64, 1, "s since 1970", "when"}, &e->time, 8},
        {{"events/kind", STORE_U8, 1, "", "0 view 1 click 2 cart 3 purchase 4 return 5 rating"},
         &e->kind,
         1},
        {{"events/quantity", STORE_I32, 1, "1/1000", "how much"}, &e->quantity_milli, 4},
        {{"events/paid", STORE_I32, 1, "cents", "line amount after discounts"}, &e->paid_cents, 4},
        {{"events/list", STORE_I32, 1, "cents", "line amount before discounts"},
         &e->list_cents,
         4}};
    memcpy(fields, list, sizeof list);
}

static void offer_fields(struct offers *o, struct field fields[OFFER_FIELDS])
{
    const struct field list[OFFER_FIELDS] = {
        {{"offers/product", STORE_I32, 1, "", "row of products/"}, &o->product, 4},
        {{"offers/time", STORE_I64, 1, "s since 1970", "when"}, &o->time, 8},
        {{"offers/discount", STORE_F32, 1, "fraction", "discount offered"}, &o->discount, 4},
        {{"offers/propensity", STORE_F32, 1, "", "probability of that discount, NaN unknown"},
         &o->propensity,
         4},
        {{"offers/flags", STORE_U8, 1, "", "1 shown + 2 clicked + 4 redeemed"}, &o->flags, 1},
        {{"offers/revenue", STORE_I32, 1, "cents", "paid because of it"}, &o->revenue_cents, 4}};
    memcpy(fields, list, sizeof list);
}

static enum status write_fields(const struct comm *comm, struct store *store,
                                const struct field *fields, int count, int64_t rows)
{
    enum status status = OK;
    for (int f = 0; f < count; f++) {
        void *data = NULL;
        memcpy(&data, fields[f].pointer, sizeof data);
        TRY(store_write(comm, store, &fields[f].column, data, rows));
    }
done:
    return status;
}

static enum status read_fields(const struct comm *comm, struct store *store,
                               const struct field *fields, int count, int64_t first, int64_t rows)
{
    enum status status = OK;
    for (int f = 0; f < count; f++) {
        void *data = NULL;
        enum status made = memory_new(&data, rows, fields[f].bytes);
        memcpy(fields[f].pointer, &data, sizeof data);
        TRY_ALL(comm, made);
        TRY(store_read(comm, store, fields[f].column.name, fields[f].column.type, first, rows,
                       data));
    }
done:
    return status;
}

/* ---- products ---- */

static enum status write_products(const struct comm *comm, struct store *store,
                                  const struct products *p)
{
    enum status status = OK;
    int64_t rows = comm->rank == 0 ? p->count : 0;
    const struct store_column category = {"products/category_code", STORE_I32, 1, "",
                                          "row of products/category"};
    const struct store_column brand = {"products/brand_code", STORE_I32, 1, "",
                                       "row of products/brand"};
    const struct store_column price = {"products/list_price", STORE_F64, 1, "currency",
                                       "price before discounts, 0 unknown"};
    const struct store_column cost = {"products/unit_cost", STORE_F64, 1, "currency",
                                      "what one unit costs the shop"};
    TRY(store_write_dictionary(comm, store, "products/id", "product ids in order", &p->id));
    TRY(store_write_dictionary(comm, store, "products/category", "category names in order",
                               &p->category));
    TRY(store_write_dictionary(comm, store, "products/brand", "brand names in order", &p->brand));
    TRY(store_write(comm, store, &category, p->category_code, rows));
    TRY(store_write(comm, store, &brand, p->brand_code, rows));
    TRY(store_write(comm, store, &price, p->list_price, rows));
    TRY(store_write(comm, store, &cost, p->unit_cost, rows));
done:
    return status;
}

static enum status read_products(const struct comm *comm, struct store *store, struct products *p)
{
    enum status status = OK;
    TRY(store_read_dictionary(comm, store, "products/id", &p->id));
    TRY(store_read_dictionary(comm, store, "products/category", &p->category));
    TRY(store_read_dictionary(comm, store, "products/brand", &p->brand));
    p->count = p->id.count;
    TRY_ALL(comm, memory_new(&p->category_code, p->count, sizeof *p->category_code));
    TRY_ALL(comm, memory_new(&p->brand_code, p->count, sizeof *p->brand_code));
    TRY_ALL(comm, memory_new(&p->list_price, p->count, sizeof *p->list_price));
    TRY_ALL(comm, memory_new(&p->unit_cost, p->count, sizeof *p->unit_cost));
    TRY(store_read(comm, store, "products/category_code", STORE_I32, 0, p->count,
                   p->category_code));
    TRY(store_read(comm, store, "products/brand_code", STORE_I32, 0, p->count, p->brand_code));
    TRY(store_read(comm, store, "products/list_price", STORE_F64, 0, p->count, p->list_price));
    TRY(store_read(comm, store, "products/unit_cost", STORE_F64, 0, p->count, p->unit_cost));
done:
    return status;
}

/* ---- users ---- */

static enum status write_attribute(const struct comm *comm, struct store *store, const char *folder,
                                   const struct attribute *attribute, int64_t rows)
{
    enum status status = OK;
    char name[512];
    struct store_column column = {name, STORE_F32, 1, "", "number, or row of the levels beside it"};
    snprintf(name, sizeof name, "%s/%s", folder, attribute->name);
    TRY(store_write(comm, store, &column, attribute->value, rows));
    snprintf(name, sizeof name, "%s/%s.levels", folder, attribute->name);
    TRY(store_write_dictionary(comm, store, name, "levels in order; none for a number",
                               &attribute->levels));
done:
    return status;
}

static enum status read_attribute(const struct comm *comm, struct store *store, const char *folder,
                                  const char *of, int64_t first, int64_t rows,
                                  struct attribute *attribute)
{
    enum status status = OK;
    char name[512];
    attribute->name = strdup(of);
    TRY_ALL(comm, attribute->name == NULL ? FAIL(ERR_MEMORY, "no memory for a name") : OK);
    TRY_ALL(comm, memory_new(&attribute->value, rows, sizeof *attribute->value));
    snprintf(name, sizeof name, "%s/%s", folder, of);
    TRY(store_read(comm, store, name, STORE_F32, first, rows, attribute->value));
    snprintf(name, sizeof name, "%s/%s.levels", folder, of);
    TRY(store_read_dictionary(comm, store, name, &attribute->levels));
done:
    return status;
}

static enum status write_attribute_names(const struct comm *comm, struct store *store,
                                         const struct users *users)
{
    enum status status = OK;
    struct dictionary names = {0};
    int64_t bytes = 0;
    for (int64_t a = 0; a < users->attributes; a++)
        bytes += (int64_t)strlen(users->attribute[a].name) + 1;
    TRY_ALL(comm, memory_new(&names.start, users->attributes + 1, sizeof *names.start));
    TRY_ALL(comm, memory_new(&names.text, bytes, 1));
    names.count = users->attributes;
    for (int64_t a = 0; a < users->attributes; a++) {
        size_t length = strlen(users->attribute[a].name) + 1;
        memcpy(names.text + names.start[a], users->attribute[a].name, length);
        names.start[a + 1] = names.start[a] + (int64_t)length;
    }
    TRY(store_write_dictionary(comm, store, "users/attribute_names", "attributes in order",
                               &names));
done:
    dictionary_clear(&names);
    return status;
}

static enum status write_users(const struct comm *comm, struct store *store,
                               const struct users *users)
{
    enum status status = OK;
    int64_t rows = users->blocks.rows_local;
    const struct store_column key = {"users/key", STORE_U64, 2, "",
                                     "pseudonym: keyed BLAKE2b of the id"};
    const struct store_column id = {"users/id", STORE_TEXT, users->id_bytes, "",
                                    "id in the shop's tables"};
    TRY(store_write(comm, store, &key, users->key, rows));
    TRY(store_write(comm, store, &id, users->id, rows));
    TRY(write_attribute_names(comm, store, users));
    for (int64_t a = 0; a < users->attributes; a++)
        TRY(write_attribute(comm, store, "users/attributes", &users->attribute[a], rows));
    if (users->group.name != NULL)
        TRY(write_attribute(comm, store, "users/protected", &users->group, rows));
done:
    return status;
}

static enum status read_attributes(const struct comm *comm, struct store *store,
                                   struct users *users)
{
    enum status status = OK;
    struct dictionary names = {0};
    int64_t first = users->blocks.row_first, rows = users->blocks.rows_local;
    TRY(store_read_dictionary(comm, store, "users/attribute_names", &names));
    TRY_ALL(comm, memory_new(&users->attribute, names.count, sizeof *users->attribute));
    users->attributes = names.count;
    for (int64_t a = 0; a < names.count; a++)
        TRY(read_attribute(comm, store, "users/attributes", dictionary_text(&names, a), first, rows,
                           &users->attribute[a]));
    if (store_rows(comm, store, "users/protected/group", NULL) >= 0)
        TRY(read_attribute(comm, store, "users/protected", "group", first, rows, &users->group));
done:
    dictionary_clear(&names);
    return status;
}

static enum status read_users(const struct comm *comm, struct store *store, struct users *users)
{
    enum status status = OK;
    int64_t first = users->blocks.row_first, rows = users->blocks.rows_local;
    store_rows(comm, store, "users/id", &users->id_bytes);
    TRY_ALL(comm, memory_new(&users->id, rows * users->id_bytes, 1));
    TRY(store_read(comm, store, "users/id", STORE_TEXT, first, rows, users->id));
    TRY(read_attributes(comm, store, users));
done:
    return status;
}

/* ---- blocks and shares ---- */

/* Rows of a CSR part in each local block, e.g. events of its users. */
static void block_counts(const struct users *users, const int64_t *start, int64_t *counts)
{
    for (int64_t b = 0; b < users->blocks.blocks_local; b++)
        counts[b] = start == NULL
                        ? users->blocks.start[b + 1] - users->blocks.start[b]
                        : start[users->blocks.start[b + 1]] - start[users->blocks.start[b]];
}

static enum status write_counts(const struct comm *comm, struct store *store,
                                const struct users *users, const int64_t *start, const char *part)
{
    enum status status = OK;
    int64_t *counts = NULL, blocks = users->blocks.blocks_local, rows = users->blocks.rows_local;
    char name[64];
    struct store_column column = {name, STORE_I64, 1, "", "rows of each block of users"};
    TRY_ALL(comm, memory_new(&counts, blocks > rows ? blocks : rows, sizeof *counts));
    snprintf(name, sizeof name, "blocks/%s", part);
    block_counts(users, start, counts);
    TRY(store_write(comm, store, &column, counts, blocks));
    if (start == NULL) goto done;
    snprintf(name, sizeof name, "users/%s", part);
    column.help = "rows of each user";
    for (int64_t u = 0; u < rows; u++) counts[u] = start[u + 1] - start[u];
    TRY(store_write(comm, store, &column, counts, rows));
done:
    free(counts);
    return status;
}

enum { PART_USERS, PART_EVENTS, PART_OFFERS, PARTS };
static const char *const part_names[PARTS] = {"users", "events", "offers"};

struct share {
    int64_t total[PARTS], first[PARTS], rows[PARTS];
};

/* Cut the blocks among the ranks and find each part's run of rows. */
static enum status read_blocks(const struct comm *comm, struct store *store, struct blocks *blocks,
                               struct share *share)
{
    enum status status = OK;
    struct user_cut cut = {0};
    int64_t *counts = NULL, *weight = NULL, total = store_rows(comm, store, "blocks/users", NULL);
    int bits = 0;
    TRY_ALL(comm,
            total > 0 ? OK : FAIL(ERR_IO, "dataset.h5 has no blocks; run `remise ingest` again"));
    while (((int64_t)1 << bits) < total) bits++;
    TRY_ALL(comm, memory_new(&counts, PARTS * total, sizeof *counts));
    TRY_ALL(comm, memory_new(&weight, total, sizeof *weight));
    for (int p = 0; p < PARTS; p++) {
        char name[64];
        snprintf(name, sizeof name, "blocks/%s", part_names[p]);
        TRY(store_read(comm, store, name, STORE_I64, 0, total, counts + p * total));
        for (int64_t b = 0; b < total; b++)
            weight[b] += comm->rank == 0 ? counts[p * total + b] : 0;
    }
    TRY(user_cut_make(comm, bits, weight, &cut));
    int64_t first = cut.rank_first[comm->rank], next = cut.rank_first[comm->rank + 1];
    *share = (struct share){0};
    for (int p = 0; p < PARTS; p++)
        for (int64_t b = 0; b < total; b++) {
            share->total[p] += counts[p * total + b];
            share->first[p] += b < first ? counts[p * total + b] : 0;
            share->rows[p] += b >= first && b < next ? counts[p * total + b] : 0;
        }
    *blocks = (struct blocks){.rows_total = share->total[PART_USERS],
                              .rows_local = share->rows[PART_USERS],
                              .row_first = share->first[PART_USERS],
                              .blocks_total = total,
                              .block_first = first,
                              .blocks_local = next - first};
    TRY_ALL(comm, memory_new(&blocks->start, next - first + 1, sizeof *blocks->start));
    for (int64_t b = first; b < next; b++)
        blocks->start[b - first + 1] = blocks->start[b - first] + counts[b];
done:
    free(counts);
    free(weight);
    user_cut_clear(&cut);
    return status;
}

/* start[u + 1] - start[u] = rows of user u */
static enum status read_start(const struct comm *comm, struct store *store,
                              const struct blocks *blocks, const char *name, int64_t **start)
{
    enum status status = OK;
    TRY_ALL(comm, memory_new(start, blocks->rows_local + 1, sizeof **start));
    TRY(store_read(comm, store, name, STORE_I64, blocks->row_first, blocks->rows_local,
                   *start + 1));
    for (int64_t u = 0; u < blocks->rows_local; u++) (*start)[u + 1] += (*start)[u];
done:
    return status;
}

/* ---- the whole ---- */

enum status dataset_write(const struct comm *comm, const char *path, const struct dataset *dataset)
{
    enum status status = OK;
    struct store *store = NULL;
    struct field fields[EVENT_FIELDS];
    struct events events = dataset->events;
    struct offers offers = dataset->offers;
    const struct users *users = &dataset->users;
    int64_t rows = users->blocks.rows_local;
    const int64_t span[3] = {dataset->time_first, dataset->time_last, dataset->assumed_cost};
    const struct store_column facts = {"facts", STORE_I64, 3, "",
                                       "first time, last time, 1 if costs are assumed"};
    TRY(store_create(comm, path, &store));
    TRY(store_write(comm, store, &facts, span, comm->rank == 0 ? 1 : 0));
    TRY(write_products(comm, store, &dataset->products));
    TRY(write_counts(comm, store, users, NULL, "users"));
    TRY(write_counts(comm, store, users, events.start, "events"));
    TRY(write_counts(comm, store, users, offers.start, "offers"));
    TRY(write_users(comm, store, users));
    event_fields(&events, fields);
    TRY(write_fields(comm, store, fields, EVENT_FIELDS, events.start[rows]));
    offer_fields(&offers, fields);
    TRY(write_fields(comm, store, fields, OFFER_FIELDS, offers.start[rows]));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

static enum status read_parts(const struct comm *comm, struct store *store, int parts,
                              struct dataset *d)
{
    enum status status = OK;
    struct field fields[EVENT_FIELDS];
    struct share share;
    struct blocks *blocks = &d->users.blocks;
    int64_t facts[3] = {0};
    TRY(store_read(comm, store, "facts", STORE_I64, 0, 1, facts));
    d->time_first = facts[0], d->time_last = facts[1], d->assumed_cost = facts[2] != 0;
    TRY(read_products(comm, store, &d->products));
    TRY(read_blocks(comm, store, blocks, &share));
    d->events_total = share.total[PART_EVENTS], d->offers_total = share.total[PART_OFFERS];
    TRY_ALL(comm, memory_new(&d->users.key, blocks->rows_local, sizeof *d->users.key));
    TRY(store_read(comm, store, "users/key", STORE_U64, blocks->row_first, blocks->rows_local,
                   d->users.key));
    if (parts & DATASET_USERS) TRY(read_users(comm, store, &d->users));
    if (parts & DATASET_EVENTS) {
        TRY(read_start(comm, store, blocks, "users/events", &d->events.start));
        event_fields(&d->events, fields);
        TRY(read_fields(comm, store, fields, EVENT_FIELDS, share.first[PART_EVENTS],
                        share.rows[PART_EVENTS]));
    }
    if (parts & DATASET_OFFERS) {
        TRY(read_start(comm, store, blocks, "users/offers", &d->offers.start));
        offer_fields(&d->offers, fields);
        TRY(read_fields(comm, store, fields, OFFER_FIELDS, share.first[PART_OFFERS],
                        share.rows[PART_OFFERS]));
    }
done:
    return status;
}

enum status dataset_read(const struct comm *comm, const char *path, int parts, struct dataset **out)
{
    enum status status = OK;
    struct store *store = NULL;
    struct dataset *dataset = NULL;
    *out = NULL;
    TRY_ALL(comm, memory_new(&dataset, 1, sizeof *dataset));
    TRY(store_open(comm, path, &store));
    TRY(read_parts(comm, store, parts, dataset));
    *out = dataset;
    dataset = NULL;
done:
    store_close(comm, &store);
    dataset_free(&dataset);
    return status;
}
