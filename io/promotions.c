/* Promotions as columns of dataset.h5. */
#include "io/promotions.h"

#include "mpi/memory.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    struct store_column column;
    size_t field;
} columns[] = {
    {{"promotions/product", STORE_I32, 1, "", "row of products/, -1: all of the category"},
     offsetof(struct promotion, product)},
    {{"promotions/category", STORE_I32, 1, "", "row of products/category, -1: of a product"},
     offsetof(struct promotion, category)},
    {{"promotions/market", STORE_I32, 1, "", "row of promotions/markets, -1: all"},
     offsetof(struct promotion, market)},
    {{"promotions/segment", STORE_I32, 1, "", "of profiles.h5, -1: all"},
     offsetof(struct promotion, segment)},
    {{"promotions/audience", STORE_I32, 1, "", "row of promotions/audiences, -1: all"},
     offsetof(struct promotion, audience)},
    {{"promotions/start", STORE_I64, 1, "s since 1970", "runs from then"},
     offsetof(struct promotion, start)},
    {{"promotions/end", STORE_I64, 1, "s since 1970", "until before then"},
     offsetof(struct promotion, end)},
    {{"promotions/discount", STORE_F64, 1, "fraction", "off the list price"},
     offsetof(struct promotion, discount)},
    {{"promotions/kind", STORE_U8, 1, "", "0 limited-time 1 coupon 2 membership"},
     offsetof(struct promotion, kind)}};

enum { COLUMNS = sizeof columns / sizeof *columns, FIELD_BYTES = 8 };

static const char markets[] = "promotions/markets", audiences[] = "promotions/audiences";

const char *promotion_kind_name(enum promotion_kind kind)
{
    static const char *const names[PROMOTION_KINDS] = {"limited-time", "coupon", "membership"};
    return names[kind];
}

enum status promotions_write(const struct comm *comm, struct store *store,
                             const struct promotions *promotions)
{
    enum status status = OK;
    char *values = NULL;
    int64_t rows = comm->rank == 0 ? promotions->count : 0;
    if (promotions->count == 0) return OK;
    TRY_ALL(comm, memory_new(&values, promotions->count, FIELD_BYTES));
    for (int c = 0; c < COLUMNS; c++) {
        size_t bytes = store_type_bytes(columns[c].column.type);
        for (int64_t i = 0; i < rows; i++)
            memcpy(values + (size_t)i * bytes,
                   (const char *)&promotions->promotion[i] + columns[c].field, bytes);
        TRY(store_write(comm, store, &columns[c].column, values, rows));
    }
    TRY(store_write_dictionary(comm, store, markets, "names in order", &promotions->market));
    TRY(store_write_dictionary(comm, store, audiences, "values in order", &promotions->audience));
done:
    free(values);
    return status;
}

enum status promotions_read(const struct comm *comm, struct store *store,
                            struct promotions *promotions)
{
    enum status status = OK;
    char *values = NULL;
    int64_t rows = store_rows(comm, store, columns[0].column.name, NULL);
    *promotions = (struct promotions){.count = rows > 0 ? rows : 0};
    if (rows <= 0) return OK;
    TRY_ALL(comm, memory_new(&values, rows, FIELD_BYTES));
    TRY_ALL(comm, memory_new(&promotions->promotion, rows, sizeof *promotions->promotion));
    for (int c = 0; c < COLUMNS; c++) {
        size_t bytes = store_type_bytes(columns[c].column.type);
        TRY(store_read(comm, store, columns[c].column.name, columns[c].column.type, 0, rows,
                       values));
        for (int64_t i = 0; i < rows; i++)
            memcpy((char *)&promotions->promotion[i] + columns[c].field, values + (size_t)i * bytes,
                   bytes);
    }
    TRY(store_read_dictionary(comm, store, markets, &promotions->market));
    TRY(store_read_dictionary(comm, store, audiences, &promotions->audience));
done:
    free(values);
    return status;
}

void promotions_clear(struct promotions *promotions)
{
    free(promotions->promotion);
    dictionary_clear(&promotions->market);
    dictionary_clear(&promotions->audience);
    *promotions = (struct promotions){0};
}
