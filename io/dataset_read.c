/* dataset.h5, read by blocks of users and runs of products. */
#include "io/dataset_columns.h"

#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- attributes ---- */

static enum status read_attribute(const struct comm *comm, struct store *store, const char *values,
                                  const char *levels, const char *name, int64_t first, int64_t rows,
                                  struct attribute *attribute)
{
    enum status status = OK;
    attribute->name = strdup(name);
    TRY_ALL(comm, attribute->name == NULL ? FAIL(ERR_MEMORY, "no memory for a name") : OK);
    TRY_ALL(comm, memory_new(&attribute->value, rows, sizeof *attribute->value));
    TRY(store_read(comm, store, values, STORE_F32, first, rows, attribute->value));
    TRY(store_read_dictionary(comm, store, levels, &attribute->levels));
done:
    return status;
}

/* All attributes of `what`, "users" or "products", for rows first .. first + rows - 1. */
static enum status read_attributes(const struct comm *comm, struct store *store, const char *what,
                                   int64_t first, int64_t rows, struct attribute **attribute,
                                   int64_t *count)
{
    enum status status = OK;
    struct dictionary names = {0};
    char text[64], values[64], levels[64];
    snprintf(text, sizeof text, "%s/attribute_names", what);
    TRY(store_read_dictionary(comm, store, text, &names));
    TRY_ALL(comm, memory_new(attribute, names.count, sizeof **attribute));
    *count = names.count;
    for (int64_t a = 0; a < names.count; a++) {
        snprintf(values, sizeof values, "%s/attributes/%lld", what, (long long)a);
        snprintf(levels, sizeof levels, "%s/attribute_levels/%lld", what, (long long)a);
        TRY(read_attribute(comm, store, values, levels, dictionary_text(&names, a), first, rows,
                           &(*attribute)[a]));
    }
done:
    dictionary_clear(&names);
    return status;
}

/* ---- products ---- */

/* A column that may be missing: then *value stays NULL. */
static enum status read_floor(const struct comm *comm, struct store *store, const char *name,
                              int64_t count, double **value)
{
    enum status status = OK;
    if (store_rows(comm, store, name, NULL) < 0) return OK;
    TRY_ALL(comm, memory_new(value, count, sizeof **value));
    TRY(store_read(comm, store, name, STORE_F64, 0, count, *value));
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
    TRY(read_floor(comm, store, PRICE_FLOOR_COLUMN, p->count, &p->price_floor));
    TRY(read_floor(comm, store, MARGIN_FLOOR_COLUMN, p->count, &p->margin_floor));
    TRY(read_floor(comm, store, STOCK_COLUMN, p->count, &p->stock));
    TRY(read_attributes(comm, store, "products", 0, p->count, &p->attribute, &p->attributes));
done:
    return status;
}

/* ---- users ---- */

static enum status read_users(const struct comm *comm, struct store *store, struct users *users)
{
    enum status status = OK;
    const struct blocks *blocks = &users->blocks;
    TRY(read_attributes(comm, store, "users", blocks->row_first, blocks->rows_local,
                        &users->attribute, &users->attributes));
    if (store_rows(comm, store, "users/group", NULL) >= 0)
        TRY(read_attribute(comm, store, "users/group", "users/group_levels", "group",
                           blocks->row_first, blocks->rows_local, &users->group));
    if (store_rows(comm, store, LABEL_COLUMN, NULL) < 0) goto done;
    TRY_ALL(comm, memory_new(&users->label, blocks->rows_local, sizeof *users->label));
    TRY(store_read(comm, store, LABEL_COLUMN, STORE_F32, blocks->row_first, blocks->rows_local,
                   users->label));
done:
    return status;
}

/* ---- blocks and shares ---- */

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

/* ---- rows ---- */

static bool is_optional(const struct store_column *column)
{
    return strcmp(column->name, PROMOTION_COLUMN) == 0;
}

/* The columns of one kind of rows into the arrays of `into`, new. */
static enum status read_rows(const struct comm *comm, struct store *store, enum dataset_rows kind,
                             int64_t first, int64_t rows, void *into)
{
    enum status status = OK;
    const struct dataset_columns *columns = &dataset_columns[kind];
    for (int c = 0; c < columns->count; c++) {
        const struct store_column *column = &columns->column[c].column;
        size_t array = columns->column[c].array;
        void *values = NULL;
        if (array == NO_ARRAY) continue;
        if (is_optional(column) && store_rows(comm, store, column->name, NULL) < 0) continue;
        TRY_ALL(comm, memory_new((char *)into + array, rows, store_type_bytes(column->type)));
        memcpy(&values, (char *)into + array, sizeof values);
        TRY(store_read(comm, store, column->name, column->type, first, rows, values));
    }
done:
    return status;
}

/* A product belongs to the rank in whose equal share of the rows its first row lies; those without
 * rows go with the next. counts[products] becomes the first row of each. */
static void cut_series(const struct comm *comm, int64_t *counts, struct dataset *d)
{
    struct series *series = &d->series;
    int64_t total = 0;
    for (int64_t p = 0; p < d->products.count; p++) {
        int64_t rows = counts[p];
        counts[p] = total;
        total += rows;
    }
    d->series_total = total;
    series->product_first = d->products.count;
    for (int64_t p = 0; p < d->products.count; p++) {
        /* floor(ranks * first / total), without its product overflowing */
        int64_t owner = total == 0 ? 0 : (int64_t)((__int128)counts[p] * comm->ranks / total);
        if (owner >= comm->ranks) owner = comm->ranks - 1;
        if (owner == comm->rank && series->products == 0) series->product_first = p;
        series->products += owner == comm->rank;
    }
}

