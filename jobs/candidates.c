/* candidates.h5, written and read. */
#include "jobs/candidates.h"

#include "io/store.h"
#include "mpi/memory.h"

#include <stdlib.h>

enum status candidates_write(const struct comm *comm, const char *path, const struct blocks *blocks,
                             const struct candidates *candidates)
{
    enum status status = OK;
    struct store *store = NULL;
    const struct store_column product = {"product", STORE_I32, candidates->slots, "",
                                         "rows of products/ of dataset.h5, best first, -1 none"};
    const struct store_column score = {"score", STORE_F32, candidates->slots, "",
                                       "smoothed share of the user's purchases"};
    TRY(store_create(comm, path, &store));
    TRY(store_write(comm, store, &product, candidates->product, blocks->rows_local));
    TRY(store_write(comm, store, &score, candidates->score, blocks->rows_local));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

enum status candidates_read(const struct comm *comm, const char *path, const struct blocks *blocks,
                            struct candidates *candidates)
{
    enum status status = OK;
    struct store *store = NULL;
    int64_t users = blocks->rows_local, first = blocks->row_first;
    *candidates = (struct candidates){0};
    TRY(store_open(comm, path, &store));
    store_rows(comm, store, "product", &candidates->slots);
    TRY_ALL(comm, memory_new(&candidates->product, users * candidates->slots,
                             sizeof *candidates->product));
    TRY_ALL(comm,
            memory_new(&candidates->score, users * candidates->slots, sizeof *candidates->score));
    TRY(store_read(comm, store, "product", STORE_I32, first, users, candidates->product));
    TRY(store_read(comm, store, "score", STORE_F32, first, users, candidates->score));
done:
    store_close(comm, &store);
    if (status != OK) candidates_clear(candidates);
    return status;
}

void candidates_clear(struct candidates *candidates)
{
    free(candidates->product);
    free(candidates->score);
    *candidates = (struct candidates){0};
}
