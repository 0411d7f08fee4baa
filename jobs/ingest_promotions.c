/* Reading the promotions: what the shop takes off for everybody, or for a market or segment. */
#include "jobs/ingest_promotions.h"

#include "jobs/moment.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum role {
    ROLE_PRODUCT,
    ROLE_CATEGORY,
    ROLE_START,
    ROLE_END,
    ROLE_KIND,
    ROLE_MARKET,
    ROLE_AUDIENCE,
    ROLE_TEXTS,
    ROLE_DISCOUNT = ROLE_TEXTS,
    ROLE_SEGMENT,
    ROLES
};

static const char *const role_names[ROLES] = {
    "product_id", "category", "start", "end", "kind", "market", "audience", "discount", "segment"};

/* ---- one row ---- */

/* Hash of what the row is of, its product or else its category. */
static void read_goods(struct row_state *state, const struct csv_row *row,
                       struct promotion_row *promotion)
{
    struct ingest *ingest = state->ingest;
    struct csv_field name = {0};
    enum mapping_result named = mapping_name(&state->map, ROLE_PRODUCT, row, &name);
    bool by_category = named == MAPPING_MISSING;
    if (by_category) named = mapping_name(&state->map, ROLE_CATEGORY, row, &name);
    if (named == MAPPING_BAD) row_fault(state, REJECT_long_name);
    if (named == MAPPING_MISSING) row_fault(state, REJECT_missing_goods);
    if (named != MAPPING_VALUE) return;
    struct names *names = by_category ? &ingest->categories : &ingest->products;
    uint64_t hash = names_add(names, name.text, name.bytes);
    *(by_category ? &promotion->category : &promotion->product) = hash;
    promotion->column = (int32_t)state->map.role[by_category ? ROLE_CATEGORY : ROLE_PRODUCT].column;
    reject_shape(promotion->value, name.text, name.bytes);
}

static int64_t read_time(struct row_state *state, const struct csv_row *row, enum role role,
                         int64_t missing)
{
    int64_t time = missing;
    if (!mapping_has(&state->map, role)) return missing;
    enum mapping_result told = mapping_time(&state->map, role, row, &time);
    if (told == MAPPING_BAD) row_fault(state, REJECT_bad_time);
    return told == MAPPING_VALUE ? time : missing;
}

/* A day is all of it. */
static void read_times(struct row_state *state, const struct csv_row *row,
                       struct promotion_row *promotion)
{
    promotion->start = read_time(state, row, ROLE_START, INT64_MIN);
    promotion->end = read_time(state, row, ROLE_END, INT64_MAX);
    bool whole = promotion->end != INT64_MAX && moment_day(promotion->end) == promotion->end;
    if (whole) promotion->end += DAY_SECONDS;
    if (promotion->end > promotion->start) return;
    state->map.bad_column = state->map.role[ROLE_END].column;
    row_fault(state, REJECT_ends_early);
}

static void read_kind(struct row_state *state, const struct csv_row *row,
                      struct promotion_row *promotion)
{
    struct csv_field text = {0};
    if (!mapping_has(&state->map, ROLE_KIND)) return;
    if (mapping_text(&state->map, ROLE_KIND, row, &text) != MAPPING_VALUE) return;
    for (int k = 0; k < PROMOTION_KINDS; k++) {
        const char *name = promotion_kind_name((enum promotion_kind)k);
        promotion->kind = k;
        if (strlen(name) == text.bytes && strncasecmp(name, text.text, text.bytes) == 0) return;
    }
    state->map.bad_column = state->map.role[ROLE_KIND].column;
    row_fault(state, REJECT_bad_promotion);
}

