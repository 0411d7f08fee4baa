/* Reading the events: every fault of a row is found, the row is rejected for the first. */
#include "jobs/ingest_read.h"

#include "io/dataset.h"
#include "jobs/impute.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <xxhash.h>

enum role {
    ROLE_USER,
    ROLE_PRODUCT,
    ROLE_TIME,
    ROLE_KIND,
    ROLE_CATEGORY,
    ROLE_CURRENCY,
    ROLE_TEXTS,
    ROLE_QUANTITY = ROLE_TEXTS,
    ROLE_PRICE,
    ROLE_DISCOUNT,
    ROLE_LIST,
    ROLE_RETURN,
    ROLE_PROMOTION,
    ROLES
};

static const char *const role_names[ROLES] = {"user_id",  "product_id", "time",        "kind",
                                              "category", "currency",   "quantity",    "unit_price",
                                              "discount", "list_price", "return_flag", "promotion"};

#define QUANTITY_LIMIT 2e6
#define CENTS_LIMIT 2.1e9

struct reader {
    struct row_state state;
    double min_price, max_price, max_quantity;
    int64_t time_from, time_to;
    bool drop_returns;
    struct impute_policy price, quantity; /* where they are missing */
    char *joined;                         /* work space for the hash of a row */
    size_t joined_bytes;
};

/* ---- faults of one row ---- */

static bool has_fault(const struct reader *reader, enum reject reason)
{
    return (reader->state.faults & REJECT_BIT(reason)) != 0;
}

/* A number that may be missing; its fault if it is not a number. */
static double number_or(struct reader *reader, enum role role, const struct csv_row *row,
                        double missing)
{
    double value = NAN;
    struct mapping *map = &reader->state.map;
    if (!mapping_has(map, role)) return missing;
    enum mapping_result result = mapping_number(map, role, row, &value);
    if (result == MAPPING_BAD) row_fault(&reader->state, REJECT_bad_number);
    return result == MAPPING_VALUE ? value : NAN;
}

static const struct {
    const char *word;
    enum event_kind kind;
} kind_words[] = {
    {"view", EVENT_VIEW},      {"click", EVENT_CLICK},      {"cart", EVENT_CART},
    {"addtocart", EVENT_CART}, {"add_to_cart", EVENT_CART}, {"purchase", EVENT_PURCHASE},
    {"buy", EVENT_PURCHASE},   {"order", EVENT_PURCHASE},   {"transaction", EVENT_PURCHASE},
    {"return", EVENT_RETURN},  {"refund", EVENT_RETURN},    {"rating", EVENT_RATING}};

static enum event_kind read_kind(struct reader *reader, const struct csv_row *row)
{
    struct csv_field field;
    struct mapping *map = &reader->state.map;
    if (!mapping_has(map, ROLE_KIND)) return EVENT_PURCHASE;
    if (mapping_text(map, ROLE_KIND, row, &field) == MAPPING_VALUE)
        for (size_t w = 0; w < sizeof kind_words / sizeof *kind_words; w++)
            if (strlen(kind_words[w].word) == field.bytes &&
                strncasecmp(kind_words[w].word, field.text, field.bytes) == 0)
                return kind_words[w].kind;
    row_fault(&reader->state, REJECT_bad_kind);
    return EVENT_PURCHASE;
}

static void read_names(struct reader *reader, const struct csv_row *row, struct csv_field *product)
{
    struct csv_field category;
    struct row_state *state = &reader->state;
    enum mapping_result named = mapping_name(&state->map, ROLE_PRODUCT, row, product);
    if (named == MAPPING_MISSING) row_fault(state, REJECT_missing_product);
    if (named == MAPPING_BAD) row_fault(state, REJECT_long_name);
    if (mapping_name(&state->map, ROLE_CATEGORY, row, &category) == MAPPING_BAD)
        row_fault(state, REJECT_long_name);
}

static int64_t read_time(struct reader *reader, const struct csv_row *row)
{
    int64_t seconds = 0;
    struct row_state *state = &reader->state;
    enum mapping_result time = mapping_time(&state->map, ROLE_TIME, row, &seconds);
    if (time == MAPPING_MISSING) row_fault(state, REJECT_missing_time);
    if (time == MAPPING_BAD) row_fault(state, REJECT_bad_time);
    if (time != MAPPING_VALUE) return 0;
    state->map.bad_column = state->map.role[ROLE_TIME].column;
    if (seconds < reader->time_from || seconds >= reader->time_to)
        row_fault(state, REJECT_outside_window);
    return seconds;
}

static bool is_priced(const struct event_record *event)
{
    return event->kind == EVENT_PURCHASE || event->kind == EVENT_RETURN;
}

