/* Reading the products, and settling codes and prices once every table has been read. */
#include "jobs/ingest_products.h"

#include "jobs/filling.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum role {
    ROLE_ID,
    ROLE_CATEGORY,
    ROLE_BRAND,
    ROLE_CURRENCY,
    ROLE_TEXTS,
    ROLE_LIST = ROLE_TEXTS,
    ROLE_COST,
    ROLE_PRICE_FLOOR,
    ROLE_MARGIN_FLOOR,
    ROLE_STOCK,
    ROLES
};

static const char *const role_names[ROLES] = {"product_id",  "category",     "brand",
                                              "currency",    "list_price",   "unit_cost",
                                              "price_floor", "margin_floor", "stock"};

#define AMOUNT_LIMIT 2.1e7

/* ---- reading ---- */

/* Hash of a name, that of "" where it is missing. */
static uint64_t read_name(struct row_state *state, enum role role, const struct csv_row *row,
                          struct names *names)
{
    struct csv_field name = {.text = ""};
    if (mapping_text(&state->map, role, row, &name) != MAPPING_VALUE) name.bytes = 0;
    return names_add(names, name.text, name.bytes);
}

static enum status add_row(struct row_state *state, const struct csv_row *row,
                           const struct csv_field *id, struct product_row product)
{
    enum status status = OK;
    struct ingest *ingest = state->ingest;
    if (ingest->product_rows == ingest->product_capacity) {
        int64_t capacity = ingest->product_capacity > 0 ? 2 * ingest->product_capacity : 1024;
        TRY(memory_grow(&ingest->product_row, ingest->product_rows, capacity,
                        sizeof *ingest->product_row));
        ingest->product_capacity = capacity;
    }
    product.product = names_add(&ingest->products, id->text, id->bytes);
    product.category = read_name(state, ROLE_CATEGORY, row, &ingest->categories);
    product.brand = read_name(state, ROLE_BRAND, row, &ingest->brands);
    if (product.product == 0 || product.category == 0 || product.brand == 0)
        TRY(FAIL(ERR_MEMORY, "no memory for product names; use more ranks"));
    TRY(product_attributes_add(&ingest->product_attributes, product.product, row));
    ingest->product_row[ingest->product_rows++] = product;
    ingest->rejects.account[TABLE_PRODUCTS].kept++;
done:
    return status;
}

/* An amount that cannot be read, is negative or too large for cents in 32 bits makes the row
 * useless; a missing one, -1, does not. */
static double read_amount(struct row_state *state, enum role role, const struct csv_row *row,
                          double rate)
{
    double value = 0;
    enum mapping_result result = mapping_number(&state->map, role, row, &value);
    if (result == MAPPING_BAD || (result == MAPPING_VALUE && value < 0.0))
        row_fault(state, REJECT_bad_number);
    if (result != MAPPING_VALUE) return -1.0;
    if (rate * value > AMOUNT_LIMIT) row_fault(state, REJECT_amount_above_limit);
    return rate * value;
}

/* A fraction, -1 where it is missing; another number makes the row useless. */
static double read_fraction(struct row_state *state, enum role role, const struct csv_row *row)
{
    double value = read_amount(state, role, row, 1.0);
    if (value > 1.0) row_fault(state, REJECT_bad_number);
    return value;
}

static enum status on_row(void *context, const struct csv_row *row)
{
    enum status status = OK;
    struct row_state *state = context;
    struct csv_field id = {0}, name = {0};
    struct product_row product = {0};
    bool forgotten = false;
    TRY(row_begin(state, row, -1, &forgotten));
    if (mapping_name(&state->map, ROLE_ID, row, &id) == MAPPING_MISSING)
        row_fault(state, REJECT_missing_product);
    for (enum role role = ROLE_ID; role < ROLE_CURRENCY; role++)
        if (mapping_name(&state->map, role, row, &name) == MAPPING_BAD)
            row_fault(state, REJECT_long_name);
    double rate = row_rate(state, row, ROLE_CURRENCY, INT64_MAX);
    product.list_price = read_amount(state, ROLE_LIST, row, rate);
    product.unit_cost = read_amount(state, ROLE_COST, row, rate);
    product.price_floor = read_amount(state, ROLE_PRICE_FLOOR, row, rate);
    product.margin_floor = read_fraction(state, ROLE_MARGIN_FLOOR, row);
    product.stock = read_amount(state, ROLE_STOCK, row, 1.0);
    TRY(state->faults == 0 ? add_row(state, row, &id, product) : row_reject(state, row, -1));
done:
    return status;
}

