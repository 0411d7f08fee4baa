/* Reading the events: every fault of a row is found, the row is rejected for the first. */
#include "jobs/ingest_read.h"

#include "jobs/ingest_repeats.h"
#include "jobs/mapping.h"
#include "mpi/log.h"
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
    ROLE_TEXTS,
    ROLE_QUANTITY = ROLE_TEXTS,
    ROLE_PRICE,
    ROLE_DISCOUNT,
    ROLE_LIST,
    ROLE_RETURN,
    ROLES
};

static const char *const role_names[ROLES] = {"user_id",    "product_id", "time",       "kind",
                                              "category",   "quantity",   "unit_price", "discount",
                                              "list_price", "return_flag"};

#define QUANTITY_LIMIT 2e6
#define CENTS_LIMIT 2.1e9

struct reader {
    struct ingest *ingest;
    struct mapping map;
    struct rejects rejects;
    double min_price, max_quantity;
    bool keep_returns;
    uint32_t faults;    /* of the row at hand */
    int64_t bad_column; /* of its first fault in the order of precedence */
    int64_t rows, rows_capacity;
    struct row_mark *mark; /* [rows] */
    uint8_t *kept;         /* [rows] */
    int64_t *line;         /* [events] line of each kept event */
    int rank;
    char *joined; /* work space for the hash of a row */
    size_t joined_bytes;
};

/* ---- faults of one row ---- */

static void fault(struct reader *reader, enum reject reason)
{
    uint32_t bit = (uint32_t)1 << reason;
    if (reader->faults == 0 || bit < (reader->faults & -reader->faults))
        reader->bad_column = reader->map.bad_column;
    reader->faults |= bit;
}

/* A number that may be missing; its fault if it is not a number. */
static double number_or(struct reader *reader, enum role role, const struct csv_row *row,
                        double missing)
{
    double value = NAN;
    if (!mapping_has(&reader->map, role)) return missing;
    enum mapping_result result = mapping_number(&reader->map, role, row, &value);
    if (result == MAPPING_BAD) fault(reader, REJECT_bad_number);
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
    if (!mapping_has(&reader->map, ROLE_KIND)) return EVENT_PURCHASE;
    if (mapping_text(&reader->map, ROLE_KIND, row, &field) == MAPPING_VALUE)
        for (size_t w = 0; w < sizeof kind_words / sizeof *kind_words; w++)
            if (strlen(kind_words[w].word) == field.bytes &&
                strncasecmp(kind_words[w].word, field.text, field.bytes) == 0)
                return kind_words[w].kind;
    fault(reader, REJECT_bad_kind);
    return EVENT_PURCHASE;
}

static void read_ids(struct reader *reader, const struct csv_row *row, struct event_record *event,
                     struct csv_field *user, struct csv_field *product)
{
    struct csv_field category;
    enum mapping_result named = mapping_name(&reader->map, ROLE_USER, row, user);
    if (named == MAPPING_MISSING) fault(reader, REJECT_missing_user);
    if (named == MAPPING_BAD) fault(reader, REJECT_long_name);
    named = mapping_name(&reader->map, ROLE_PRODUCT, row, product);
    if (named == MAPPING_MISSING) fault(reader, REJECT_missing_product);
    if (named == MAPPING_BAD) fault(reader, REJECT_long_name);
    if (mapping_name(&reader->map, ROLE_CATEGORY, row, &category) == MAPPING_BAD)
        fault(reader, REJECT_long_name);
    enum mapping_result time = mapping_time(&reader->map, ROLE_TIME, row, &event->time);
    if (time == MAPPING_MISSING) fault(reader, REJECT_missing_time);
    if (time == MAPPING_BAD) fault(reader, REJECT_bad_time);
}

static bool is_priced(const struct event_record *event)
{
    return event->kind == EVENT_PURCHASE || event->kind == EVENT_RETURN;
}

/* A return may have either sign; what has no price needs no quantity: 1 unless it tells one. */
static double read_quantity(struct reader *reader, const struct csv_row *row,
                            struct event_record *event)
{
    bool flagged = false;
    if (mapping_flag(&reader->map, ROLE_RETURN, row, &flagged) == MAPPING_BAD)
        fault(reader, REJECT_bad_number);
    double quantity = number_or(reader, ROLE_QUANTITY, row, 1.0);
    reader->map.bad_column = reader->map.role[ROLE_QUANTITY].column;
    if (quantity < 0.0 || flagged || event->kind == EVENT_RETURN) {
        event->kind = EVENT_RETURN;
        if (!reader->keep_returns) fault(reader, REJECT_return_row);
        quantity = fabs(quantity);
    }
    bool bad = (reader->faults & ((uint32_t)1 << REJECT_bad_number)) != 0;
    if (!(quantity >= 0.0005) && !is_priced(event)) quantity = 1.0; /* NaN too */
    if (!(quantity >= 0.0005) && !bad) fault(reader, REJECT_zero_quantity);
    if (quantity > QUANTITY_LIMIT || quantity > reader->max_quantity)
        fault(reader, REJECT_quantity_above_limit);
    if (reader->faults == 0) event->quantity_milli = (int32_t)llround(1000.0 * quantity);
    return quantity;
}