/* What stands in for a missing amount: a number, -1 for later, NAN for none. */
static double stand_in(struct impute_policy policy, double value, enum missing what,
                       struct event_record *event)
{
    if (!isnan(value) || policy.rule == IMPUTE_DROP) return value;
    event->missing |= (uint8_t)what;
    return policy.rule == IMPUTE_NUMBER ? policy.number : -1.0;
}

/* A return may have either sign; what has no price needs no quantity: 1 unless it tells one. */
static double read_quantity(struct reader *reader, const struct csv_row *row,
                            struct event_record *event)
{
    bool flagged = false;
    struct row_state *state = &reader->state;
    if (mapping_flag(&state->map, ROLE_RETURN, row, &flagged) == MAPPING_BAD)
        row_fault(state, REJECT_bad_number);
    double quantity = number_or(reader, ROLE_QUANTITY, row, 1.0);
    state->map.bad_column = state->map.role[ROLE_QUANTITY].column;
    if (quantity < 0.0 || flagged || event->kind == EVENT_RETURN) {
        event->kind = EVENT_RETURN;
        if (reader->drop_returns) row_fault(state, REJECT_return_row);
        quantity = fabs(quantity);
    }
    bool bad = has_fault(reader, REJECT_bad_number);
    if (!(quantity >= 0.0005) && !is_priced(event)) quantity = 1.0; /* NaN too */
    if (event->kind == EVENT_PURCHASE && !bad)
        quantity = stand_in(reader->quantity, quantity, MISSING_QUANTITY, event);
    if (!(quantity >= 0.0005) && quantity != -1.0 && !bad) row_fault(state, REJECT_zero_quantity);
    if (quantity > QUANTITY_LIMIT || quantity > reader->max_quantity)
        row_fault(state, REJECT_quantity_above_limit);
    return quantity;
}

/* List amount per unit from what the row tells, NaN where it tells nothing. */
static double read_list(struct reader *reader, const struct csv_row *row, double price, double rate)
{
    double list = rate * number_or(reader, ROLE_LIST, row, NAN),
           discount = number_or(reader, ROLE_DISCOUNT, row, NAN);
    if (isnan(discount)) return list > price ? list : (isnan(list) ? NAN : price);
    if (fabs(discount) < 1e-9) discount = 0.0; /* rounding of an expression */
    if (!(discount >= 0.0 && discount < 1.0)) {
        reader->state.map.bad_column = reader->state.map.role[ROLE_DISCOUNT].column;
        row_fault(&reader->state, REJECT_bad_discount);
        return NAN;
    }
    return isnan(list) ? price / (1.0 - discount) : list;
}

/* The units that amounts are of: one where the quantity is still to be filled. */
static double units_of(double quantity)
{
    return quantity > 0.0 ? quantity : 1.0;
}

/* Amounts of the line in cents. */
static void set_amounts(struct event_record *event, double price, double list, double quantity)
{
    double units = units_of(quantity);
    event->quantity_milli = quantity > 0.0 ? (int32_t)llround(1000.0 * quantity) : -1;
    event->paid_cents = price < 0.0 ? -1 : (int32_t)llround(100.0 * price * units);
    event->list_cents = isnan(list) ? -1 : (int32_t)llround(100.0 * list * units);
    if (event->list_cents >= 0 && event->list_cents < event->paid_cents)
        event->list_cents = event->paid_cents;
}

/* A flag that is missing says no. */
static uint8_t read_promotion(struct reader *reader, const struct csv_row *row)
{
    bool flagged = false;
    if (mapping_flag(&reader->state.map, ROLE_PROMOTION, row, &flagged) == MAPPING_BAD)
        row_fault(&reader->state, REJECT_bad_number);
    return flagged;
}

static void read_amounts(struct reader *reader, const struct csv_row *row,
                         struct event_record *event, double rate)
{
    struct row_state *state = &reader->state;
    double price = rate * number_or(reader, ROLE_PRICE, row, NAN);
    int64_t price_column = state->map.bad_column;
    double quantity = read_quantity(reader, row, event);
    if (!is_priced(event)) {
        if (state->faults == 0) event->quantity_milli = (int32_t)llround(1000.0 * quantity);
        return;
    }
    state->map.bad_column = price_column;
    bool bad = has_fault(reader, REJECT_bad_number);
    if (event->kind == EVENT_PURCHASE && !bad)
        price = stand_in(reader->price, price, MISSING_PRICE, event);
    if (isnan(price) && !bad) row_fault(state, REJECT_missing_price);
    bool later = (event->missing & MISSING_PRICE) != 0 && price == -1.0;
    if (price <= reader->min_price && !later) row_fault(state, REJECT_price_not_positive);
    if (price > reader->max_price) row_fault(state, REJECT_price_above_limit);
    double list = read_list(reader, row, price, rate);
    if (later) list = NAN; /* but its faults count */
    state->map.bad_column = price_column;
    double most = 100.0 * (list > price ? list : price) * units_of(quantity);
    if (most > CENTS_LIMIT) row_fault(state, REJECT_amount_above_limit);
    if (state->faults == 0) set_amounts(event, price, list, quantity);
}