/* Provisional code of whom it is for by name, -1: all. */
static enum status read_whom(struct row_state *state, const struct csv_row *row, enum role role,
                             struct text_set *names, int64_t *code)
{
    struct csv_field name = {0};
    *code = -1;
    if (!mapping_has(&state->map, role)) return OK;
    enum mapping_result named = mapping_name(&state->map, role, row, &name);
    if (named == MAPPING_BAD) row_fault(state, REJECT_long_name);
    if (named != MAPPING_VALUE || state->faults != 0) return OK;
    *code = text_set_code(names, name.text, name.bytes);
    return *code >= 0 ? OK : FAIL(ERR_MEMORY, "no memory for names of markets and audiences");
}

/* For whom: -1 is for all. */
static enum status read_users(struct row_state *state, const struct csv_row *row,
                              struct promotion_row *promotion)
{
    enum status status = OK;
    double segment = -1.0;
    promotion->segment = -1;
    if (mapping_has(&state->map, ROLE_SEGMENT)) {
        enum mapping_result told = mapping_number(&state->map, ROLE_SEGMENT, row, &segment);
        bool good =
            told == MAPPING_VALUE && segment >= 0.0 && segment < 1e6 && segment == floor(segment);
        if (told != MAPPING_MISSING && !good) row_fault(state, REJECT_bad_number);
        if (good) promotion->segment = (int32_t)segment;
    }
    TRY(read_whom(state, row, ROLE_MARKET, state->ingest->promotion_markets, &promotion->market));
    TRY(read_whom(state, row, ROLE_AUDIENCE, state->ingest->promotion_audiences,
                  &promotion->audience));
done:
    return status;
}

static enum status keep_row(struct ingest *ingest, const struct promotion_row *promotion)
{
    enum status status = OK;
    if (promotion->product == 0 && promotion->category == 0)
        TRY(FAIL(ERR_MEMORY, "no memory for product names; use more ranks"));
    if (ingest->promotion_rows == ingest->promotion_capacity) {
        int64_t capacity = ingest->promotion_capacity > 0 ? 2 * ingest->promotion_capacity : 64;
        TRY(memory_grow(&ingest->promotion_row, ingest->promotion_rows, capacity,
                        sizeof *ingest->promotion_row));
        ingest->promotion_capacity = capacity;
    }
    ingest->promotion_row[ingest->promotion_rows++] = *promotion;
done:
    return status;
}

static enum status on_row(void *context, const struct csv_row *row)
{
    enum status status = OK;
    struct row_state *state = context;
    struct promotion_row promotion = {.discount = NAN};
    bool forgotten = false;
    TRY(row_begin(state, row, -1, &forgotten));
    promotion.place = state->place;
    read_goods(state, row, &promotion);
    read_times(state, row, &promotion);
    read_kind(state, row, &promotion);
    enum mapping_result given =
        mapping_number(&state->map, ROLE_DISCOUNT, row, &promotion.discount);
    if (given != MAPPING_VALUE || !(promotion.discount >= 0.0 && promotion.discount < 1.0))
        row_fault(state, REJECT_bad_discount);
    TRY(read_users(state, row, &promotion));
    TRY(state->faults == 0 ? keep_row(state->ingest, &promotion) : row_reject(state, row, -1));
done:
    return status;
}

static enum status on_bad(void *context, const struct csv_bad *bad)
{
    return row_malformed(context, bad);
}

/* ---- the table ---- */

static bool is_attribute(const struct config *config, const char *name)
{
    const char *const *list = NULL;
    int64_t count = config_texts(config, "users.attributes", &list);
    for (int64_t a = 0; config_table(config, "users") && name != NULL && a < count; a++)
        if (strcmp(list[a], name) == 0) return true;
    return false;
}

/* An audience needs both what it is called and who is of it. */
static enum status check_audience(const struct config *config, bool mapped)
{
    const char *name = config_has(config, "promotions.audience")
                           ? config_text(config, "promotions.audience")
                           : NULL;
    if (!mapped && name == NULL) return OK;
    if (!mapped)
        return FAIL(ERR_CONFIG, "promotions.audience: which promotions are for whom is not told; "
                                "map promotions.columns.audience too");
    if (name == NULL)
        return FAIL(ERR_CONFIG, "promotions.columns.audience: who is of an audience is not told; "
                                "name one of users.attributes in promotions.audience");
    if (!is_attribute(config, name))
        return FAIL(ERR_CONFIG, "promotions.audience: %s is none of users.attributes; add it there",
                    name);
    return OK;
}

