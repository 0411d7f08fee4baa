/* Reading the products, and settling codes and prices once every table has been read. */
#include "jobs/ingest_read.h"

#include "jobs/mapping.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum role {
    ROLE_ID,
    ROLE_CATEGORY,
    ROLE_BRAND,
    ROLE_TEXTS,
    ROLE_LIST = ROLE_TEXTS,
    ROLE_COST,
    ROLES
};

static const char *const role_names[ROLES] = {"product_id", "category", "brand", "list_price",
                                              "unit_cost"};

#define AMOUNT_LIMIT 2.1e7

struct reader {
    struct ingest *ingest;
    struct mapping map;
    struct rejects rejects;
};

/* ---- reading ---- */

static enum status add_row(struct reader *reader, const struct csv_row *row,
                           const struct csv_field *id)
{
    enum status status = OK;
    struct ingest *ingest = reader->ingest;
    struct csv_field category = {.text = ""}, brand = {.text = ""};
    struct product_row product = {.list_price = -1, .unit_cost = -1};
    if (ingest->product_rows == ingest->product_capacity) {
        int64_t capacity = ingest->product_capacity > 0 ? 2 * ingest->product_capacity : 1024;
        TRY(memory_grow(&ingest->product_row, ingest->product_rows, capacity, sizeof product));
        ingest->product_capacity = capacity;
    }
    if (mapping_text(&reader->map, ROLE_CATEGORY, row, &category) != MAPPING_VALUE)
        category.bytes = 0;
    if (mapping_text(&reader->map, ROLE_BRAND, row, &brand) != MAPPING_VALUE) brand.bytes = 0;
    product.product = (int32_t)text_set_code(ingest->products, id->text, id->bytes);
    product.category = (int32_t)text_set_code(ingest->categories, category.text, category.bytes);
    product.brand = (int32_t)text_set_code(ingest->brands, brand.text, brand.bytes);
    if (mapping_number(&reader->map, ROLE_LIST, row, &product.list_price) != MAPPING_VALUE)
        product.list_price = -1;
    if (mapping_number(&reader->map, ROLE_COST, row, &product.unit_cost) != MAPPING_VALUE)
        product.unit_cost = -1;
    if (product.product < 0 || product.category < 0 || product.brand < 0)
        TRY(FAIL(ERR_MEMORY, "no memory for product names; use more ranks"));
    ingest->product_row[ingest->product_rows++] = product;
    reader->rejects.kept++;
done:
    return status;
}

/* An amount that cannot be read, is negative or too large for cents in 32 bits makes the row
 * useless; a missing one does not. */
static uint32_t fault_of(struct reader *reader, enum role role, const struct csv_row *row)
{
    double value = 0;
    enum mapping_result result = mapping_number(&reader->map, role, row, &value);
    if (result == MAPPING_BAD || (result == MAPPING_VALUE && value < 0.0))
        return (uint32_t)1 << REJECT_bad_number;
    return result == MAPPING_VALUE && value > AMOUNT_LIMIT
               ? (uint32_t)1 << REJECT_amount_above_limit
               : 0;
}

static enum status on_row(void *context, const struct csv_row *row)
{
    struct reader *reader = context;
    struct csv_field id = {0}, name = {0};
    uint32_t faults = 0;
    reader->rejects.read++;
    if (mapping_name(&reader->map, ROLE_ID, row, &id) == MAPPING_MISSING)
        faults = (uint32_t)1 << REJECT_missing_product;
    for (enum role role = ROLE_ID; role < ROLE_TEXTS && faults == 0; role++)
        if (mapping_name(&reader->map, role, row, &name) == MAPPING_BAD)
            faults = (uint32_t)1 << REJECT_long_name;
    if (faults == 0) faults = fault_of(reader, ROLE_LIST, row);
    if (faults == 0) faults = fault_of(reader, ROLE_COST, row);
    if (faults == 0) return add_row(reader, row, &id);
    int64_t column = reader->map.bad_column;
    const struct csv_field *bad = column >= 0 ? &row->field[column] : &row->field[0];
    return rejects_add(&reader->rejects, faults, row->line, column, bad->text, bad->bytes);
}