static enum status on_bad(void *context, const struct csv_bad *bad)
{
    return row_malformed(context, bad);
}

enum status ingest_read_products(const struct comm *comm, struct ingest *ingest)
{
    enum status status = OK;
    struct row_state state = {0};
    if (!config_table(ingest->config, "products")) return OK;
    TRY(ingest_open_table(comm, ingest, TABLE_PRODUCTS, role_names, ROLES, ROLE_TEXTS, &state));
    TRY_ALL(comm,
            product_attributes_open(ingest->config, ingest->csv[TABLE_PRODUCTS],
                                    state.map.role[ROLE_ID].column, &ingest->product_attributes));
    TRY(ingest_read_rows(comm, &state, on_row, on_bad, &state));
done:
    row_state_clear(&state);
    return status;
}

/* ---- facts under the first codes ---- */

/* Several rows, or events, of one product may disagree; the highest code wins, wherever it was
 * read. */
static void raise_to(int32_t *held, int32_t code)
{
    if (code > *held) *held = code;
}

static enum status new_facts(const struct ingest *ingest, struct product_facts *facts)
{
    enum status status = OK;
    int64_t count = ingest->products.dictionary.count;
    *facts =
        (struct product_facts){.count = count, .categories = ingest->categories.dictionary.count};
    TRY(memory_new(&facts->listed, count, 1));
    TRY(memory_new(&facts->used, count, 1));
    TRY(memory_new(&facts->category, count, sizeof *facts->category));
    TRY(memory_new(&facts->brand, count, sizeof *facts->brand));
    TRY(memory_new(&facts->list_price, count, sizeof *facts->list_price));
    TRY(memory_new(&facts->unit_cost, count, sizeof *facts->unit_cost));
    TRY(memory_new(&facts->price_floor, count, sizeof *facts->price_floor));
    TRY(memory_new(&facts->margin_floor, count, sizeof *facts->margin_floor));
    TRY(memory_new(&facts->stock, count, sizeof *facts->stock));
    TRY(memory_new(&facts->usual_cents, count, sizeof *facts->usual_cents));
    for (int64_t p = 0; p < count; p++) {
        facts->category[p] = facts->brand[p] = -1;
        facts->list_price[p] = facts->unit_cost[p] = -1.0;
        facts->price_floor[p] = facts->margin_floor[p] = facts->stock[p] = -1.0;
    }
done:
    return status;
}

static void lay_out_rows(const struct ingest *ingest, struct product_facts *facts)
{
    for (int64_t i = 0; i < ingest->product_rows; i++) {
        const struct product_row *row = &ingest->product_row[i];
        int32_t p = names_code(&ingest->products, row->product);
        facts->listed[p] = facts->used[p] = 1;
        raise_to(&facts->category[p], names_code(&ingest->categories, row->category));
        raise_to(&facts->brand[p], names_code(&ingest->brands, row->brand));
        facts->list_price[p] = fmax(facts->list_price[p], row->list_price);
        facts->unit_cost[p] = fmax(facts->unit_cost[p], row->unit_cost);
        facts->price_floor[p] = fmax(facts->price_floor[p], row->price_floor);
        facts->margin_floor[p] = fmax(facts->margin_floor[p], row->margin_floor);
        facts->stock[p] = fmax(facts->stock[p], row->stock);
    }
}

/* Products without a category or brand share one with an empty name. */
static enum status add_empty_names(struct ingest *ingest)
{
    bool added =
        names_add(&ingest->categories, "", 0) != 0 && names_add(&ingest->brands, "", 0) != 0;
    return added ? OK : FAIL(ERR_MEMORY, "no memory for names");
}

