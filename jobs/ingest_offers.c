/* Reading the offers: discounts given in the past and what came of them. */
#include "jobs/ingest_read.h"

#include "jobs/mapping.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum role {
    ROLE_USER,
    ROLE_PRODUCT,
    ROLE_TIME,
    ROLE_TEXTS,
    ROLE_DISCOUNT = ROLE_TEXTS,
    ROLE_PROPENSITY,
    ROLE_SHOWN,
    ROLE_CLICKED,
    ROLE_REDEEMED,
    ROLE_REVENUE,
    ROLES
};

static const char *const role_names[ROLES] = {"user_id",  "product_id", "time",
                                              "discount", "propensity", "shown",
                                              "clicked",  "redeemed",   "revenue"};

struct reader {
    struct ingest *ingest;
    struct mapping map;
    struct rejects rejects;
};

/* Set or clear one bit by a yes-or-no role, left as it is where it is not mapped or empty; false if
 * it cannot be read. */
static bool read_flag(struct reader *reader, enum role role, const struct csv_row *row,
                      enum offer_flag flag, uint8_t *flags)
{
    bool set = (*flags & flag) != 0;
    enum mapping_result result = mapping_flag(&reader->map, role, row, &set);
    *flags = (uint8_t)(set ? *flags | flag : *flags & ~flag);
    return result != MAPPING_BAD;
}

/* Seen unless it says no; redeemed where something was paid, unless it says. */
static bool read_flags(struct reader *reader, const struct csv_row *row, struct offer_record *offer)
{
    offer->flags = offer->revenue_cents > 0 ? OFFER_SHOWN | OFFER_REDEEMED : OFFER_SHOWN;
    return read_flag(reader, ROLE_SHOWN, row, OFFER_SHOWN, &offer->flags) &&
           read_flag(reader, ROLE_CLICKED, row, OFFER_CLICKED, &offer->flags) &&
           read_flag(reader, ROLE_REDEEMED, row, OFFER_REDEEMED, &offer->flags);
}

static uint32_t read_offer(struct reader *reader, const struct csv_row *row,
                           struct offer_record *offer, struct csv_field *user,
                           struct csv_field *product)
{
    struct mapping *map = &reader->map;
    double discount = NAN, propensity = NAN, revenue = 0;
    enum mapping_result named = mapping_name(map, ROLE_USER, row, user);
    if (named != MAPPING_VALUE)
        return 1U << (named == MAPPING_BAD ? REJECT_long_name : REJECT_missing_user);
    named = mapping_name(map, ROLE_PRODUCT, row, product);
    if (named != MAPPING_VALUE)
        return 1U << (named == MAPPING_BAD ? REJECT_long_name : REJECT_missing_product);
    enum mapping_result time = mapping_time(map, ROLE_TIME, row, &offer->time);
    if (time != MAPPING_VALUE)
        return 1U << (time == MAPPING_MISSING ? REJECT_missing_time : REJECT_bad_time);
    if (mapping_number(map, ROLE_REVENUE, row, &revenue) == MAPPING_BAD)
        return 1U << REJECT_bad_number;
    if (revenue > 2.1e7) return 1U << REJECT_amount_above_limit;
    if (mapping_number(map, ROLE_PROPENSITY, row, &propensity) == MAPPING_BAD)
        return 1U << REJECT_bad_number;
    offer->propensity = (float)propensity; /* as it is kept: tiny ones are 0 */
    if (offer->propensity <= 0.0f || propensity > 1.0) return 1U << REJECT_bad_number;
    enum mapping_result given = mapping_number(map, ROLE_DISCOUNT, row, &discount);
    offer->discount = (float)discount + 0.0f; /* -0 becomes 0: what is equal has the same bits */
    if (given != MAPPING_VALUE || !(discount >= 0.0 && offer->discount < 1.0f))
        return 1U << REJECT_bad_discount;
    offer->revenue_cents = revenue > 0.0 ? (int32_t)llround(100.0 * revenue) : 0;
    return read_flags(reader, row, offer) ? 0 : 1U << REJECT_bad_number;
}

static enum status keep_offer(struct reader *reader, struct offer_record *offer,
                              const struct csv_field *user, const struct csv_field *product)
{
    enum status status = OK;
    struct ingest *ingest = reader->ingest;
    struct ingest_records *records = &ingest->records;
    if (records->offers == ingest->offer_capacity) {
        int64_t capacity = ingest->offer_capacity > 0 ? ingest->offer_capacity * 3 / 2 : 4096;
        TRY(memory_grow(&records->offer, records->offers, capacity, sizeof *records->offer));
        ingest->offer_capacity = capacity;
    }
    int64_t code = ingest_user(&records->users, user->text, user->bytes);
    int64_t item = text_set_code(ingest->products, product->text, product->bytes);
    if (code < 0 || item < 0) TRY(FAIL(ERR_MEMORY, "no memory for ids; use more ranks"));
    offer->user = records->users.key[code];
    offer->product = (int32_t)item;
    records->offer[records->offers++] = *offer;
    reader->rejects.kept++;
done:
    return status;
}

static enum status on_row(void *context, const struct csv_row *row)
{
    struct reader *reader = context;
    struct offer_record offer = {0};
    struct csv_field user = {0}, product = {0};
    reader->rejects.read++;
    uint32_t faults = read_offer(reader, row, &offer, &user, &product);
    if (faults == 0) return keep_offer(reader, &offer, &user, &product);
    int64_t column = reader->map.bad_column;
    const struct csv_field *bad = column >= 0 ? &row->field[column] : &row->field[0];
    return rejects_add(&reader->rejects, faults, row->line, column, bad->text, bad->bytes);
}

static enum status on_bad(void *context, const struct csv_bad *bad)
{
    struct reader *reader = context;
    return rejects_add_malformed(&reader->rejects, bad);
}

static enum status check_outcome(const struct mapping *map)
{
    if (mapping_has(map, ROLE_REDEEMED) || mapping_has(map, ROLE_REVENUE)) return OK;
    return FAIL(ERR_CONFIG, "offers.columns: nothing tells what came of the offers; map redeemed "
                            "(1 where the user bought with it) or revenue");
}

enum status ingest_read_offers(const struct comm *comm, struct ingest *ingest)
{
    enum status status = OK;
    struct reader reader = {.ingest = ingest};
    struct csv *csv = NULL;
    if (!config_table(ingest->config, "offers")) return OK;
    TRY(csv_open(comm, config_path(ingest->config, "offers.file"), NULL, &csv));
    TRY_ALL(comm, mapping_open(ingest->config, "offers", csv, role_names, ROLES, ROLE_TEXTS,
                               &reader.map));
    TRY_ALL(comm, check_outcome(&reader.map));
    TRY(ingest_read_table(comm, ingest, "offers", csv, on_row, on_bad, &reader));
    TRY(rejects_close(comm, &reader.rejects, csv, "offers", ingest->rejects_file));
    TRY(ingest_check_rejects(ingest->config, &reader.rejects, "offers"));
done:
    csv_free(&csv);
    mapping_clear(&reader.map);
    rejects_clear(&reader.rejects);
    return status;
}
