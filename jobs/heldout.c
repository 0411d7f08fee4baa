/* heldout.h5, written and read. */
#include "jobs/heldout.h"

#include "io/store.h"
#include "mpi/memory.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 8 };

static const struct store_column column_list[COLUMNS] = {
    {"product", STORE_I32, 1, "", "rows of products/ of dataset.h5, -1 no offer"},
    {"discount", STORE_F32, 1, "fraction", "that was offered"},
    {"propensity", STORE_F32, 1, "probability", "with which it was, NaN where unknown"},
    {"bought", STORE_U8, 1, "", "1: the offer was taken"},
    {"a", STORE_F32, 1, "logit", "as in curves.h5, by who has not learned from the offer"},
    {"b", STORE_F32, 1, "logit", "likewise"},
    {"trait", STORE_U8, TRAITS, "",
     "of each offer: category known by another offer; bought and browsed, without offers: the "
     "product, the category, anything"},
    {"candidate_trait", STORE_U8, TRAITS, "", "likewise of each candidate"}};

static const struct store_column every_column = {"every", STORE_I64, 1, "users",
                                                 "these are each so-many-th"};
static const struct store_column purchases_column = {"purchases", STORE_I64, 1, "",
                                                     "of each product by all users"};

/* Where the columns lie, and how many of each a user has. */
static void columns_of(const struct heldout *h, void *data[COLUMNS], int64_t each[COLUMNS])
{
    void *const all[COLUMNS] = {h->product, h->discount, h->propensity, h->bought,
                                h->a,       h->b,        h->trait,      h->of_candidates};
    memcpy(data, all, sizeof all);
    for (int c = 0; c < COLUMNS; c++) each[c] = h->slots * column_list[c].width;
    each[COLUMNS - 1] = h->candidates * TRAITS;
}

/* The first of them from a user on, counted among themselves. */
static int64_t place_from(int64_t user, int64_t every)
{
    return (user + every - 1) / every;
}

enum status heldout_reserve(const struct blocks *users, struct heldout *h)
{
    enum status status = OK;
    int64_t first = place_from(users->row_first, h->every);
    h->users = place_from(users->row_first + users->rows_local, h->every) - first;
    h->user_first = first * h->every - users->row_first;
    int64_t rows = h->users * h->slots;
    TRY(memory_new(&h->product, rows, sizeof *h->product));
    TRY(memory_new(&h->discount, rows, sizeof *h->discount));
    TRY(memory_new(&h->propensity, rows, sizeof *h->propensity));
    TRY(memory_new(&h->bought, rows, sizeof *h->bought));
    TRY(memory_new(&h->a, rows, sizeof *h->a));
    TRY(memory_new(&h->b, rows, sizeof *h->b));
    TRY(memory_new(&h->trait, rows * TRAITS, 1));
    TRY(memory_new(&h->of_candidates, h->users * h->candidates * TRAITS, 1));
    TRY(memory_new(&h->purchases, h->products, sizeof *h->purchases));
    for (int64_t i = 0; i < rows; i++) h->product[i] = -1;
done:
    return status;
}

enum status heldout_blocks(const struct blocks *users, const struct heldout *h,
                           struct blocks *blocks)
{
    int64_t first = place_from(users->row_first, h->every);
    *blocks = (struct blocks){.blocks_total = users->blocks_total,
                              .block_first = users->block_first,
                              .blocks_local = users->blocks_local,
                              .row_first = first * h->slots,
                              .rows_local = h->users * h->slots,
                              .rows_total = place_from(users->rows_total, h->every) * h->slots};
    enum status status = memory_new(&blocks->start, users->blocks_local + 1, sizeof *blocks->start);
    for (int64_t b = 0; b <= users->blocks_local && status == OK; b++)
        blocks->start[b] =
            (place_from(users->row_first + users->start[b], h->every) - first) * h->slots;
    return status;
}

enum status heldout_write(const struct comm *comm, const char *path, const struct heldout *h)
{
    enum status status = OK;
    struct store *store = NULL;
    void *data[COLUMNS];
    int64_t each[COLUMNS], once = comm->rank == 0;
    columns_of(h, data, each);
    TRY(store_create(comm, path, &store));
    TRY(store_write(comm, store, &every_column, &h->every, once));
    TRY(store_write(comm, store, &purchases_column, h->purchases, once * h->products));
    for (int c = 0; c < COLUMNS && h->slots > 0; c++) {
        struct store_column column = column_list[c];
        column.width = each[c];
        TRY(store_write(comm, store, &column, data[c], h->users));
    }
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

/* slots and candidates from the widths; no columns where there are no offers. */
static void measure(const struct comm *comm, const struct store *store, struct heldout *h)
{
    int64_t width = 0;
    h->products = store_rows(comm, store, purchases_column.name, NULL);
    if (store_rows(comm, store, column_list[0].name, &h->slots) < 0) h->slots = 0;
    if (store_rows(comm, store, column_list[COLUMNS - 1].name, &width) >= 0)
        h->candidates = width / TRAITS;
}

enum status heldout_read(const struct comm *comm, const char *path, const struct blocks *users,
                         struct heldout *h)
{
    enum status status = OK;
    struct store *store = NULL;
    void *data[COLUMNS];
    int64_t each[COLUMNS];
    *h = (struct heldout){0};
    TRY(store_open(comm, path, &store));
    measure(comm, store, h);
    TRY(store_read(comm, store, every_column.name, STORE_I64, 0, 1, &h->every));
    TRY_ALL(comm, h->every > 0 ? heldout_reserve(users, h)
                               : FAIL(ERR_IO, "%s is damaged; run `remise respond` again", path));
    TRY(store_read(comm, store, purchases_column.name, STORE_I64, 0, h->products, h->purchases));
    columns_of(h, data, each);
    for (int c = 0; c < COLUMNS && h->slots > 0; c++)
        TRY(store_read(comm, store, column_list[c].name, column_list[c].type,
                       place_from(users->row_first, h->every), h->users, data[c]));
done:
    store_close(comm, &store);
    if (status != OK) heldout_clear(h);
    return status;
}

void heldout_clear(struct heldout *h)
{
    free(h->product);
    free(h->discount);
    free(h->propensity);
    free(h->bought);
    free(h->a);
    free(h->b);
    free(h->trait);
    free(h->of_candidates);
    free(h->purchases);
    *h = (struct heldout){0};
}
