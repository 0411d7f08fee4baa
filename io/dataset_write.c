/* dataset.h5, written piece by piece. */
#include "io/dataset_columns.h"

#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_ROWS = 1 << 18, FIELD_BYTES = 8 };

/* ---- attributes ---- */

/* Names may hold any character, so data sets go by numbers: users/attributes/0 and
 * users/attribute_levels/0. */
static enum status write_attribute(const struct comm *comm, struct store *store, const char *values,
                                   const char *levels, const struct attribute *attribute,
                                   int64_t rows)
{
    enum status status = OK;
    char help[512];
    const struct store_column column = {values, STORE_F32, 1, "", help};
    snprintf(help, sizeof help, "%s; number, or row of %s", attribute->name, levels);
    TRY(store_write(comm, store, &column, attribute->value, rows));
    TRY(store_write_dictionary(comm, store, levels, "levels in order; none for a number",
                               &attribute->levels));
done:
    return status;
}

static enum status write_names(const struct comm *comm, struct store *store, const char *name,
                               const struct attribute *attribute, int64_t count)
{
    enum status status = OK;
    struct dictionary names = {.count = count};
    int64_t bytes = 0;
    for (int64_t a = 0; a < count; a++) bytes += (int64_t)strlen(attribute[a].name) + 1;
    TRY_ALL(comm, memory_new(&names.start, count + 1, sizeof *names.start));
    TRY_ALL(comm, memory_new(&names.text, bytes, 1));
    for (int64_t a = 0; a < count; a++) {
        size_t length = strlen(attribute[a].name) + 1;
        memcpy(names.text + names.start[a], attribute[a].name, length);
        names.start[a + 1] = names.start[a] + (int64_t)length;
    }
    TRY(store_write_dictionary(comm, store, name, "attributes in order", &names));
done:
    dictionary_clear(&names);
    return status;
}