static enum status read_series(const struct comm *comm, struct store *store, struct dataset *d)
{
    enum status status = OK;
    struct series *series = &d->series;
    int64_t *first = NULL, products = d->products.count;
    TRY_ALL(comm, memory_new(&first, products + 1, sizeof *first));
    TRY(store_read(comm, store, "products/series", STORE_I64, 0, products, first));
    cut_series(comm, first, d);
    first[products] = d->series_total;
    TRY_ALL(comm, memory_new(&series->start, series->products + 1, sizeof *series->start));
    for (int64_t p = 0; p <= series->products; p++)
        series->start[p] = first[series->product_first + p] - first[series->product_first];
    TRY(read_rows(comm, store, ROWS_SERIES, first[series->product_first],
                  series->start[series->products], series));
done:
    free(first);
    return status;
}

/* ---- the whole ---- */

static enum status check_format(const struct comm *comm, struct store *store, const char *path)
{
    enum status status = OK;
    char *format = NULL;
    TRY(store_read_note(comm, store, "format", &format));
    TRY_ALL(comm, strcmp(format, DATASET_FORMAT) == 0
                      ? OK
                      : FAIL(ERR_IO,
                             "%s was written by another version of the program; run `remise "
                             "ingest --force`",
                             path));
done:
    free(format);
    return status;
}

static enum status read_parts(const struct comm *comm, struct store *store, int parts,
                              struct dataset *d)
{
    enum status status = OK;
    struct share share;
    struct blocks *blocks = &d->users.blocks;
    int64_t facts[3] = {0};
    TRY(store_read(comm, store, "facts", STORE_I64, 0, 1, facts));
    d->time_first = facts[0], d->time_last = facts[1], d->assumed_cost = facts[2] != 0;
    TRY(read_products(comm, store, &d->products));
    TRY(promotions_read(comm, store, &d->promotions));
    TRY(read_blocks(comm, store, blocks, &share));
    d->events_total = share.total[PART_EVENTS], d->offers_total = share.total[PART_OFFERS];
    TRY_ALL(comm, memory_new(&d->users.key, blocks->rows_local, sizeof *d->users.key));
    TRY(store_read(comm, store, "users/key", STORE_U64, blocks->row_first, blocks->rows_local,
                   d->users.key));
    bool users = (parts & DATASET_USERS) != 0;
    bool named = d->promotions.market.count > 0 || d->promotions.audience.count > 0;
    users = users || ((parts & DATASET_PROMOTED) != 0 && named);
    if (users) TRY(read_users(comm, store, &d->users));
    if (parts & DATASET_EVENTS) {
        TRY(read_start(comm, store, blocks, "users/events", &d->events.start));
        TRY(read_rows(comm, store, ROWS_EVENTS, share.first[PART_EVENTS], share.rows[PART_EVENTS],
                      &d->events));
    }
    if (parts & DATASET_OFFERS) {
        TRY(read_start(comm, store, blocks, "users/offers", &d->offers.start));
        TRY(read_rows(comm, store, ROWS_OFFERS, share.first[PART_OFFERS], share.rows[PART_OFFERS],
                      &d->offers));
    }
    if (parts & DATASET_SERIES) TRY(read_series(comm, store, d));
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
    TRY(check_format(comm, store, path));
    TRY(read_parts(comm, store, parts, dataset));
    *out = dataset;
    dataset = NULL;
done:
    store_close(comm, &store);
    dataset_free(&dataset);
    return status;
}

/* ---- one user ---- */

/* The user's row, -1 if it is not there. */
static enum status find_user(const struct comm *comm, struct store *store, struct user_key key,
                             int64_t *users, int64_t *row)
{
    enum status status = OK;
    int64_t low = 0, high = *users = store_rows(comm, store, "users/key", NULL);
    *row = -1;
    while (low < high && *row < 0) {
        struct user_key there;
        int64_t middle = low + (high - low) / 2;
        TRY(store_read(comm, store, "users/key", STORE_U64, middle, 1, &there));
        int order = user_key_compare(there, key);
        if (order == 0) *row = middle;
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
done:
    return status;
}

static enum status read_one(const struct comm *comm, struct store *store, struct user_key key,
                            struct dataset *d)
{
    enum status status = OK;
    struct blocks *blocks = &d->users.blocks;
    int64_t facts[3] = {0}, row = -1;
    TRY(store_read(comm, store, "facts", STORE_I64, 0, 1, facts));
    d->time_first = facts[0], d->time_last = facts[1], d->assumed_cost = facts[2] != 0;
    TRY(read_products(comm, store, &d->products));
    TRY(promotions_read(comm, store, &d->promotions));
    TRY(find_user(comm, store, key, &blocks->rows_total, &row));
    blocks->rows_local = row >= 0;
    blocks->row_first = row >= 0 ? row : 0;
    blocks->blocks_total = blocks->blocks_local = 1;
    TRY_ALL(comm, memory_new(&blocks->start, 2, sizeof *blocks->start));
    blocks->start[1] = blocks->rows_local;
    TRY_ALL(comm, memory_new(&d->users.key, 1, sizeof *d->users.key));
    d->users.key[0] = key;
    TRY(read_users(comm, store, &d->users));
done:
    return status;
}

enum status dataset_read_user(const struct comm *comm, const char *path, struct user_key key,
                              struct dataset **out)
{
    enum status status = OK;
    struct store *store = NULL;
    struct dataset *dataset = NULL;
    *out = NULL;
    TRY_ALL(comm, memory_new(&dataset, 1, sizeof *dataset));
    TRY(store_open(comm, path, &store));
    TRY(check_format(comm, store, path));
    TRY(read_one(comm, store, key, dataset));
    *out = dataset;
    dataset = NULL;
done:
    store_close(comm, &store);
    dataset_free(&dataset);
    return status;
}
