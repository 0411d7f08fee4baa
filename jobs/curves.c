/* curves.h5, written and read. */
#include "jobs/curves.h"

#include "io/store.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdlib.h>

enum status curves_write(const struct comm *comm, const char *path, const struct blocks *blocks,
                         const struct curves *curves)
{
    enum status status = OK;
    struct store *store = NULL;
    const int32_t observational = curves->observational;
    const struct store_column a = {"a", STORE_F32, curves->slots, "logit",
                                   "log odds of buying without discount"};
    const struct store_column b = {"b", STORE_F32, curves->slots, "logit",
                                   "gain in log odds by a discount of 100 %"};
    const struct store_column flag = {"observational", STORE_I32, 1, "",
                                      "1: learned without an offers table"};
    TRY(store_create(comm, path, &store));
    TRY(store_write(comm, store, &a, curves->a, blocks->rows_local));
    TRY(store_write(comm, store, &b, curves->b, blocks->rows_local));
    TRY(store_write(comm, store, &flag, &observational, comm->rank == 0));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

enum status curves_read(const struct comm *comm, const char *path, const struct blocks *blocks,
                        struct curves *curves)
{
    enum status status = OK;
    struct store *store = NULL;
    int64_t users = blocks->rows_local, first = blocks->row_first;
    int32_t observational = 0;
    *curves = (struct curves){0};
    TRY(store_open(comm, path, &store));
    store_rows(comm, store, "a", &curves->slots);
    TRY_ALL(comm, memory_new(&curves->a, users * curves->slots, sizeof *curves->a));
    TRY_ALL(comm, memory_new(&curves->b, users * curves->slots, sizeof *curves->b));
    TRY(store_read(comm, store, "a", STORE_F32, first, users, curves->a));
    TRY(store_read(comm, store, "b", STORE_F32, first, users, curves->b));
    TRY(store_read(comm, store, "observational", STORE_I32, 0, 1, &observational));
    curves->observational = observational != 0;
done:
    store_close(comm, &store);
    if (status != OK) curves_clear(curves);
    return status;
}

void curves_clear(struct curves *curves)
{
    free(curves->a);
    free(curves->b);
    *curves = (struct curves){0};
}

double curves_chance(double a, double b, double discount)
{
    return 1.0 / (1.0 + exp(-(a + b * discount)));
}