/* Found out here, not when all models are trained. */
static enum status check_columns(const struct config *config, const struct mapping *map)
{
    bool markets =
        config_table(config, "users") && config_column(config, "users", "market") != NULL;
    if (!mapping_has(map, ROLE_PRODUCT) && !mapping_has(map, ROLE_CATEGORY))
        return FAIL(ERR_CONFIG, "promotions.columns: nothing tells what the promotions are on; map "
                                "product_id or category");
    if (mapping_has(map, ROLE_MARKET) && !markets)
        return FAIL(ERR_CONFIG, "promotions.columns.market: users have no market; map "
                                "users.columns.market too");
    return check_audience(config, mapping_has(map, ROLE_AUDIENCE));
}

enum status ingest_read_promotions(const struct comm *comm, struct ingest *ingest)
{
    enum status status = OK;
    struct row_state state = {0};
    if (!config_table(ingest->config, "promotions")) return OK;
    ingest->promotion_markets = text_set_new();
    ingest->promotion_audiences = text_set_new();
    TRY_ALL(comm, ingest->promotion_markets != NULL && ingest->promotion_audiences != NULL
                      ? OK
                      : FAIL(ERR_MEMORY, "no memory for names of markets and audiences"));
    TRY(ingest_open_table(comm, ingest, TABLE_PROMOTIONS, role_names, ROLES, ROLE_TEXTS, &state));
    TRY_ALL(comm, check_columns(ingest->config, &state.map));
    TRY(ingest_read_rows(comm, &state, on_row, on_bad, &state));
done:
    row_state_clear(&state);
    return status;
}

/* ---- against the products ---- */

/* Which categories have a product: by their first codes. */
static void mark_categories(const struct product_facts *facts, const uint8_t *used, uint8_t *known)
{
    for (int64_t p = 0; p < facts->count; p++)
        if (used[p] && facts->category[p] >= 0) known[facts->category[p]] = 1;
}

static enum status judge(struct ingest *ingest, const uint8_t *used, const uint8_t *known)
{
    enum status status = OK;
    int64_t kept = 0;
    for (int64_t i = 0; i < ingest->promotion_rows; i++) {
        const struct promotion_row *row = &ingest->promotion_row[i];
        bool one = row->product != 0;
        bool there = one ? used[names_code(&ingest->products, row->product)]
                         : known[names_code(&ingest->categories, row->category)];
        if (there)
            ingest->promotion_row[kept++] = *row;
        else
            TRY(rejects_add(&ingest->rejects, TABLE_PROMOTIONS,
                            REJECT_BIT(one ? REJECT_unknown_product : REJECT_unknown_category),
                            row->place, row->column, row->value,
                            (int64_t)strnlen(row->value, sizeof row->value)));
    }
    ingest->promotion_rows = kept;
    ingest->rejects.account[TABLE_PROMOTIONS].kept += kept;
done:
    return status;
}

enum status promotions_reject(const struct comm *comm, struct ingest *ingest,
                              const struct product_facts *facts)
{
    enum status status = OK;
    uint8_t *used = NULL, *known = NULL;
    if (ingest->csv[TABLE_PROMOTIONS] == NULL) return OK;
    TRY_ALL(comm, memory_new(&used, facts->count, 1));
    TRY_ALL(comm, memory_new(&known, facts->categories, 1));
    if (facts->count > 0) memcpy(used, facts->used, (size_t)facts->count);
    TRY(names_share(comm, used, facts->count));
    mark_categories(facts, used, known);
    TRY_ALL(comm, judge(ingest, used, known));
done:
    free(used);
    free(known);
    return status;
}

