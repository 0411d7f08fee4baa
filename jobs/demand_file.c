/* demand.h5, written and read. */
#include "jobs/demand.h"

#include "io/store.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum status elasticities_init(struct elasticities *e, int64_t units)
{
    enum status status = OK;
    e->units = units;
    TRY(memory_new(&e->estimate, units, sizeof *e->estimate));
    TRY(memory_new(&e->std_error, units, sizeof *e->std_error));
    TRY(memory_new(&e->shrunk, units, sizeof *e->shrunk));
    TRY(memory_new(&e->shrunk_sd, units, sizeof *e->shrunk_sd));
    TRY(memory_new(&e->rows, units, sizeof *e->rows));
    TRY(memory_new(&e->users, units, sizeof *e->users));
done:
    return status;
}

static void elasticities_clear(struct elasticities *e)
{
    free(e->estimate);
    free(e->std_error);
    free(e->shrunk);
    free(e->shrunk_sd);
    free(e->rows);
    free(e->users);
    *e = (struct elasticities){0};
}

void demand_clear(struct demand *demand)
{
    elasticities_clear(&demand->category);
    elasticities_clear(&demand->segment);
    demand->overall = NAN;
}

double demand_elasticity(const struct demand *demand, int32_t category, int32_t segment)
{
    double own = demand->category.shrunk[category],
           shift = demand->segment.shrunk[segment] - demand->overall;
    return isfinite(shift) ? own + shift : own;
}

struct part {
    const char *name, *help;
    double **data;
};

enum { PARTS = 4 };

static void parts_of(struct elasticities *e, struct part parts[PARTS])
{
    const struct part list[PARTS] = {
        {"estimate", "elasticity by least squares, NaN where the data tell nothing", &e->estimate},
        {"std_error", "its standard error", &e->std_error},
        {"shrunk", "elasticity shrunk toward the mean of all", &e->shrunk},
        {"shrunk_sd", "posterior standard deviation", &e->shrunk_sd}};
    for (int p = 0; p < PARTS; p++) parts[p] = list[p];
}

static enum status write_elasticities(const struct comm *comm, struct store *store,
                                      const char *folder, struct elasticities e)
{
    enum status status = OK;
    struct part parts[PARTS];
    char name[64];
    int64_t rows = comm->rank == 0 ? e.units : 0;
    parts_of(&e, parts);
    for (int p = 0; p < PARTS; p++) {
        snprintf(name, sizeof name, "%s/%s", folder, parts[p].name);
        struct store_column column = {name, STORE_F64, 1, "d log units / d log price",
                                      parts[p].help};
        TRY(store_write(comm, store, &column, *parts[p].data, rows));
    }
    snprintf(name, sizeof name, "%s/rows", folder);
    struct store_column column = {name, STORE_I64, 1, "cells", "evidence behind the estimate"};
    TRY(store_write(comm, store, &column, e.rows, rows));
    snprintf(name, sizeof name, "%s/users", folder);
    struct store_column users = {name, STORE_I64, 1, "users", "distinct users who bought"};
    TRY(store_write(comm, store, &users, e.users, rows));
done:
    return status;
}

static enum status read_elasticities(const struct comm *comm, struct store *store,
                                     const char *folder, struct elasticities *e)
{
    enum status status = OK;
    struct part parts[PARTS];
    char name[64];
    snprintf(name, sizeof name, "%s/rows", folder);
    int64_t units = store_rows(comm, store, name, NULL);
    TRY_ALL(comm, elasticities_init(e, units));
    TRY(store_read(comm, store, name, STORE_I64, 0, units, e->rows));
    snprintf(name, sizeof name, "%s/users", folder);
    TRY(store_read(comm, store, name, STORE_I64, 0, units, e->users));
    parts_of(e, parts);
    for (int p = 0; p < PARTS; p++) {
        snprintf(name, sizeof name, "%s/%s", folder, parts[p].name);
        TRY(store_read(comm, store, name, STORE_F64, 0, units, *parts[p].data));
    }
done:
    return status;
}

enum status demand_write(const struct comm *comm, const char *path, const struct demand *demand)
{
    enum status status = OK;
    struct store *store = NULL;
    const struct store_column overall = {"overall", STORE_F64, 1, "",
                                         "mean elasticity of the segments"};
    TRY(store_create(comm, path, &store));
    TRY(store_write(comm, store, &overall, &demand->overall, comm->rank == 0));
    TRY(write_elasticities(comm, store, "category", demand->category));
    TRY(write_elasticities(comm, store, "segment", demand->segment));
    TRY(store_commit(comm, &store));
done:
    store_close(comm, &store);
    return status;
}

enum status demand_read(const struct comm *comm, const char *path, struct demand *demand)
{
    enum status status = OK;
    struct store *store = NULL;
    *demand = (struct demand){0};
    TRY(store_open(comm, path, &store));
    TRY(store_read(comm, store, "overall", STORE_F64, 0, 1, &demand->overall));
    TRY(read_elasticities(comm, store, "category", &demand->category));
    TRY(read_elasticities(comm, store, "segment", &demand->segment));
done:
    store_close(comm, &store);
    if (status != OK) demand_clear(demand);
    return status;
}
