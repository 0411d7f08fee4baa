/* Prices of a published table, found by the names of limits. */
#include "jobs/earlier.h"

#include "mpi/log.h"
#include "mpi/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRICE_MOST ((int64_t)1 << 60)

void earlier_version(const char *folder, char version[VERSION_ID_BYTES])
{
    char path[RUN_PATH_BYTES + 16];
    snprintf(path, sizeof path, "%s/manifest.json", folder);
    json_t *manifest = json_load_file(path, 0, NULL);
    const char *id = json_string_value(json_object_get(manifest, "version"));
    snprintf(version, VERSION_ID_BYTES, "%s", id != NULL ? id : "");
    json_decref(manifest);
}

/* ---- reading ---- */

/* The folder of the version whose prices are asked for, and its name; "": none. On rank 0. */
static void find_version(const struct run *run, char folder[RUN_PATH_BYTES],
                         char version[VERSION_ID_BYTES])
{
    const char *from = config_text(run->config, "allocate.warm_start");
    const char *named = config_path(run->config, "allocate.previous");
    if (named == NULL && strcmp(from, "last") == 0) named = run->folder;
    folder[0] = version[0] = 0;
    if (strcmp(from, "none") == 0 || named == NULL || version_find(named, folder) != OK) return;
    earlier_version(folder, version);
}

/* Limits and prices, without rows. */
static enum status read_prices(const struct comm *comm, const char *folder, struct earlier *earlier)
{
    enum status status = OK;
    struct store *store = NULL;
    char path[RUN_PATH_BYTES + 16];
    int64_t start[1] = {0};
    const struct blocks none = {.start = start};
    snprintf(path, sizeof path, "%s/discounts.h5", folder);
    TRY(store_open(comm, path, &store));
    TRY(problem_read(comm, store, &none, &earlier->problem));
    TRY(choices_read_limits(comm, store, &earlier->limits));
done:
    store_close(comm, &store);
    return status;
}

static bool are_prices(const struct earlier *earlier)
{
    struct knapsack_cells cells;
    problem_cells(&earlier->problem, &cells);
    if (knapsack_limits(&cells) != earlier->limits.limits) return false;
    for (int64_t r = 0; r < earlier->limits.limits; r++)
        if (earlier->limits.price[r] < 0 || earlier->limits.price[r] > PRICE_MOST) return false;
    return true;
}

enum status earlier_open(const struct comm *comm, const struct run *run, struct earlier *earlier)
{
    enum status status = OK;
    char folder[RUN_PATH_BYTES] = "";
    *earlier = (struct earlier){0};
    if (comm->rank == 0) find_version(run, folder, earlier->version);
    comm_broadcast(comm, folder, sizeof folder, 0);
    comm_broadcast(comm, earlier->version, sizeof earlier->version, 0);
    if (earlier->version[0] == 0) return OK;
    status = read_prices(comm, folder, earlier);
    if (status == ERR_MEMORY) return status;
    if (status == OK && are_prices(earlier)) return OK;
    log_warning("  the prices of %s cannot be read (%s); the search for prices begins anew", folder,
                status != OK ? status_message() : "they are damaged");
    earlier_clear(earlier);
    return OK;
}

void earlier_clear(struct earlier *earlier)
{
    problem_clear(&earlier->problem);
    choices_clear(&earlier->limits);
    *earlier = (struct earlier){0};
}

/* ---- taking ---- */

static bool is_same_kind(const struct problem_kind *a, const struct problem_kind *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->rule, b->rule) == 0 &&
           a->at_least == b->at_least && (a->names.count > 0) == (b->names.count > 0);
}

/* The group of the earlier kind of the same name, -1: none. */
static int64_t same_group(const struct problem_kind *then, const struct problem_kind *now,
                          int64_t group)
{
    if (now->names.count == 0) return 0;
    const char *name = dictionary_text(&now->names, group);
    int64_t found = dictionary_find(&then->names, name, strlen(name));
    return found < then->groups ? found : -1;
}

/* Groups of a kind at one that was: those that it has too. price inout [groups of now] */
static void take_kind(struct earlier *earlier, int d, int64_t first, const struct problem *problem,
                      const struct problem_kind *now, int64_t *price)
{
    const struct problem_kind *then = &earlier->problem.kind[d];
    double then_unit = earlier->problem.measure[then->measure].unit;
    double factor = problem->measure[now->measure].unit / then_unit;
    if (!(factor > 0.0) || !isfinite(factor)) return;
    for (int64_t g = 0; g < now->groups; g++) {
        int64_t group = same_group(then, now, g);
        if (group < 0) continue;
        double units = factor * (double)earlier->limits.price[first + group];
        price[g] = llrint(fmin(units, (double)PRICE_MOST));
        earlier->met++;
    }
}

void earlier_take(struct earlier *earlier, const struct problem *problem, int kind, int64_t *price)
{
    for (int d = 0; d < problem->kinds; price += problem->kind[d++].groups) {
        int64_t first = 0;
        if (d < kind) continue;
        for (int e = 0; e < earlier->problem.kinds; first += earlier->problem.kind[e++].groups)
            if (is_same_kind(&earlier->problem.kind[e], &problem->kind[d]))
                take_kind(earlier, e, first, problem, &problem->kind[d], price);
    }
}

enum status earlier_begin(const struct comm *comm, struct earlier *earlier,
                          const struct problem *problem, struct choices *choices)
{
    enum status status = OK;
    struct knapsack_cells cells;
    problem_cells(problem, &cells);
    TRY_ALL(comm, memory_new(&choices->price, knapsack_limits(&cells), sizeof *choices->price));
    if (earlier->version[0] == 0) goto done;
    earlier_take(earlier, problem, 0, choices->price);
    log_info("  prices begin at those of version %s: it has %lld of %lld limits", earlier->version,
             (long long)earlier->met, (long long)knapsack_limits(&cells));
done:
    return status;
}

/* ---- the receipt ---- */

json_t *earlier_json(const struct earlier *earlier)
{
    if (earlier->version[0] == 0) return json_null();
    return json_pack("{s:s, s:I, s:b}", "version", earlier->version, "limits_met",
                     (json_int_t)earlier->met, "used", earlier->used);
}