/* ---- keeping a row ---- */

/* Hash of all fields: repeats are rows with equal ones. */
static enum status hash_row(struct reader *reader, const struct csv_row *row)
{
    enum status status = OK;
    size_t used = 0, needed = 0;
    for (int64_t f = 0; f < row->fields; f++) needed += row->field[f].bytes + 1;
    if (needed > reader->joined_bytes) {
        TRY(memory_grow(&reader->joined, 0, 2 * (int64_t)needed, 1));
        reader->joined_bytes = 2 * needed;
    }
    for (int64_t f = 0; f < row->fields; f++) {
        memcpy(reader->joined + used, row->field[f].text, row->field[f].bytes);
        used += row->field[f].bytes;
        reader->joined[used++] = 0; /* no field holds a NUL */
    }
    reader->state.row = XXH3_64bits(reader->joined, used);
done:
    return status;
}

/* Hash of the row's category, 0 where it has none. */
static enum status read_category(struct reader *reader, const struct csv_row *row, uint64_t *hash)
{
    struct csv_field category;
    struct row_state *state = &reader->state;
    *hash = 0;
    if (mapping_text(&state->map, ROLE_CATEGORY, row, &category) != MAPPING_VALUE) return OK;
    *hash = names_add(&state->ingest->categories, category.text, category.bytes);
    return *hash != 0 ? OK : FAIL(ERR_MEMORY, "no memory for categories; use more ranks");
}

static enum status keep_event(struct reader *reader, const struct csv_row *row,
                              struct event_record *event, const struct csv_field *product)
{
    enum status status = OK;
    struct row_state *state = &reader->state;
    event->user = state->user;
    event->row = state->row;
    event->place = state->place;
    event->product = names_add(&state->ingest->products, product->text, product->bytes);
    if (event->product == 0) TRY(FAIL(ERR_MEMORY, "no memory for product ids; use more ranks"));
    TRY(read_category(reader, row, &event->category));
    TRY(row_keep_user(state, row, ROLE_USER));
    TRY(sorter_add(state->ingest->events, event));
done:
    return status;
}

static enum status on_row(void *context, const struct csv_row *row)
{
    enum status status = OK;
    struct reader *reader = context;
    struct row_state *state = &reader->state;
    struct event_record event = {0};
    struct csv_field product = {0};
    bool forgotten = false;
    TRY(row_begin(state, row, ROLE_USER, &forgotten));
    if (forgotten) return OK;
    read_names(reader, row, &product);
    int64_t seconds = read_time(reader, row);
    event.time = INGEST_TIME(seconds);
    event.kind = (uint8_t)read_kind(reader, row);
    double rate = row_rate(state, row, ROLE_CURRENCY, seconds);
    event.promotion = read_promotion(reader, row);
    read_amounts(reader, row, &event, rate);
    TRY(hash_row(reader, row));
    if (state->faults != 0 && event.kind == EVENT_RETURN) row_fault(state, REJECT_return_row);
    if (state->faults == 0)
        TRY(keep_event(reader, row, &event, &product));
    else
        TRY(row_reject(state, row, ROLE_USER));
done:
    return status;
}

static enum status on_bad(void *context, const struct csv_bad *bad)
{
    struct reader *reader = context;
    return row_malformed(&reader->state, bad);
}

/* ---- the table ---- */

static double limit_or(const struct config *config, const char *key, double otherwise)
{
    double limit = config_number(config, key);
    return isnan(limit) ? otherwise : limit;
}

static void settings(struct reader *reader, const struct config *config)
{
    reader->min_price = config_number(config, "ingest.min_price");
    reader->max_price = limit_or(config, "ingest.max_price", INFINITY);
    reader->max_quantity = limit_or(config, "ingest.max_quantity", QUANTITY_LIMIT);
    reader->drop_returns = config_is(config, "ingest.returns", "drop");
    ingest_window(config, &reader->time_from, &reader->time_to);
    reader->price = impute_policy_of(config, IMPUTE_UNIT_PRICE);
    reader->quantity = impute_policy_of(config, IMPUTE_QUANTITY);
}

enum status ingest_read_events(const struct comm *comm, struct ingest *ingest)
{
    enum status status = OK;
    struct reader reader = {0};
    settings(&reader, ingest->config);
    TRY(ingest_open_table(comm, ingest, TABLE_EVENTS, role_names, ROLES, ROLE_TEXTS,
                          &reader.state));
    TRY(ingest_read_rows(comm, &reader.state, on_row, on_bad, &reader));
done:
    row_state_clear(&reader.state);
    free(reader.joined);
    return status;
}