/* All attributes of `what`, "users" or "products". */
static enum status write_attributes(const struct comm *comm, struct store *store, const char *what,
                                    const struct attribute *attribute, int64_t count, int64_t rows)
{
    enum status status = OK;
    char names[64], values[64], levels[64];
    snprintf(names, sizeof names, "%s/attribute_names", what);
    TRY(write_names(comm, store, names, attribute, count));
    for (int64_t a = 0; a < count; a++) {
        snprintf(values, sizeof values, "%s/attributes/%lld", what, (long long)a);
        snprintf(levels, sizeof levels, "%s/attribute_levels/%lld", what, (long long)a);
        TRY(write_attribute(comm, store, values, levels, &attribute[a], rows));
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
    const struct store_column price_floor = {PRICE_FLOOR_COLUMN, STORE_F64, 1, "currency",
                                             "never sold below, 0: no such price"};
    const struct store_column margin_floor = {
        MARGIN_FLOOR_COLUMN, STORE_F64, 1, "fraction",
        "of the price that must remain above the cost; NaN: allocate.margin_floor"};
    const struct store_column stock = {STOCK_COLUMN, STORE_F64, 1, "units",
                                       "that can be sold; NaN: not known"};
    TRY(store_write_dictionary(comm, store, "products/id", "product ids in order", &p->id));
    TRY(store_write_dictionary(comm, store, "products/category", "category names in order",
                               &p->category));
    TRY(store_write_dictionary(comm, store, "products/brand", "brand names in order", &p->brand));
    TRY(store_write(comm, store, &category, p->category_code, rows));
    TRY(store_write(comm, store, &brand, p->brand_code, rows));
    TRY(store_write(comm, store, &price, p->list_price, rows));
    TRY(store_write(comm, store, &cost, p->unit_cost, rows));
    if (p->price_floor != NULL) TRY(store_write(comm, store, &price_floor, p->price_floor, rows));
    if (p->margin_floor != NULL)
        TRY(store_write(comm, store, &margin_floor, p->margin_floor, rows));
    if (p->stock != NULL) TRY(store_write(comm, store, &stock, p->stock, rows));
    TRY(write_attributes(comm, store, "products", p->attribute, p->attributes, rows));
done:
    return status;
}

/* ---- users ---- */

static enum status write_users(const struct comm *comm, struct store *store,
                               const struct users *users)
{
    enum status status = OK;
    int64_t rows = users->blocks.rows_local;
    const struct store_column key = {"users/key", STORE_U64, 2, "",
                                     "pseudonym: keyed BLAKE2b of the id"};
    const struct store_column label = {LABEL_COLUMN, STORE_F32, 1, "fraction",
                                       "discount that the shop chose for the user, NaN for none"};
    TRY(store_write(comm, store, &key, users->key, rows));
    TRY(write_attributes(comm, store, "users", users->attribute, users->attributes, rows));
    if (users->group.name != NULL)
        TRY(write_attribute(comm, store, "users/group", "users/group_levels", &users->group, rows));
    if (users->label != NULL) TRY(store_write(comm, store, &label, users->label, rows));
done:
    return status;
}

/* ---- counts ---- */

enum { PER_USER, PER_EVENT, PER_OFFER, COUNTS };

static int64_t sum(const int64_t *x, int64_t count)
{
    int64_t total = 0;
    for (int64_t i = 0; x != NULL && i < count; i++) total += x[i];
    return total;
}

/* What is said of the rows agrees: on all ranks together, as rows lie anywhere. */
static enum status check_parts(const struct comm *comm, const struct dataset_parts *parts)
{
    enum status status = OK;
    const struct users *users = parts->users;
    const struct blocks *blocks = &users->blocks;
    int64_t rows = blocks->rows_local, unordered = 0;
    int64_t first = comm_prefix_int64(comm, rows);
    for (int64_t u = 1; u < rows; u++)
        unordered += user_key_compare(users->key[u - 1], users->key[u]) >= 0;
    int64_t total[] = {rows, sum(parts->user_events, rows) - parts->events_local,
                       sum(parts->user_offers, rows) - parts->offers_local, unordered};
    comm_sum_int64(comm, total, sizeof total / sizeof *total);
    bool good = first == blocks->row_first && total[0] == blocks->rows_total && total[1] == 0 &&
                total[2] == 0 && total[3] == 0;
    TRY_ALL(comm, good ? OK
                       : FAIL(ERR_BUG,
                              "the parts of a data set do not agree: %lld users of %lld, %lld "
                              "events and %lld offers too many for them, %lld users out of order",
                              (long long)total[0], (long long)blocks->rows_total,
                              (long long)-total[1], (long long)-total[2], (long long)total[3]));
done:
    return status;
}

static enum status write_block_counts(const struct comm *comm, struct store *store,
                                      const struct dataset_parts *parts)
{
    static const char *const names[COUNTS] = {"blocks/users", "blocks/events", "blocks/offers"};
    enum status status = OK;
    int64_t *counts = NULL, blocks = parts->users->blocks.blocks_total;
    int bits = 0;
    while ((int64_t)1 << bits < blocks) bits++;
    TRY_ALL(comm, memory_new(&counts, COUNTS * blocks, sizeof *counts));
    for (int64_t u = 0; u < parts->users->blocks.rows_local; u++) {
        int64_t block = user_block(parts->users->key[u], bits);
        counts[PER_USER * blocks + block]++;
        counts[PER_EVENT * blocks + block] += parts->user_events[u];
        counts[PER_OFFER * blocks + block] +=
            parts->user_offers != NULL ? parts->user_offers[u] : 0;
    }
    comm_sum_int64(comm, counts, COUNTS * blocks);
    for (int c = 0; c < COUNTS; c++) {
        const struct store_column column = {names[c], STORE_I64, 1, "rows",
                                            "of each block of users"};
        TRY(store_write(comm, store, &column, counts + c * blocks, comm->rank == 0 ? blocks : 0));
    }
done:
    free(counts);
    return status;
}

static enum status write_user_counts(const struct comm *comm, struct store *store,
                                     const struct dataset_parts *parts)
{
    const struct store_column events = {"users/events", STORE_I64, 1, "rows",
                                        "events of each user"};
    const struct store_column offers = {"users/offers", STORE_I64, 1, "rows",
                                        "offers of each user"};
    enum status status = OK;
    int64_t rows = parts->users->blocks.rows_local, *none = NULL;
    const int64_t *user_offers = parts->user_offers;
    TRY(store_write(comm, store, &events, parts->user_events, rows));
    TRY_ALL(comm, user_offers == NULL ? memory_new(&none, rows, sizeof *none) : OK);
    TRY(store_write(comm, store, &offers, user_offers != NULL ? user_offers : none, rows));
done:
    free(none);
    return status;
}

/* ---- rows ---- */

static enum status ask(const struct dataset_parts *parts, enum dataset_rows kind, int64_t first,
                       int64_t count, void *rows)
{
    if (count == 0) return OK;
    switch (kind) {
    case ROWS_EVENTS:
        return parts->events(parts->context, first, count, rows);
    case ROWS_OFFERS:
        return parts->offers(parts->context, first, count, rows);
    default:
        return parts->series(parts->context, first, count, rows);
    }
}

/* Products exist, and those of the series ascend; count rows of each product. */
static enum status count_products(const struct dataset_parts *parts, enum dataset_rows kind,
                                  const char *rows, int64_t count, int64_t *per_product)
{
    const struct dataset_columns *columns = &dataset_columns[kind];
    int32_t before = 0;
    for (int64_t i = 0; i < count; i++) {
        int32_t product = 0;
        memcpy(&product, rows + (size_t)i * columns->row_bytes + columns->column[0].row,
               sizeof product);
        if (product < 0 || product >= parts->products->count)
            return FAIL(ERR_BUG, "%s: there is no product %d", columns->column[0].column.name,
                        product);
        if (kind == ROWS_SERIES && product < before)
            return FAIL(ERR_BUG, "series/product: %d comes after %d", product, before);
        before = product;
        per_product[product]++;
    }
    return OK;
}

static enum status take(const struct dataset_parts *parts, enum dataset_rows kind, int64_t first,
                        int64_t count, char *rows, int64_t *per_product)
{
    enum status status = ask(parts, kind, first, count, rows);
    return status == OK ? count_products(parts, kind, rows, count, per_product) : status;
}

/* One field of all rows, next to each other. */
static void split(const char *rows, int64_t count, size_t row_bytes, size_t field_bytes, char *to)
{
    for (int64_t i = 0; i < count; i++, rows += row_bytes, to += field_bytes) {
        if (field_bytes == 4)
            memcpy(to, rows, 4);
        else if (field_bytes == 8)
            memcpy(to, rows, 8);
        else
            *to = *rows;
    }
}

/* All columns of one kind of rows are open at once; each piece of rows fills a piece of each. */
static enum status write_rows(const struct comm *comm, struct store *store,
                              const struct dataset_parts *parts, enum dataset_rows kind,
                              int64_t rows_local, int64_t *per_product)
{
    enum status status = OK;
    const struct dataset_columns *columns = &dataset_columns[kind];
    struct store_writer *writer[DATASET_COLUMNS] = {0};
    int kept = columns->count - (kind == ROWS_EVENTS && !parts->promotions);
    char *rows = NULL, *field = NULL;
    int64_t most = rows_local;
    comm_max_int64(comm, &most, 1);
    int64_t piece = most < PIECE_ROWS ? most : PIECE_ROWS;
    TRY_ALL(comm, memory_new(&rows, piece, columns->row_bytes));
    TRY_ALL(comm, memory_new(&field, piece, FIELD_BYTES));
    for (int c = 0; c < kept; c++)
        TRY(store_begin_column(comm, store, &columns->column[c].column, rows_local, &writer[c]));
    for (int64_t first = 0; first < most; first += piece) {
        int64_t left = rows_local - first, count = left < 0 ? 0 : left < piece ? left : piece;
        TRY_ALL(comm, take(parts, kind, first, count, rows, per_product));
        for (int c = 0; c < kept; c++) {
            const struct dataset_column *column = &columns->column[c];
            split(rows + column->row, count, columns->row_bytes,
                  store_type_bytes(column->column.type), field);
            TRY(store_put(comm, writer[c], field, count));
        }
    }
    for (int c = 0; c < kept; c++) TRY(store_end_column(comm, &writer[c]));
done:
    free(rows);
    free(field);
    return status;
}

static enum status write_all_rows(const struct comm *comm, struct store *store,
                                  const struct dataset_parts *parts)
{
    static const struct store_column per_product = {"products/series", STORE_I64, 1, "rows",
                                                    "of series/ for each product"};
    const int64_t rows[ROWS_KINDS] = {parts->events_local, parts->offers_local,
                                      parts->series_local};
    enum status status = OK;
    int64_t *counts = NULL, products = parts->products->count;
    TRY_ALL(comm, memory_new(&counts, ROWS_KINDS * products, sizeof *counts));
    for (enum dataset_rows kind = 0; kind < ROWS_KINDS; kind++)
        TRY(write_rows(comm, store, parts, kind, rows[kind], counts + kind * products));
    int64_t *series = counts + ROWS_SERIES * products;
    comm_sum_int64(comm, series, products);
    TRY(store_write(comm, store, &per_product, series, comm->rank == 0 ? products : 0));
done:
    free(counts);
    return status;
}

/* ---- the whole ---- */

enum status dataset_write_parts(const struct comm *comm, const char *path,
                                const struct dataset_parts *parts)
{
    static const struct store_column facts = {"facts", STORE_I64, 3, "",
                                              "first time, last time, 1 if costs are assumed"};
    const int64_t values[3] = {parts->time_first, parts->time_last, parts->assumed_cost};
    enum status status = OK;
    struct store *store = NULL;
    TRY(check_parts(comm, parts));
    TRY(store_create(comm, path, &store));
    TRY(store_write_note(comm, store, "format", DATASET_FORMAT));
    TRY(store_write(comm, store, &facts, values, comm->rank == 0 ? 1 : 0));
    TRY(write_products(comm, store, parts->products));
    if (parts->shop_promotions != NULL) TRY(promotions_write(comm, store, parts->shop_promotions));
    TRY(write_block_counts(comm, store, parts));
    TRY(write_users(comm, store, parts->users));
    TRY(write_user_counts(comm, store, parts));
    TRY(write_all_rows(comm, store, parts));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}
