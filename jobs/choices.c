/* choices.h5, written and read. */
#include "jobs/choices.h"

#include "mpi/memory.h"

#include <stdlib.h>

enum status choices_write_limits(const struct comm *comm, struct store *store,
                                 const struct choices *choices)
{
    enum status status = OK;
    const int64_t limits = comm->rank == 0 ? choices->limits : 0;
    const struct store_column price = {"limits/price", STORE_I64, 1,
                                       "units of value per 2^30 units of use", "dual prices"};
    const struct store_column used = {"limits/used", STORE_I64, 1, "units of the measure",
                                      "what the choice uses"};
    const struct store_column objective = {"objective", STORE_I64, 1, "1/10,000 of the currency",
                                           "worth of the choice"};
    const struct store_column bound = {"upper_bound", STORE_I64, 1, "1/10,000 of the currency",
                                       "no choice within the limits is worth more"};
    TRY(store_write(comm, store, &price, choices->price, limits));
    TRY(store_write(comm, store, &used, choices->used, limits));
    TRY(store_write(comm, store, &objective, &choices->objective, comm->rank == 0));
    TRY(store_write(comm, store, &bound, &choices->upper_bound, comm->rank == 0));
done:
    return status;
}

enum status choices_read_limits(const struct comm *comm, const struct store *store,
                                struct choices *choices)
{
    enum status status = OK;
    int64_t limits = choices->limits = store_rows(comm, store, "limits/price", NULL);
    TRY_ALL(comm, limits >= 0 ? memory_new(&choices->price, limits, sizeof *choices->price)
                              : FAIL(ERR_IO, "the file has no prices of limits; run `remise "
                                             "allocate` again"));
    TRY_ALL(comm, memory_new(&choices->used, limits, sizeof *choices->used));
    TRY(store_read(comm, store, "limits/price", STORE_I64, 0, limits, choices->price));
    TRY(store_read(comm, store, "limits/used", STORE_I64, 0, limits, choices->used));
    TRY(store_read(comm, store, "objective", STORE_I64, 0, 1, &choices->objective));
    TRY(store_read(comm, store, "upper_bound", STORE_I64, 0, 1, &choices->upper_bound));
done:
    return status;
}

static const struct store_column solved_column = {"solved", STORE_U8, 1, "",
                                                  "level before exploration"};
static const struct store_column propensity_column = {"propensity", STORE_F64, 1, "probability",
                                                      "with which the level was chosen"};

/* What is there with exploration only. */
static enum status write_explored(const struct comm *comm, struct store *store,
                                  const struct blocks *blocks, const struct choices *choices)
{
    enum status status = OK;
    struct store_column solved = solved_column, propensity = propensity_column;
    solved.width = propensity.width = choices->slots;
    if (choices->propensity == NULL) return OK;
    TRY(store_write(comm, store, &solved, choices->solved, blocks->rows_local));
    TRY(store_write(comm, store, &propensity, choices->propensity, blocks->rows_local));
done:
    return status;
}

static enum status read_explored(const struct comm *comm, const struct store *store,
                                 const struct blocks *blocks, struct choices *choices)
{
    enum status status = OK;
    int64_t users = blocks->rows_local, slots = users * choices->slots;
    if (store_rows(comm, store, propensity_column.name, NULL) < 0) return OK;
    TRY_ALL(comm, memory_new(&choices->solved, slots, 1));
    TRY_ALL(comm, memory_new(&choices->propensity, slots, sizeof *choices->propensity));
    TRY(store_read(comm, store, solved_column.name, STORE_U8, blocks->row_first, users,
                   choices->solved));
    TRY(store_read(comm, store, propensity_column.name, STORE_F64, blocks->row_first, users,
                   choices->propensity));
done:
    return status;
}

enum status choices_write(const struct comm *comm, const char *path, const struct blocks *blocks,
                          const struct problem *problem, const struct choices *choices)
{
    enum status status = OK;
    struct store *store = NULL;
    const struct store_column level = {"level", STORE_U8, choices->slots, "",
                                       "place in allocate.levels"};
    TRY(store_create(comm, path, &store));
    TRY(store_write(comm, store, &level, choices->level, blocks->rows_local));
    TRY(write_explored(comm, store, blocks, choices));
    TRY(choices_write_limits(comm, store, choices));
    TRY(problem_write(comm, store, problem));
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
    TRY(read_explored(comm, store, blocks, choices));
    TRY(choices_read_limits(comm, store, choices));
    TRY(store_read_note(comm, store, "receipt", &choices->receipt));
done:
    store_close(comm, &store);
    if (status != OK) choices_clear(choices);
    return status;
}

enum status choices_read_problem(const struct comm *comm, const char *path,
                                 const struct blocks *blocks, int64_t slots,
                                 struct problem *problem)
{
    enum status status = OK;
    struct store *store = NULL;
    struct blocks rows = {0};
    *problem = (struct problem){0};
    TRY(store_open(comm, path, &store));
    TRY_ALL(comm, problem_blocks(blocks, slots, &rows));
    TRY(problem_read(comm, store, &rows, problem));
done:
    blocks_clear(&rows);
    store_close(comm, &store);
    return status;
}

void choices_clear(struct choices *choices)
{
    free(choices->level);
    free(choices->solved);
    free(choices->propensity);
    free(choices->price);
    free(choices->used);
    free(choices->receipt);
    *choices = (struct choices){0};
}
