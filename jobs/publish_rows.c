/* Rows of the discount table: values and CSV. */
#include "jobs/publish_rows.h"

#include "io/csv.h"
#include "io/parse.h"
#include "jobs/verdict.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *reason_name(enum reason reason)
{
#define REASON_NAME(name, text) #name,
    static const char *const names[] = {REASON_LIST(REASON_NAME)};
#undef REASON_NAME
    return names[reason];
}

const char *reason_text(enum reason reason)
{
#define REASON_TEXT(name, text) text,
    static const char *const texts[] = {REASON_LIST(REASON_TEXT)};
#undef REASON_TEXT
    return texts[reason];
}

const char *publish_header(void)
{
    return "user_id,product_id,discount,price,expected_purchases,expected_revenue,expected_profit,"
           "expected_cost,propensity,reason,valid_from,valid_to,"
           "reference_price,disclosure\n";
}

/* ---- values ---- */

/* A discount adds to the objective and may be given, yet the row has none: what stood against it? A
 * level that the law of cells allows, and the problem does not, is none of the few kept. */
static enum reason limit_against(const struct publisher *publisher, int64_t slot)
{
    struct verdict verdict;
    const struct problem *problem = publisher->problem;
    verdict_find(problem, publisher->choices->price, slot, 0, publisher->choices->level, &verdict);
    if (verdict.kind < 0) return REASON_limit;
    bool budget = strcmp(problem->kind[verdict.kind].rule, "budget") == 0;
    return budget ? REASON_budget : REASON_limit;
}

/* Nothing that gains is allowed: which rule is named, of those that forbid levels that gain? */
static enum reason rule_against(const struct slot_cells *cells, uint32_t gains)
{
    const uint32_t *forbidden = cells->forbidden;
    if ((gains & (forbidden[CELL_MARGIN_FLOOR] | forbidden[CELL_PRICE_FLOOR])) != 0)
        return REASON_floor;
    return (gains & forbidden[CELL_REFERENCE]) != 0 ? REASON_law : REASON_stacked;
}

static enum reason reason_of(const struct publisher *publisher, const struct slot_cells *cells,
                             int64_t slot, int chosen)
{
    uint32_t gains = 0; /* bit k: level k adds to the objective */
    if (chosen > 0) return cells->value[chosen] > cells->value[0] ? REASON_gain : REASON_needed;
    for (int k = 1; k < publisher->maker->levels; k++)
        if (cells->value[k] > cells->value[0]) gains |= (uint32_t)1 << k;
    if ((gains & cells->allowed) != 0) return limit_against(publisher, slot);
    return gains == 0 ? REASON_no_gain : rule_against(cells, gains);
}

double publish_propensity(const struct publisher *publisher, const struct publish_row *row)
{
    const double *propensity = publisher->choices->propensity;
    return propensity != NULL ? propensity[row->slot] : 1.0;
}

int64_t publish_reference(const struct publisher *publisher, const struct publish_row *row)
{
    return publisher->maker->reference->cents[row->product];
}

bool publish_is_marked(const struct publisher *publisher, const struct publish_row *row)
{
    return disclosure_marks(publisher->disclosure, row->user, row->level > 0);
}

static bool was_explored(const struct choices *choices, int64_t slot)
{
    return choices->solved != NULL && choices->solved[slot] != choices->level[slot];
}

static struct publish_row make_row(const struct publisher *publisher, int64_t slot,
                                   const struct slot_cells *cells)
{
    int k = publisher->choices->level[slot];
    bool explored = was_explored(publisher->choices, slot);
    enum reason reason = explored ? REASON_explored : reason_of(publisher, cells, slot, k);
    return (struct publish_row){.user = slot / publisher->choices->slots,
                                .slot = slot,
                                .price_cents = cells->price_cents[k],
                                .revenue = cells->revenue[k],
                                .profit = cells->profit[k],
                                .cost = cells->cost[k],
                                .product = (int32_t)cells->product,
                                .purchases_millionths = (int32_t)lround(1e6 * cells->chance[k]),
                                .level = (uint8_t)k,
                                .reason = (uint8_t)reason};
}

/* Codes of products are in the order of their ids' bytes. A user's rows are few. */
static void put_in_order(struct publish_row *row, int64_t rows)
{
    struct publish_row last = row[rows - 1];
    int64_t at = rows - 1;
    for (; at > 0 && row[at - 1].user == last.user && row[at - 1].product > last.product; at--)
        row[at] = row[at - 1];
    row[at] = last;
}

enum status publish_rows_make(struct publisher *publisher)
{
    int64_t slots = publisher->dataset->users.blocks.rows_local * publisher->choices->slots;
    enum status status = memory_new(&publisher->row, slots, sizeof *publisher->row);
    if (status != OK) return status;
    for (int64_t s = 0; s < slots; s++) {
        struct slot_cells cells;
        if (publisher->maker->candidates->product[s] < 0) continue;
        cells_of_slot(publisher->maker, s, &cells);
        publisher->row[publisher->rows++] = make_row(publisher, s, &cells);
        put_in_order(publisher->row, publisher->rows);
    }
    return OK;
}

void publish_rows_clear(struct publisher *publisher)
{
    free(publisher->row);
    publisher->row = NULL;
    publisher->rows = 0;
}

/* ---- users ---- */

int64_t publish_user_bytes(const struct publisher *publisher)
{
    return publisher->ids != NULL ? publisher->ids->longest : PSEUDONYM_BYTES;
}

