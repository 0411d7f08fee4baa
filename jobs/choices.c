/* choices.h5, written and read. */
#include "jobs/choices.h"

#include "io/store.h"
#include "mpi/memory.h"

#include <stdlib.h>

enum status choices_write(const struct comm *comm, const char *path, const struct blocks *blocks,
                          const struct choices *choices)
{
    enum status status = OK;
    struct store *store = NULL;
    const struct store_column level = {"level", STORE_U8, choices->slots, "",
                                       "place in allocate.levels"};
    const struct store_column price = {"price", STORE_F64, 1, "", "dual price of the budget"};
    TRY(store_create(comm, path, &store));
    TRY(store_write(comm, store, &level, choices->level, blocks->rows_local));
    TRY(store_write(comm, store, &price, &choices->price, comm->rank == 0));
    TRY(store_write_note(comm, store, "receipt", choices->receipt));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

enum status choices_read(const struct comm *comm, const char *path, const struct blocks *blocks,
                         struct choices *choices)
{
    enum status status = OK;
    struct store *store = NULL;
    int64_t users = blocks->rows_local;
    *choices = (struct choices){0};
    TRY(store_open(comm, path, &store));
    store_rows(comm, store, "level", &choices->slots);
    TRY_ALL(comm, memory_new(&choices->level, users * choices->slots, 1));
    TRY(store_read(comm, store, "level", STORE_U8, blocks->row_first, users, choices->level));
    TRY(store_read(comm, store, "price", STORE_F64, 0, 1, &choices->price));
    TRY(store_read_note(comm, store, "receipt", &choices->receipt));
done:
    store_close(comm, &store);
    if (status != OK) choices_clear(choices);
    return status;
}

void choices_clear(struct choices *choices)
{
    free(choices->level);
    free(choices->receipt);
    *choices = (struct choices){0};
}