enum status product_facts_make(const struct comm *comm, struct ingest *ingest,
                               struct product_facts *facts)
{
    enum status status = OK;
    TRY_ALL(comm, add_empty_names(ingest));
    TRY(names_settle(comm, &ingest->products));
    TRY(names_settle(comm, &ingest->categories));
    TRY(names_settle(comm, &ingest->brands));
    TRY_ALL(comm, new_facts(ingest, facts));
    lay_out_rows(ingest, facts);
    names_join(comm, facts->category, facts->count);
    names_join(comm, facts->brand, facts->count);
    comm_max_double(comm, facts->list_price, facts->count);
    comm_max_double(comm, facts->unit_cost, facts->count);
    comm_max_double(comm, facts->price_floor, facts->count);
    comm_max_double(comm, facts->margin_floor, facts->count);
    comm_max_double(comm, facts->stock, facts->count);
    TRY(names_share(comm, facts->listed, facts->count));
done:
    return status;
}

void product_facts_clear(struct product_facts *facts)
{
    free(facts->listed);
    free(facts->used);
    free(facts->category);
    free(facts->brand);
    free(facts->list_price);
    free(facts->unit_cost);
    free(facts->price_floor);
    free(facts->margin_floor);
    free(facts->stock);
    free(facts->usual_cents);
    *facts = (struct product_facts){0};
}

int64_t category_of(const struct product_facts *facts, int32_t product)
{
    return facts->category[product] < 0 ? 0 : facts->category[product];
}

void product_told(const struct ingest *ingest, struct product_facts *facts, int32_t product,
                  uint64_t category)
{
    if (category != 0)
        raise_to(&facts->category[product], names_code(&ingest->categories, category));
}

void product_facts_join(const struct comm *comm, struct product_facts *facts)
{
    names_join(comm, facts->category, facts->count);
}

/* ---- what stays ---- */

/* Names that a product in use has; the rest goes. */
static enum status keep_names(const struct comm *comm, struct names *names,
                              const struct product_facts *facts, int32_t *of_product,
                              int32_t **code)
{
    enum status status = OK;
    uint8_t *used = NULL;
    int64_t empty = 0; /* "" sorts first */
    TRY_ALL(comm, memory_new(&used, names->dictionary.count, 1));
    for (int64_t p = 0; p < facts->count; p++) {
        if (of_product[p] < 0) of_product[p] = (int32_t)empty;
        if (facts->used[p]) used[of_product[p]] = 1;
    }
    TRY(names_keep(comm, names, used, code));
done:
    free(used);
    return status;
}

/* The floors, or stocks, of the products that have their own; without any the arrays stay NULL. */
static enum status take_floors(const struct product_facts *facts, const int32_t *code,
                               const double *floor, double none, double **taken)
{
    bool any = false;
    int64_t kept = 0;
    for (int64_t p = 0; p < facts->count; p++) {
        any = any || (code[p] >= 0 && floor[p] >= 0.0);
        kept += code[p] >= 0;
    }
    enum status status = any ? memory_new(taken, kept, sizeof **taken) : OK;
    for (int64_t p = 0; any && status == OK && p < facts->count; p++)
        if (code[p] >= 0) (*taken)[code[p]] = floor[p] >= 0.0 ? floor[p] : none;
    return status;
}

/* Rows of the products in use, with final codes; names move into `products`. */
static enum status take_products(const struct product_facts *facts, const int32_t *code,
                                 const int32_t *category, const int32_t *brand,
                                 struct products *products)
{
    enum status status = OK;
    int64_t count = products->count;
    TRY(memory_new(&products->category_code, count, sizeof *products->category_code));
    TRY(memory_new(&products->brand_code, count, sizeof *products->brand_code));
    TRY(memory_new(&products->list_price, count, sizeof *products->list_price));
    TRY(memory_new(&products->unit_cost, count, sizeof *products->unit_cost));
    for (int64_t p = 0; p < facts->count; p++) {
        if (code[p] < 0) continue;
        products->category_code[code[p]] = category[facts->category[p]];
        products->brand_code[code[p]] = brand[facts->brand[p]];
        products->list_price[code[p]] = facts->list_price[p];
        products->unit_cost[code[p]] = facts->unit_cost[p];
    }
    TRY(take_floors(facts, code, facts->price_floor, 0.0, &products->price_floor));
    TRY(take_floors(facts, code, facts->margin_floor, NAN, &products->margin_floor));
    TRY(take_floors(facts, code, facts->stock, NAN, &products->stock));
done:
    return status;
}

