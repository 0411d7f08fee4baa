/* Reading the offers: discounts given in the past and what came of them. */
#include "jobs/ingest_read.h"

#include "io/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum role {
    ROLE_USER,
    ROLE_PRODUCT,
    ROLE_TIME,
    ROLE_FEEDBACK,
    ROLE_CURRENCY,
    ROLE_TEXTS,
    ROLE_DISCOUNT = ROLE_TEXTS,
    ROLE_PROPENSITY,
    ROLE_SHOWN,
    ROLE_CLICKED,
    ROLE_REDEEMED,
    ROLE_REVENUE,
    ROLES
};

static const char *const role_names[ROLES] = {
    "user_id",    "product_id", "time",    "feedback_time", "currency", "discount",
    "propensity", "shown",      "clicked", "redeemed",      "revenue"};

struct reader {
    struct row_state state;
    int64_t time_from, time_to;
    int64_t feedback_seconds; /* an outcome may be so late */
};

/* Set or clear one bit by a yes-or-no role, left as it is where it is not mapped or empty. */
static void read_flag(struct row_state *state, enum role role, const struct csv_row *row,
                      enum offer_flag flag, uint8_t *flags)
{
    bool set = (*flags & flag) != 0;
    if (mapping_flag(&state->map, role, row, &set) == MAPPING_BAD)
        row_fault(state, REJECT_bad_number);
    *flags = (uint8_t)(set ? *flags | flag : *flags & ~flag);
}

/* Seen unless it says no; redeemed where something was paid, unless it says. */
static void read_flags(struct row_state *state, const struct csv_row *row,
                       struct offer_record *offer)
{
    offer->flags = offer->revenue_cents > 0 ? OFFER_SHOWN | OFFER_REDEEMED : OFFER_SHOWN;
    read_flag(state, ROLE_SHOWN, row, OFFER_SHOWN, &offer->flags);
    read_flag(state, ROLE_CLICKED, row, OFFER_CLICKED, &offer->flags);
    read_flag(state, ROLE_REDEEMED, row, OFFER_REDEEMED, &offer->flags);
}

static int64_t read_times(struct reader *reader, const struct csv_row *row)
{
    struct row_state *state = &reader->state;
    int64_t made = 0, answered = 0;
    enum mapping_result time = mapping_time(&state->map, ROLE_TIME, row, &made);
    if (time != MAPPING_VALUE)
        row_fault(state, time == MAPPING_MISSING ? REJECT_missing_time : REJECT_bad_time);
    else if (made < reader->time_from || made >= reader->time_to)
        row_fault(state, REJECT_outside_window);
    if (time != MAPPING_VALUE || !mapping_has(&state->map, ROLE_FEEDBACK)) return made;
    time = mapping_time(&state->map, ROLE_FEEDBACK, row, &answered);
    if (time == MAPPING_BAD) row_fault(state, REJECT_bad_time);
    if (time != MAPPING_VALUE) return made; /* no answer came */
    state->map.bad_column = state->map.role[ROLE_FEEDBACK].column;
    if (answered < made) row_fault(state, REJECT_early_feedback);
    if (answered - made > reader->feedback_seconds) row_fault(state, REJECT_late_feedback);
    return made;
}

static void read_chance(struct row_state *state, const struct csv_row *row,
                        struct offer_record *offer)
{
    double discount = NAN, propensity = NAN;
    enum mapping_result given = mapping_number(&state->map, ROLE_PROPENSITY, row, &propensity);
    offer->propensity = (float)propensity; /* as it is kept: tiny ones are 0 */
    if (given == MAPPING_BAD || offer->propensity <= 0.0f || propensity > 1.0)
        row_fault(state, REJECT_bad_number);
    given = mapping_number(&state->map, ROLE_DISCOUNT, row, &discount);
    float level = (float)discount + 0.0f; /* -0 becomes 0: what is equal has the same bits */
    if (given != MAPPING_VALUE || !(discount >= 0.0 && level < 1.0f))
        row_fault(state, REJECT_bad_discount);
    uint32_t bits = 0;
    memcpy(&bits, &level, sizeof bits);
    offer->level = bits;
}

static void read_offer(struct reader *reader, const struct csv_row *row, struct offer_record *offer,
                       struct csv_field *product)
{
    struct row_state *state = &reader->state;
    struct mapping *map = &state->map;
    double revenue = 0;
    enum mapping_result named = mapping_name(map, ROLE_PRODUCT, row, product);
    if (named != MAPPING_VALUE)
        row_fault(state, named == MAPPING_BAD ? REJECT_long_name : REJECT_missing_product);
    int64_t made = read_times(reader, row);
    offer->time = INGEST_TIME(made);
    enum mapping_result paid = mapping_number(map, ROLE_REVENUE, row, &revenue);
    if (paid == MAPPING_BAD || revenue < 0.0) row_fault(state, REJECT_bad_number);
    if (revenue > 0.0) revenue *= row_rate(state, row, ROLE_CURRENCY, made);
    if (revenue > 2.1e7) row_fault(state, REJECT_amount_above_limit);
    read_chance(state, row, offer);
    offer->revenue_cents =
        revenue > 0.0 && state->faults == 0 ? (int32_t)llround(100.0 * revenue) : 0;
    read_flags(state, row, offer);
}

static enum status keep_offer(struct row_state *state, const struct csv_row *row,
                              struct offer_record *offer, const struct csv_field *product)
{
    enum status status = OK;
    struct ingest *ingest = state->ingest;
    offer->user = state->user;
    offer->place = state->place;
    offer->product = names_add(&ingest->products, product->text, product->bytes);
    if (offer->product == 0) TRY(FAIL(ERR_MEMORY, "no memory for product ids; use more ranks"));
    TRY(row_keep_user(state, row, ROLE_USER));
    TRY(sorter_add(ingest->offers, offer));
done:
    return status;
}

static enum status on_row(void *context, const struct csv_row *row)
{
    enum status status = OK;
    struct reader *reader = context;
    struct row_state *state = &reader->state;
    struct offer_record offer = {0};
    struct csv_field product = {0};
    bool forgotten = false;
    TRY(row_begin(state, row, ROLE_USER, &forgotten));
    if (forgotten) return OK;
    read_offer(reader, row, &offer, &product);
    TRY(state->faults == 0 ? keep_offer(state, row, &offer, &product)
                           : row_reject(state, row, ROLE_USER));
done:
    return status;
}

static enum status on_bad(void *context, const struct csv_bad *bad)
{
    struct reader *reader = context;
    return row_malformed(&reader->state, bad);
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
    struct reader reader = {0};
    double days = config_number(ingest->config, "ingest.feedback_days");
    if (!config_table(ingest->config, "offers")) return OK;
    TRY(ingest_open_table(comm, ingest, TABLE_OFFERS, role_names, ROLES, ROLE_TEXTS,
                          &reader.state));
    TRY_ALL(comm, check_outcome(&reader.state.map));
    ingest_window(ingest->config, &reader.time_from, &reader.time_to);
    reader.feedback_seconds = isnan(days) ? INT64_MAX : (int64_t)(86400.0 * days);
    TRY(ingest_read_rows(comm, &reader.state, on_row, on_bad, &reader));
done:
    row_state_clear(&reader.state);
    return status;
}