static enum status on_bad(void *context, const struct csv_bad *bad)
{
    struct reader *reader = context;
    return rejects_add_malformed(&reader->rejects, bad);
}

enum status ingest_read_products(const struct comm *comm, struct ingest *ingest)
{
    enum status status = OK;
    struct reader reader = {.ingest = ingest};
    struct csv *csv = NULL;
    if (!config_table(ingest->config, "products")) return OK;
    TRY(csv_open(comm, config_path(ingest->config, "products.file"), NULL, &csv));
    TRY_ALL(comm, mapping_open(ingest->config, "products", csv, role_names, ROLES, ROLE_TEXTS,
                               &reader.map));
    TRY(ingest_read_table(comm, ingest, "products", csv, on_row, on_bad, &reader));
    TRY(rejects_close(comm, &reader.rejects, csv, "products", ingest->rejects_file));
    TRY(ingest_check_rejects(ingest->config, &reader.rejects, "products"));
done:
    csv_free(&csv);
    mapping_clear(&reader.map);
    rejects_clear(&reader.rejects);
    return status;
}

/* ---- final codes ---- */

static void recode_records(struct ingest *ingest, const int64_t *code)
{
    struct ingest_records *records = &ingest->records;
    for (int64_t i = 0; i < records->events; i++)
        records->event[i].product = (int32_t)code[records->event[i].product];
    for (int64_t i = 0; i < records->offers; i++)
        records->offer[i].product = (int32_t)code[records->offer[i].product];
    for (int64_t i = 0; i < ingest->product_rows; i++)
        ingest->product_row[i].product = (int32_t)code[ingest->product_row[i].product];
}

/* Several rows, or events, of one product may disagree; the highest code wins, wherever it was
 * read. */
static void raise_to(int32_t *held, int32_t code)
{
    if (code > *held) *held = code;
}

static void merge_max(const struct comm *comm, int32_t *codes, int64_t count)
{
    for (int64_t done = 0; done < count; done += 1024) {
        int64_t wide[1024], now = count - done < 1024 ? count - done : 1024;
        for (int64_t i = 0; i < now; i++) wide[i] = codes[done + i];
        comm_max_int64(comm, wide, now);
        for (int64_t i = 0; i < now; i++) codes[done + i] = (int32_t)wide[i];
    }
}

/* Products without a category share one with an empty name. */
static enum status settle_names(const struct comm *comm, struct ingest *ingest,
                                const int64_t *category, const int64_t *brand)
{
    enum status status = OK;
    struct products *products = &ingest->records.products;
    int64_t count = products->count;
    TRY_ALL(comm, memory_new(&products->category_code, count, sizeof *products->category_code));
    TRY_ALL(comm, memory_new(&products->brand_code, count, sizeof *products->brand_code));
    for (int64_t i = 0; i < ingest->product_rows; i++) {
        const struct product_row *row = &ingest->product_row[i];
        raise_to(&products->category_code[row->product], (int32_t)category[row->category]);
        raise_to(&products->brand_code[row->product], (int32_t)brand[row->brand]);
    }
    for (int64_t i = 0; ingest->event_category != NULL && i < ingest->records.events; i++)
        raise_to(&products->category_code[ingest->records.event[i].product],
                 (int32_t)category[ingest->event_category[i]]);
    free(ingest->event_category);
    ingest->event_category = NULL;
    merge_max(comm, products->category_code, count);
    merge_max(comm, products->brand_code, count);
done:
    return status;
}

/* ---- prices ---- */