/* List amount per unit from what the row tells, NaN where it tells nothing. */
static double read_list(struct reader *reader, const struct csv_row *row, double price)
{
    double list = number_or(reader, ROLE_LIST, row, NAN),
           discount = number_or(reader, ROLE_DISCOUNT, row, NAN);
    if (isnan(discount)) return list > price ? list : (isnan(list) ? NAN : price);
    if (fabs(discount) < 1e-9) discount = 0.0; /* rounding of an expression */
    if (!(discount >= 0.0 && discount < 1.0)) {
        reader->map.bad_column = reader->map.role[ROLE_DISCOUNT].column;
        fault(reader, REJECT_bad_discount);
        return NAN;
    }
    return isnan(list) ? price / (1.0 - discount) : list;
}

static void read_amounts(struct reader *reader, const struct csv_row *row,
                         struct event_record *event)
{
    double price = number_or(reader, ROLE_PRICE, row, NAN);
    int64_t price_column = reader->map.bad_column;
    double quantity = read_quantity(reader, row, event);
    if (!is_priced(event)) return;
    reader->map.bad_column = price_column;
    bool bad = (reader->faults & ((uint32_t)1 << REJECT_bad_number)) != 0;
    if (isnan(price) && !bad) fault(reader, REJECT_missing_price);
    if (price <= reader->min_price) fault(reader, REJECT_price_not_positive);
    double list = read_list(reader, row, price);
    reader->map.bad_column = price_column;
    if (100.0 * price * quantity > CENTS_LIMIT || 100.0 * list * quantity > CENTS_LIMIT)
        fault(reader, REJECT_amount_above_limit);
    if (reader->faults != 0) return;
    event->paid_cents = (int32_t)llround(100.0 * price * quantity);
    event->list_cents = isnan(list) ? -1 : (int32_t)llround(100.0 * list * quantity);
    if (event->list_cents >= 0 && event->list_cents < event->paid_cents)
        event->list_cents = event->paid_cents;
}

/* ---- keeping a row ---- */

static enum status mark_row(struct reader *reader, const struct csv_row *row)
{
    enum status status = OK;
    size_t used = 0, needed = 0;
    if (reader->rows == reader->rows_capacity) {
        int64_t capacity = reader->rows_capacity > 0 ? 2 * reader->rows_capacity : 4096;
        TRY(memory_grow(&reader->mark, reader->rows, capacity, sizeof *reader->mark));
        TRY(memory_grow(&reader->kept, reader->rows, capacity, 1));
        TRY(memory_grow(&reader->line, reader->rows, capacity, sizeof *reader->line));
        reader->rows_capacity = capacity;
    }
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
    XXH128_hash_t hash = XXH3_128bits(reader->joined, used);
    reader->mark[reader->rows] =
        (struct row_mark){hash.high64, hash.low64, reader->rows, reader->rank};
    reader->kept[reader->rows++] = reader->faults == 0;
done:
    return status;
}

/* Provisional code of the row's category, "" where it has none; -1 if out of memory. */
static int64_t category_of(struct reader *reader, const struct csv_row *row)
{
    struct csv_field category = {.text = ""};
    if (mapping_text(&reader->map, ROLE_CATEGORY, row, &category) != MAPPING_VALUE)
        category.bytes = 0;
    return text_set_code(reader->ingest->categories, category.text, category.bytes);
}

static enum status keep_event(struct reader *reader, const struct csv_row *row,
                              struct event_record *event, const struct csv_field *user,
                              const struct csv_field *product)
{
    enum status status = OK;
    struct ingest *ingest = reader->ingest;
    struct ingest_records *records = &ingest->records;
    if (records->events == ingest->event_capacity) {
        int64_t capacity = ingest->event_capacity > 0 ? ingest->event_capacity * 3 / 2 : 4096;
        TRY(memory_grow(&records->event, records->events, capacity, sizeof *records->event));
        if (mapping_has(&reader->map, ROLE_CATEGORY))
            TRY(memory_grow(&ingest->event_category, records->events, capacity,
                            sizeof *ingest->event_category));
        ingest->event_capacity = capacity;
    }
    int64_t code = ingest_user(&records->users, user->text, user->bytes);
    int64_t item = text_set_code(ingest->products, product->text, product->bytes);
    int64_t category = ingest->event_category != NULL ? category_of(reader, row) : 0;
    if (code < 0 || item < 0 || category < 0)
        TRY(FAIL(ERR_MEMORY, "no memory for ids; use more ranks"));
    event->user = records->users.key[code];
    event->product = (int32_t)item;
    if (ingest->event_category != NULL) ingest->event_category[records->events] = (int32_t)category;
    reader->line[records->events] = row->line;
    records->event[records->events++] = *event;
done:
    return status;
}

