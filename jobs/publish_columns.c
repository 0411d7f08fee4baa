/* The discount table as columns of HDF5, one column in memory at a time. */
#include "jobs/publish_cells.h"

#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

/* Fills row `at` of a column from a row of the table. */
typedef void fill(const struct publisher *publisher, const struct publish_row *row, int64_t at,
                  int64_t width, void *data);

struct column {
    struct store_column column;
    fill *fill;
};

static void fill_user(const struct publisher *publisher, const struct publish_row *row, int64_t at,
                      int64_t width, void *data)
{
    char room[PSEUDONYM_BYTES];
    size_t bytes = 0;
    const char *id = publish_user(publisher, row->user, room, &bytes);
    memcpy((char *)data + at * width, id, bytes);
}

static void fill_product(const struct publisher *publisher, const struct publish_row *row,
                         int64_t at, int64_t width, void *data)
{
    const char *id = dictionary_text(&publisher->dataset->products.id, row->product);
    memcpy((char *)data + at * width, id, strnlen(id, (size_t)width));
}

static void fill_reason(const struct publisher *publisher, const struct publish_row *row,
                        int64_t at, int64_t width, void *data)
{
    (void)publisher;
    const char *name = reason_name((enum reason)row->reason);
    memcpy((char *)data + at * width, name, strnlen(name, (size_t)width));
}

static void fill_from(const struct publisher *publisher, const struct publish_row *row, int64_t at,
                      int64_t width, void *data)
{
    (void)row;
    memcpy((char *)data + at * width, publisher->valid_from, (size_t)width);
}

static void fill_to(const struct publisher *publisher, const struct publish_row *row, int64_t at,
                    int64_t width, void *data)
{
    (void)row;
    memcpy((char *)data + at * width, publisher->valid_to, (size_t)width);
}

static void fill_mark(const struct publisher *publisher, const struct publish_row *row, int64_t at,
                      int64_t width, void *data)
{
    const char *mark = disclosure_text(publish_is_marked(publisher, row));
    memcpy((char *)data + at * width, mark, strnlen(mark, (size_t)width));
}

#define FILL_NUMBER(name, expression)                                                         \
    static void fill_##name(const struct publisher *publisher, const struct publish_row *row, \
                            int64_t at, int64_t width, void *data)                            \
    {                                                                                         \
        (void)publisher;                                                                      \
        (void)width;                                                                          \
        ((double *)data)[at] = (expression);                                                  \
    }
FILL_NUMBER(discount, publisher->maker->level[row->level])
FILL_NUMBER(price, (double)row->price_cents / 1e2)
FILL_NUMBER(purchases, (double)row->purchases_millionths / 1e6)
FILL_NUMBER(revenue, (double)row->revenue / 1e4)
FILL_NUMBER(profit, (double)row->profit / 1e4)
FILL_NUMBER(cost, (double)row->cost / 1e4)
FILL_NUMBER(reference, (double)publish_reference(publisher, row) / 1e2)
FILL_NUMBER(propensity, publish_propensity(publisher, row))
#undef FILL_NUMBER

static void fill_level(const struct publisher *publisher, const struct publish_row *row, int64_t at,
                       int64_t width, void *data)
{
    (void)publisher;
    (void)width;
    ((uint8_t *)data)[at] = row->level;
}

static void fill_place(const struct publisher *publisher, const struct publish_row *row, int64_t at,
                       int64_t width, void *data)
{
    (void)width;
    ((int32_t *)data)[at] = (int32_t)(row->slot % publisher->choices->slots);
}

static enum status write_column(const struct comm *comm, struct store *store,
                                const struct publisher *publisher, const struct column *column,
                                struct publish_sums *sums)
{
    enum status status = OK;
    char *data = NULL;
    const struct store_column *what = &column->column;
    int64_t rows = publisher->rows;
    size_t bytes = (size_t)what->width * store_type_bytes(what->type);
    TRY_ALL(comm, memory_new(&data, rows, bytes));
    for (int64_t r = 0; r < rows; r++)
        column->fill(publisher, &publisher->row[r], r, what->width, data);
    TRY(store_write(comm, store, what, data, rows));
    publish_sums_add(sums, what->name, data, bytes);
done:
    free(data);
    return status;
}

/* ---- the index by user ---- */

