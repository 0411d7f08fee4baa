/* Published tables, opened and read in part. */
#include "jobs/published.h"

#include "jobs/versions.h"
#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- folders ---- */

static const char *path_in(const char *folder, const char *file)
{
    static char paths[4][RUN_PATH_BYTES + 256];
    static int next = 0;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, file);
    return path;
}

const char *published_path(const struct published *published, const char *file)
{
    return path_in(published->folder, file);
}

const char *published_run_path(const struct published *published, const char *file)
{
    return path_in(published->run, file);
}

/* RUN of RUN/versions/<id>; a folder of another name is its own. */
static void find_run(struct published *published)
{
    snprintf(published->run, sizeof published->run, "%s", published->folder);
    char *id = strrchr(published->run, '/');
    if (id == NULL) return;
    *id = 0;
    char *versions = strrchr(published->run, '/');
    if (versions != NULL && strcmp(versions, "/versions") == 0)
        *versions = 0;
    else
        *id = '/';
}

static enum status find_folders(const char *folder, struct published *published)
{
    enum status status = version_find(folder, published->folder);
    if (status == OK) find_run(published);
    return status;
}

/* ---- the file ---- */

static enum status check_columns(const struct comm *comm, struct published *published)
{
    static const char *const needed[] = {"level", "place", "users/row", "cells/value",
                                         "limits/price"};
    const char *missing = NULL;
    for (size_t n = 0; n < sizeof needed / sizeof *needed; n++)
        if (store_rows(comm, published->store, needed[n], NULL) < 0) missing = needed[n];
    published->rows = store_rows(comm, published->store, "level", NULL);
    published->users = store_rows(comm, published->store, "users/row", NULL);
    if (missing == NULL) return OK;
    return FAIL(ERR_DATA,
                "%s has no column %s: it was published by an earlier version of the program; "
                "`remise publish CONFIG -o RUN --force` makes it anew",
                published_path(published, "discounts.h5"), missing);
}

enum status published_open(const struct comm *comm, const char *folder, struct published *published)
{
    enum status status = OK;
    *published = (struct published){0};
    TRY_ALL(comm, comm->rank == 0 ? find_folders(folder, published) : OK);
    comm_broadcast(comm, published->folder, sizeof published->folder, 0);
    comm_broadcast(comm, published->run, sizeof published->run, 0);
    TRY(store_open(comm, published_path(published, "discounts.h5"), &published->store));
    TRY_ALL(comm, check_columns(comm, published));
done:
    return status;
}

void published_close(const struct comm *comm, struct published *published)
{
    store_close(comm, &published->store);
    *published = (struct published){0};
}

/* ---- a user ---- */

enum status published_find(const struct comm *comm, const struct published *published,
                           struct user_key key, int64_t *first, int64_t *rows)
{
    enum status status = OK;
    int64_t low = 0, high = published->users, bounds[2] = {0, published->rows};
    *first = *rows = 0;
    while (low < high) {
        struct user_key there;
        int64_t middle = low + (high - low) / 2;
        TRY(store_read(comm, published->store, "users/key", STORE_U64, middle, 1, &there));
        int order = user_key_compare(there, key);
        if (order == 0) {
            int64_t next = middle + 1 < published->users;
            TRY(store_read(comm, published->store, "users/row", STORE_I64, middle, 1 + next,
                           bounds));
            *first = bounds[0];
            *rows = bounds[1] - bounds[0];
            goto done;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
done:
    return status;
}

/* ---- rows ---- */

static enum status reserve(struct published_rows *out)
{
    enum status status = OK;
    TRY(memory_new(&out->level, out->rows, sizeof *out->level));
    TRY(memory_new(&out->propensity, out->rows, sizeof *out->propensity));
    TRY(memory_new(&out->reason, out->rows * out->reason_bytes, 1));
    TRY(memory_new(&out->place, out->rows, sizeof *out->place));
    TRY(memory_new(&out->product, out->rows * out->product_bytes, 1));
done:
    return status;
}

enum status published_read(const struct comm *comm, const struct published *published,
                           int64_t first, int64_t rows, struct published_rows *out)
{
    enum status status = OK;
    int64_t start[2] = {0, rows};
    const struct store *store = published->store;
    const struct blocks blocks = {.rows_total = published->rows,
                                  .rows_local = rows,
                                  .row_first = first,
                                  .blocks_total = 1,
                                  .blocks_local = 1,
                                  .start = start};
    *out = (struct published_rows){.rows = rows};
    store_rows(comm, store, "product_id", &out->product_bytes);
    store_rows(comm, store, "reason", &out->reason_bytes);
    TRY_ALL(comm, reserve(out));
    TRY(store_read(comm, store, "level", STORE_U8, first, rows, out->level));
    TRY(store_read(comm, store, "propensity", STORE_F64, first, rows, out->propensity));
    TRY(store_read(comm, store, "reason", STORE_TEXT, first, rows, out->reason));
    TRY(store_read(comm, store, "place", STORE_I32, first, rows, out->place));
    TRY(store_read(comm, store, "product_id", STORE_TEXT, first, rows, out->product));
    TRY(problem_read(comm, store, &blocks, &out->problem));
    TRY(choices_read_limits(comm, store, &out->limits));
done:
    return status;
}

void published_rows_clear(struct published_rows *rows)
{
    free(rows->level);
    free(rows->propensity);
    free(rows->reason);
    free(rows->place);
    free(rows->product);
    problem_clear(&rows->problem);
    choices_clear(&rows->limits);
    *rows = (struct published_rows){0};
}