static void put_hex(uint64_t value, char *to)
{
    for (int d = 0; d < 16; d++) to[d] = "0123456789abcdef"[value >> (60 - 4 * d) & 15];
}

const char *publish_user(const struct publisher *publisher, int64_t user, char *room, size_t *bytes)
{
    const struct vault_ids *ids = publisher->ids;
    if (ids != NULL) {
        *bytes = (size_t)(ids->start[user + 1] - ids->start[user]);
        return ids->text + ids->start[user];
    }
    put_hex(publisher->dataset->users.key[user].high, room);
    put_hex(publisher->dataset->users.key[user].low, room + 16);
    *bytes = PSEUDONYM_BYTES;
    return room;
}

/* ---- CSV ---- */

static char *put_text(char *to, const char *text, size_t bytes)
{
    memcpy(to, text, bytes);
    return to + bytes;
}

enum { EXACT_DIGITS = 15 }; /* that a double keeps whatever they are */

/* value / 10^decimals in the fewest digits that read back to the same double: up to 15 digits are
 * these, without zeros behind the point. */
static char *put_decimal(char *to, int64_t value, int decimals)
{
    char digits[24];
    int count = 0;
    double scale = 1;
    uint64_t left = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    for (int d = 0; d < decimals; d++) scale *= 10;
    for (; decimals > 0 && left % 10 == 0; decimals--) left /= 10;
    do {
        digits[count++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0 || count <= decimals);
    if (count > EXACT_DIGITS) return to + format_number((double)value / scale, to);
    if (value < 0) *to++ = '-';
    while (count > 0) {
        *to++ = digits[--count];
        if (count == decimals && decimals > 0) *to++ = '.';
    }
    return to;
}

/* The texts of one row that do not change from row to row, and where users' ids are. */
struct formatter {
    const struct publisher *publisher;
    size_t row_bytes; /* at most */
    char levels[CELL_LEVELS][NUMBER_TEXT_BYTES + 1];
    size_t level_bytes[CELL_LEVELS];
};

static void open_formatter(const struct publisher *publisher, struct formatter *f)
{
    const struct dictionary *ids = &publisher->dataset->products.id;
    size_t longest = 0;
    f->publisher = publisher;
    for (int64_t p = 0; p < ids->count; p++) {
        size_t bytes = (size_t)(ids->start[p + 1] - ids->start[p]);
        longest = bytes > longest ? bytes : longest;
    }
    f->row_bytes = 2 * (longest + (size_t)publish_user_bytes(publisher)) + 360;
    for (int k = 0; k < publisher->maker->levels; k++)
        f->level_bytes[k] = format_number(publisher->maker->level[k], f->levels[k]);
}

static char *put_user(char *to, const struct publisher *publisher, int64_t user)
{
    char room[PSEUDONYM_BYTES];
    size_t bytes = 0;
    const char *id = publish_user(publisher, user, room, &bytes);
    return publisher->ids != NULL ? to + csv_guard(id, bytes, ',', to) : put_text(to, id, bytes);
}

static char *put_row(const struct formatter *f, const struct publish_row *row, char *to)
{
    const struct publisher *publisher = f->publisher;
    const char *product = dictionary_text(&publisher->dataset->products.id, row->product);
    const char *reason = reason_name((enum reason)row->reason);
    const char *mark = disclosure_text(publish_is_marked(publisher, row));
    to = put_user(to, publisher, row->user);
    *to++ = ',';
    to += csv_guard(product, strlen(product), ',', to);
    *to++ = ',';
    to = put_text(to, f->levels[row->level], f->level_bytes[row->level]);
    *to++ = ',';
    to = put_decimal(to, row->price_cents, 2);
    *to++ = ',';
    to = put_decimal(to, row->purchases_millionths, 6);
    *to++ = ',';
    to = put_decimal(to, row->revenue, 4);
    *to++ = ',';
    to = put_decimal(to, row->profit, 4);
    *to++ = ',';
    to = put_decimal(to, row->cost, 4);
    *to++ = ',';
    to += format_number(publish_propensity(publisher, row), to);
    *to++ = ',';
    to = put_text(to, reason, strlen(reason));
    *to++ = ',';
    to = put_text(to, publisher->valid_from, DATE_BYTES);
    *to++ = ',';
    to = put_text(to, publisher->valid_to, DATE_BYTES);
    *to++ = ',';
    to = put_decimal(to, publish_reference(publisher, row), 2);
    *to++ = ',';
    to = put_text(to, mark, strlen(mark));
    *to++ = '\n';
    return to;
}

enum status publish_format(const struct publisher *publisher, char **text, int64_t *bytes)
{
    enum status status = OK;
    struct formatter f;
    int64_t used = 0;
    open_formatter(publisher, &f);
    int64_t capacity =
        publisher->rows * (124 + publish_user_bytes(publisher)) + (int64_t)f.row_bytes;
    TRY(memory_new(text, capacity, 1));
    for (int64_t r = 0; r < publisher->rows; r++) {
        if (used + (int64_t)f.row_bytes > capacity) {
            int64_t larger = capacity + capacity / 4 + (int64_t)f.row_bytes;
            TRY(memory_grow(text, used, larger, 1));
            capacity = larger;
        }
        used = put_row(&f, &publisher->row[r], *text + used) - *text;
    }
    *bytes = used;
done:
    return status;
}