static enum status on_row(void *context, const struct csv_row *row)
{
    struct reader *reader = context;
    struct event_record event = {0};
    struct csv_field user = {0}, product = {0};
    reader->faults = 0;
    reader->bad_column = -1;
    reader->rejects.read++;
    read_ids(reader, row, &event, &user, &product);
    event.kind = (uint8_t)read_kind(reader, row);
    read_amounts(reader, row, &event);
    enum status status = mark_row(reader, row);
    if (status != OK) return status;
    if (reader->faults == 0) return keep_event(reader, row, &event, &user, &product);
    bool named = reader->bad_column >= 0;
    const struct csv_field *bad = named ? &row->field[reader->bad_column] : NULL;
    return rejects_add(&reader->rejects, reader->faults, row->line, reader->bad_column,
                       named ? bad->text : "", named ? bad->bytes : 0);
}

static enum status on_bad(void *context, const struct csv_bad *bad)
{
    struct reader *reader = context;
    return rejects_add_malformed(&reader->rejects, bad);
}

/* ---- repeats ---- */

/* Drop the kept events whose row repeats an earlier one, and count the repeats among the
 * rejected. */
static enum status drop_repeats(struct reader *reader, const uint8_t *repeated, bool drop)
{
    enum status status = OK;
    struct ingest_records *records = &reader->ingest->records;
    int64_t event = 0, kept = 0;
    for (int64_t r = 0; r < reader->rows; r++) {
        if (!reader->kept[r] || (repeated[r] && !drop))
            reader->rejects.faults[REJECT_repeat] += repeated[r];
        if (!reader->kept[r]) continue;
        if (repeated[r] && drop) {
            TRY(rejects_add(&reader->rejects, (uint32_t)1 << REJECT_repeat, reader->line[event], -1,
                            "", 0));
        } else {
            if (reader->ingest->event_category != NULL)
                reader->ingest->event_category[kept] = reader->ingest->event_category[event];
            records->event[kept++] = records->event[event];
        }
        event++;
    }
    records->events = kept;
    reader->rejects.kept = kept;
done:
    return status;
}

/* ---- the table ---- */

static void reader_clear(struct reader *reader)
{
    mapping_clear(&reader->map);
    rejects_clear(&reader->rejects);
    free(reader->mark);
    free(reader->kept);
    free(reader->line);
    free(reader->joined);
}

static void settings(struct reader *reader, const struct config *config)
{
    reader->min_price = config_number(config, "ingest.min_price");
    double limit = config_number(config, "ingest.max_quantity");
    reader->max_quantity = isnan(limit) ? QUANTITY_LIMIT : limit;
    reader->keep_returns = config_is(config, "ingest.returns", "keep");
}

enum status ingest_read_events(const struct comm *comm, struct ingest *ingest)
{
    enum status status = OK;
    struct reader reader = {.ingest = ingest, .rank = comm->rank};
    struct csv *csv = NULL;
    uint8_t *repeated = NULL;
    bool stop = config_is(ingest->config, "ingest.on_bad_row", "stop");
    settings(&reader, ingest->config);
    TRY(csv_open(comm, config_path(ingest->config, "events.file"), NULL, &csv));
    TRY_ALL(comm, mapping_open(ingest->config, "events", csv, role_names, ROLES, ROLE_TEXTS,
                               &reader.map));
    TRY(ingest_read_table(comm, ingest, "events", csv, on_row, stop ? NULL : on_bad, &reader));
    TRY(ingest_find_repeats(comm, &reader.mark, reader.rows, &repeated));
    bool drop = config_is(ingest->config, "ingest.repeats", "drop");
    TRY_ALL(comm, drop_repeats(&reader, repeated, drop));
    TRY(rejects_close(comm, &reader.rejects, csv, "events", ingest->rejects_file));
    TRY(ingest_check_rejects(ingest->config, &reader.rejects, "events"));
    if (reader.rejects.kept == 0)
        TRY(FAIL(ERR_DATA,
                 "%s: none of its %lld rows can be used; see rejects.csv in the run folder and "
                 "check events.columns",
                 csv->path, (long long)reader.rejects.read));
done:
    free(repeated);
    csv_free(&csv);
    reader_clear(&reader);
    return status;
}
