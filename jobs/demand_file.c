/* demand.h5, written and read. */
#include "jobs/demand.h"

#include "io/store.h"
#include "jobs/demand_cells.h"
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
    TRY(memory_new(&e->level, units, sizeof *e->level));
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
    free(e->level);
    *e = (struct elasticities){0};
}

static void people_clear(struct demand_people *p)
{
    free(p->estimate);
    free(p->std_error);
    free(p->shrunk);
    free(p->shrunk_sd);
    free(p->rows);
    free(p->level);
    *p = (struct demand_people){0};
}

void demand_clear(struct demand *demand)
{
    elasticities_clear(&demand->category);
    elasticities_clear(&demand->segment);
    elasticities_clear(&demand->product);
    elasticities_clear(&demand->brand);
    elasticities_clear(&demand->promotion);
    elasticities_clear(&demand->cross);
    demand_neighbours_clear(&demand->neighbours);
    people_clear(&demand->people);
    demand->overall = NAN;
}

double demand_elasticity(const struct demand *demand, int32_t category, int32_t segment)
{
    double own = demand->category.shrunk[category],
           shift = demand->segment.shrunk[segment] - demand->overall;
    return isfinite(shift) ? own + shift : own;
}

double demand_taken(const struct demand *demand, int32_t category, double weight, double discount)
{
    double elasticity = demand->cross.units > 0 ? demand->cross.shrunk[category] * weight : 0.0;
    return elasticity > 0.0 ? -expm1(elasticity * log1p(-discount)) : 0.0;
}

double demand_elasticity_sd(const struct demand *demand, int32_t category, int32_t segment)
{
    double own = demand->category.shrunk_sd[category], shift = demand->segment.shrunk_sd[segment];
    return isfinite(shift) ? hypot(own, shift) : own;
}

struct part {
    const char *name, *help;
    double **data;
};

enum { PARTS = 4 };

#define LEVEL_HELP "what it was shrunk to: 0 all, 1 category, 2 segment"

static void parts_of(struct elasticities *e, struct part parts[PARTS])
{
    const struct part list[PARTS] = {
        {"estimate", "elasticity, NaN where the data tell nothing", &e->estimate},
        {"std_error", "its standard error", &e->std_error},
        {"shrunk", "elasticity shrunk toward what is above it", &e->shrunk},
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
        struct store_column column = {name, STORE_F64, 1, "d log purchases / d log price",
                                      parts[p].help};
        TRY(store_write(comm, store, &column, *parts[p].data, rows));
    }
    snprintf(name, sizeof name, "%s/rows", folder);
    struct store_column column = {name, STORE_I64, 1, "cells", "evidence behind the estimate"};
    TRY(store_write(comm, store, &column, e.rows, rows));
    snprintf(name, sizeof name, "%s/users", folder);
    struct store_column users = {name, STORE_I64, 1, "users", "distinct users who bought"};
    TRY(store_write(comm, store, &users, e.users, rows));
    snprintf(name, sizeof name, "%s/level", folder);
    struct store_column level = {name, STORE_U8, 1, "", LEVEL_HELP};
    TRY(store_write(comm, store, &level, e.level, rows));
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
    snprintf(name, sizeof name, "%s/level", folder);
    TRY(store_read(comm, store, name, STORE_U8, 0, units, e->level));
    parts_of(e, parts);
    for (int p = 0; p < PARTS; p++) {
        snprintf(name, sizeof name, "%s/%s", folder, parts[p].name);
        TRY(store_read(comm, store, name, STORE_F64, 0, units, *parts[p].data));
    }
done:
    return status;
}

/* ---- what is there only where there is what it needs ---- */

static enum status write_neighbours(const struct comm *comm, struct store *store,
                                    const struct demand_neighbours *n)
{
    const struct store_column product = {"cross/neighbour", STORE_I32, n->most, "",
                                         "rows of products/, the nearest first; -1 no more"},
                              weight = {"cross/weight", STORE_F64, n->most, "",
                                        "of each in the mean of their prices"};
    enum status status = OK;
    int64_t rows = comm->rank == 0 ? n->products : 0;
    TRY(store_write(comm, store, &product, n->product, rows));
    TRY(store_write(comm, store, &weight, n->weight, rows));
done:
    return status;
}