static enum status find_users(const struct publisher *publisher, int64_t rows_before,
                              uint64_t (**key)[2], int64_t **row, int64_t *users)
{
    enum status status = OK;
    int64_t most = publisher->dataset->users.blocks.rows_local;
    most = publisher->rows < most ? publisher->rows : most;
    TRY(memory_new(key, most, sizeof **key));
    TRY(memory_new(row, most, sizeof **row));
    for (int64_t r = 0; r < publisher->rows; r++) {
        int64_t user = publisher->row[r].user;
        if (r > 0 && publisher->row[r - 1].user == user) continue;
        (*key)[*users][0] = publisher->dataset->users.key[user].high;
        (*key)[*users][1] = publisher->dataset->users.key[user].low;
        (*row)[(*users)++] = rows_before + r;
    }
done:
    return status;
}

/* The users of the table and where their rows begin, so that a look-up reads some bytes only. */
static enum status write_index(const struct comm *comm, struct store *store,
                               const struct publisher *publisher)
{
    static const struct store_column columns[] = {
        {"users/key", STORE_U64, 2, "", "pseudonyms of the table's users, ascending"},
        {"users/row", STORE_I64, 1, "rows", "of the table before the user's"}};
    enum status status = OK;
    uint64_t(*key)[2] = NULL;
    int64_t *row = NULL, users = 0, before = comm_prefix_int64(comm, publisher->rows);
    TRY_ALL(comm, find_users(publisher, before, &key, &row, &users));
    TRY(store_write(comm, store, &columns[0], key, users));
    TRY(store_write(comm, store, &columns[1], row, users));
done:
    free(key);
    free(row);
    return status;
}

static int64_t longest_text(const struct dictionary *dictionary)
{
    int64_t longest = 1;
    for (int64_t c = 0; c < dictionary->count; c++) {
        int64_t bytes = dictionary->start[c + 1] - dictionary->start[c] - 1;
        longest = bytes > longest ? bytes : longest;
    }
    return longest;
}

enum status publish_columns(const struct comm *comm, struct store *store,
                            const struct publisher *publisher)
{
    enum status status = OK;
    struct publish_sums sums = {0};
    int64_t user = publish_user_bytes(publisher) > 0 ? publish_user_bytes(publisher) : 1;
    int64_t product = longest_text(&publisher->dataset->products.id);
    const struct column columns[] = {
        {{"user_id", STORE_TEXT, user, "", "whose discount"}, fill_user},
        {{"product_id", STORE_TEXT, product, "", "on what"}, fill_product},
        {{"discount", STORE_F64, 1, "fraction", "off the list price"}, fill_discount},
        {{"price", STORE_F64, 1, "currency", "after the discount"}, fill_price},
        {{"expected_purchases", STORE_F64, 1, "", "chance of buying while it is valid"},
         fill_purchases},
        {{"expected_revenue", STORE_F64, 1, "currency", "chance x price"}, fill_revenue},
        {{"expected_profit", STORE_F64, 1, "currency", "chance x (price - unit cost)"},
         fill_profit},
        {{"expected_cost", STORE_F64, 1, "currency", "chance x (list price - price)"}, fill_cost},
        {{"propensity", STORE_F64, 1, "", "probability with which this level was chosen"},
         fill_propensity},
        {{"reason", STORE_TEXT, REASON_BYTES, "", "why this level; sentences in receipt.json"},
         fill_reason},
        {{"valid_from", STORE_TEXT, DATE_BYTES, "", "first day"}, fill_from},
        {{"valid_to", STORE_TEXT, DATE_BYTES, "", "last day"}, fill_to},
        {{"reference_price", STORE_F64, 1, "currency", "lowest price to all of the last days"},
         fill_reference},
        {{"disclosure", STORE_TEXT, DISCLOSURE_BYTES, "", "whether the price is personalised"},
         fill_mark},
        {{"level", STORE_U8, 1, "", "place of the discount in allocate.levels"}, fill_level},
        {{"place", STORE_I32, 1, "", "of the product among the user's candidates, 0 the best"},
         fill_place}};
    TRY_ALL(comm, publish_sums_open(publisher, &sums));
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++)
        TRY(write_column(comm, store, publisher, &columns[c], &sums));
    TRY(publish_cells(comm, store, publisher, &sums));
    TRY(write_index(comm, store, publisher));
    TRY(publish_sums_write(comm, store, &sums));
done:
    publish_sums_clear(&sums);
    return status;
}