/* ---- together ---- */

/* A category's final code is that of its products; -1 where it has none left. */
static enum status final_categories(const struct product_facts *facts, const int32_t *code,
                                    const struct products *products, int32_t **category)
{
    enum status status = memory_new(category, facts->categories, sizeof **category);
    for (int64_t c = 0; status == OK && c < facts->categories; c++) (*category)[c] = -1;
    for (int64_t p = 0; status == OK && p < facts->count; p++)
        if (code[p] >= 0) (*category)[facts->category[p]] = products->category_code[code[p]];
    return status;
}

struct placed {
    uint64_t place;
    struct promotion promotion;
};

static int by_place(const void *a, const void *b)
{
    uint64_t x = ((const struct placed *)a)->place, y = ((const struct placed *)b)->place;
    return (x > y) - (x < y);
}

/* What rows are made with: final codes of first ones. */
struct final_codes {
    const int32_t *product; /* not owned */
    int32_t *category;
    int64_t *market, *audience;
};

static struct promotion promotion_of(const struct ingest *ingest, const struct final_codes *codes,
                                     const struct promotion_row *row)
{
    int32_t product = names_code(&ingest->products, row->product);
    int32_t category = names_code(&ingest->categories, row->category);
    return (struct promotion){.product = product >= 0 ? codes->product[product] : -1,
                              .category = product >= 0 ? -1 : codes->category[category],
                              .market = row->market >= 0 ? (int32_t)codes->market[row->market] : -1,
                              .segment = row->segment,
                              .audience =
                                  row->audience >= 0 ? (int32_t)codes->audience[row->audience] : -1,
                              .start = row->start,
                              .end = row->end,
                              .discount = row->discount,
                              .kind = (uint8_t)row->kind};
}

static enum status place_rows(const struct ingest *ingest, const struct final_codes *codes,
                              struct placed **placed)
{
    enum status status = memory_new(placed, ingest->promotion_rows, sizeof **placed);
    for (int64_t i = 0; status == OK && i < ingest->promotion_rows; i++) {
        const struct promotion_row *row = &ingest->promotion_row[i];
        (*placed)[i] = (struct placed){row->place, promotion_of(ingest, codes, row)};
    }
    return status;
}

static enum status take(struct placed *placed, int64_t count, struct promotions *promotions)
{
    enum status status = memory_new(&promotions->promotion, count, sizeof *promotions->promotion);
    if (status != OK) return status;
    if (count > 1) qsort(placed, (size_t)count, sizeof *placed, by_place);
    promotions->count = count;
    for (int64_t i = 0; i < count; i++) promotions->promotion[i] = placed[i].promotion;
    return OK;
}

enum status promotions_finish(const struct comm *comm, const struct ingest *ingest,
                              const struct product_facts *facts, const int32_t *code,
                              const struct products *products, struct promotions *promotions)
{
    enum status status = OK;
    struct final_codes codes = {.product = code};
    struct placed *placed = NULL;
    int64_t bytes = 0;
    void *all = NULL;
    if (ingest->csv[TABLE_PROMOTIONS] == NULL) return OK;
    TRY(dictionary_make(comm, ingest->promotion_markets, &promotions->market, &codes.market));
    TRY(dictionary_make(comm, ingest->promotion_audiences, &promotions->audience, &codes.audience));
    TRY_ALL(comm, final_categories(facts, code, products, &codes.category));
    TRY_ALL(comm, place_rows(ingest, &codes, &placed));
    TRY(comm_gather_all(comm, placed, ingest->promotion_rows * (int64_t)sizeof *placed, &all,
                        &bytes));
    TRY_ALL(comm, take(all, bytes / (int64_t)sizeof *placed, promotions));
done:
    free(placed);
    free(codes.category);
    free(codes.market);
    free(codes.audience);
    free(all);
    return status;
}