static enum status read_neighbours(const struct comm *comm, struct store *store,
                                   struct demand_neighbours *n)
{
    enum status status = OK;
    n->products = store_rows(comm, store, "cross/neighbour", &n->most);
    TRY_ALL(comm, memory_new(&n->product, n->products * n->most, sizeof *n->product));
    TRY_ALL(comm, memory_new(&n->weight, n->products * n->most, sizeof *n->weight));
    TRY(store_read(comm, store, "cross/neighbour", STORE_I32, 0, n->products, n->product));
    TRY(store_read(comm, store, "cross/weight", STORE_F64, 0, n->products, n->weight));
done:
    return status;
}

static enum status write_beside(const struct comm *comm, struct store *store,
                                const struct demand *demand)
{
    enum status status = OK;
    if (demand->brand.units > 0) TRY(write_elasticities(comm, store, "brand", demand->brand));
    if (demand->promotion.units > 0)
        TRY(write_elasticities(comm, store, "promotion", demand->promotion));
    if (demand->cross.units > 0) {
        TRY(write_elasticities(comm, store, "cross", demand->cross));
        TRY(write_neighbours(comm, store, &demand->neighbours));
    }
done:
    return status;
}

static enum status read_beside(const struct comm *comm, struct store *store, struct demand *demand)
{
    enum status status = OK;
    if (store_rows(comm, store, "brand/rows", NULL) > 0)
        TRY(read_elasticities(comm, store, "brand", &demand->brand));
    if (store_rows(comm, store, "promotion/rows", NULL) > 0)
        TRY(read_elasticities(comm, store, "promotion", &demand->promotion));
    if (store_rows(comm, store, "cross/rows", NULL) > 0) {
        TRY(read_elasticities(comm, store, "cross", &demand->cross));
        TRY(read_neighbours(comm, store, &demand->neighbours));
    }
done:
    return status;
}

static enum status write_people(const struct comm *comm, struct store *store,
                                const struct demand_people *p)
{
    static const char unit[] = "d log purchases / d log price";
    const struct store_column
        estimate = {"users/estimate", STORE_F32, 1, unit,
                    "of the user's own purchases, NaN where they tell nothing"},
        std_error = {"users/std_error", STORE_F32, 1, unit, "of it"},
        shrunk = {"users/shrunk", STORE_F32, 1, unit,
                  "shrunk toward the segment, and not above zero"},
        shrunk_sd = {"users/shrunk_sd", STORE_F32, 1, unit, "posterior standard deviation"},
        rows = {"users/rows", STORE_I32, 1, "purchases", "evidence behind the estimate"},
        level = {"users/level", STORE_U8, 1, "", LEVEL_HELP},
        segment = {"users/segment", STORE_I32, DEMAND_FOLDS, "",
                   "in the weeks of each fold, as all other weeks tell"};
    enum status status = OK;
    TRY(store_write(comm, store, &estimate, p->estimate, p->users));
    TRY(store_write(comm, store, &std_error, p->std_error, p->users));
    TRY(store_write(comm, store, &shrunk, p->shrunk, p->users));
    TRY(store_write(comm, store, &shrunk_sd, p->shrunk_sd, p->users));
    TRY(store_write(comm, store, &rows, p->rows, p->users));
    TRY(store_write(comm, store, &level, p->level, p->users));
    TRY(store_write(comm, store, &segment, p->segment, p->users));
done:
    return status;
}

enum status demand_write(const struct comm *comm, const char *path, const struct demand *demand)
{
    enum status status = OK;
    struct store *store = NULL;
    const struct store_column overall = {"overall", STORE_F64, 1, "",
                                         "mean elasticity of the segments"};
    const struct store_column method = {"method", STORE_TEXT, DEMAND_METHOD_BYTES, "",
                                        "how categories and segments were estimated"};
    char name[DEMAND_METHOD_BYTES] = {0};
    snprintf(name, sizeof name, "%s", demand->method);
    TRY(store_create(comm, path, &store));
    TRY(store_write(comm, store, &method, name, comm->rank == 0));
    TRY(store_write(comm, store, &overall, &demand->overall, comm->rank == 0));
    TRY(write_elasticities(comm, store, "category", demand->category));
    TRY(write_elasticities(comm, store, "segment", demand->segment));
    TRY(write_elasticities(comm, store, "product", demand->product));
    TRY(write_beside(comm, store, demand));
    TRY(write_people(comm, store, &demand->people));
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
    TRY(read_elasticities(comm, store, "product", &demand->product));
    TRY(read_beside(comm, store, demand));
done:
    store_close(comm, &store);
    if (status != OK) demand_clear(demand);
    return status;
}