/* Prices of the products table; -1 where it has none. */
static enum status table_prices(const struct comm *comm, struct ingest *ingest)
{
    enum status status = OK;
    struct products *products = &ingest->records.products;
    TRY_ALL(comm, memory_new(&products->list_price, products->count, sizeof *products->list_price));
    TRY_ALL(comm, memory_new(&products->unit_cost, products->count, sizeof *products->unit_cost));
    for (int64_t p = 0; p < products->count; p++)
        products->list_price[p] = products->unit_cost[p] = -1.0;
    for (int64_t i = 0; i < ingest->product_rows; i++) {
        const struct product_row *row = &ingest->product_row[i];
        double *list = &products->list_price[row->product],
               *cost = &products->unit_cost[row->product];
        *list = fmax(*list, row->list_price);
        *cost = fmax(*cost, row->unit_cost);
    }
    comm_max_double(comm, products->list_price, products->count);
    comm_max_double(comm, products->unit_cost, products->count);
done:
    return status;
}

/* amount[p] cents and quantity[p] thousandths sold, before discounts where the events tell, else
 * as paid */
static enum status usual_prices(const struct comm *comm, struct ingest *ingest)
{
    enum status status = OK;
    struct products *products = &ingest->records.products;
    int64_t count = products->count, *amount = NULL;
    TRY_ALL(comm, memory_new(&amount, 2 * count, sizeof *amount));
    int64_t *quantity = amount + count;
    for (int64_t i = 0; i < ingest->records.events; i++) {
        const struct event_record *event = &ingest->records.event[i];
        if (event->kind != EVENT_PURCHASE) continue;
        amount[event->product] += event->list_cents >= 0 ? event->list_cents : event->paid_cents;
        quantity[event->product] += event->quantity_milli;
    }
    comm_sum_int64(comm, amount, 2 * count);
    for (int64_t p = 0; p < count; p++) {
        double mean = quantity[p] > 0 ? 1000.0 * (double)amount[p] / (double)quantity[p] : 0.0;
        if (products->list_price[p] < 0.0) products->list_price[p] = 0.01 * rint(mean);
    }
done:
    free(amount);
    return status;
}

static bool assume_costs(struct products *products, double margin)
{
    bool assumed = false;
    for (int64_t p = 0; p < products->count; p++) {
        if (products->unit_cost[p] >= 0.0) continue;
        products->unit_cost[p] = products->list_price[p] * (1.0 - margin);
        assumed = true;
    }
    return assumed;
}

/* Events that did not tell a price before discounts take the product's, if it is above what was
 * paid. */
static void complete_events(struct ingest *ingest)
{
    const struct products *products = &ingest->records.products;
    for (int64_t i = 0; i < ingest->records.events; i++) {
        struct event_record *event = &ingest->records.event[i];
        if (event->list_cents >= 0) continue;
        double list = 0.1 * products->list_price[event->product] * event->quantity_milli;
        event->list_cents = event->paid_cents;
        if (list > event->paid_cents && list < 2.1e9) event->list_cents = (int32_t)llround(list);
    }
}

enum status ingest_products_finish(const struct comm *comm, struct ingest *ingest, bool *assumed)
{
    enum status status = OK;
    struct products *products = &ingest->records.products;
    int64_t *item = NULL, *category = NULL, *brand = NULL;
    enum status named =
        text_set_code(ingest->categories, "", 0) < 0 || text_set_code(ingest->brands, "", 0) < 0
            ? FAIL(ERR_MEMORY, "no memory for names")
            : OK;
    TRY_ALL(comm, named);
    TRY(dictionary_make(comm, ingest->products, &products->id, &item));
    TRY(dictionary_make(comm, ingest->categories, &products->category, &category));
    TRY(dictionary_make(comm, ingest->brands, &products->brand, &brand));
    products->count = products->id.count;
    recode_records(ingest, item);
    TRY(settle_names(comm, ingest, category, brand));
    TRY(table_prices(comm, ingest));
    TRY(usual_prices(comm, ingest));
    complete_events(ingest);
    *assumed = assume_costs(products, config_number(ingest->config, "products.assumed_margin"));
    if (*assumed)
        log_warning(
            "some unit costs are not known: %.0f %% of the list price is assumed to be margin "
            "(products.assumed_margin)",
            100.0 * config_number(ingest->config, "products.assumed_margin"));
done:
    free(item);
    free(category);
    free(brand);
    return status;
}