static void move_dictionary(struct names *names, struct dictionary *to)
{
    *to = names->dictionary;
    names->dictionary = (struct dictionary){0};
}

/* ---- prices ---- */

static void usual_prices(struct product_facts *facts)
{
    for (int64_t p = 0; p < facts->count; p++)
        if (facts->list_price[p] < 0.0) facts->list_price[p] = 0.01 * (double)facts->usual_cents[p];
}

/* Fill the values below 0 as the setting says; left as they are where it derives them. */
static enum status fill_missing(const struct comm *comm, const struct ingest *ingest,
                                enum impute_what what, const struct product_facts *facts,
                                double *value)
{
    enum status status = OK, learned = OK;
    struct filling filling = {0};
    int64_t groups = facts->count > facts->categories ? facts->count : facts->categories;
    TRY_ALL(comm, filling_init(ingest->config, what, ingest->memory_bytes / 16, ingest->folder,
                               &filling));
    if (filling.policy.rule == IMPUTE_DERIVE) goto done;
    for (int32_t p = 0; comm->rank == 0 && p < facts->count && learned == OK; p++)
        if (facts->used[p] && value[p] >= 0.0)
            learned = filling_learn(&filling, p, category_of(facts, p), value[p]);
    TRY_ALL(comm, learned);
    TRY(filling_finish(comm, &filling, groups));
    int64_t filled = 0;
    for (int32_t p = 0; p < facts->count; p++) {
        double stand_in = filling_value(&filling, p, category_of(facts, p));
        if (value[p] >= 0.0 || !(stand_in >= 0.0)) continue;
        value[p] = stand_in;
        filled += facts->used[p];
    }
    log_info("  missing values: %lld products filled by %s", (long long)filled, impute_key(what));
done:
    filling_clear(&filling);
    return status;
}

static void assume_costs(const struct config *config, struct product_facts *facts, bool *assumed)
{
    double margin = config_number(config, "products.assumed_margin");
    *assumed = false;
    for (int64_t p = 0; p < facts->count; p++) {
        if (facts->unit_cost[p] >= 0.0) continue;
        facts->unit_cost[p] = facts->list_price[p] * (1.0 - margin);
        *assumed = *assumed || facts->used[p];
    }
    if (*assumed)
        log_warning("some unit costs are not known: %.0f %% of the list price is assumed to be "
                    "margin (products.assumed_margin)",
                    100.0 * margin);
}

enum status products_finish(const struct comm *comm, struct ingest *ingest,
                            struct product_facts *facts, struct products *products, int32_t **code,
                            bool *assumed)
{
    enum status status = OK;
    int32_t *category = NULL, *brand = NULL;
    TRY(names_keep(comm, &ingest->products, facts->used, code));
    TRY(keep_names(comm, &ingest->categories, facts, facts->category, &category));
    TRY(keep_names(comm, &ingest->brands, facts, facts->brand, &brand));
    TRY(fill_missing(comm, ingest, IMPUTE_LIST_PRICE, facts, facts->list_price));
    usual_prices(facts);
    TRY(fill_missing(comm, ingest, IMPUTE_UNIT_COST, facts, facts->unit_cost));
    assume_costs(ingest->config, facts, assumed);
    move_dictionary(&ingest->products, &products->id);
    move_dictionary(&ingest->categories, &products->category);
    move_dictionary(&ingest->brands, &products->brand);
    products->count = products->id.count;
    TRY_ALL(comm, take_products(facts, *code, category, brand, products));
    TRY(product_attributes_finish(comm, &ingest->product_attributes, &ingest->products,
                                  facts->count, *code, products));
done:
    free(category);
    free(brand);
    return status;
}
