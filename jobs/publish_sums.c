/* Checksums of columns by blocks of users. */
#include "jobs/publish_sums.h"

#include "mpi/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum status publish_sums_open(const struct publisher *publisher, struct publish_sums *sums)
{
    enum status status = OK;
    const struct blocks *users = &publisher->dataset->users.blocks;
    int64_t r = 0;
    sums->blocks = users->blocks_local;
    TRY(memory_new(&sums->row, sums->blocks + 1, sizeof *sums->row));
    TRY(memory_new(&sums->sum, sums->blocks * PUBLISH_COLUMNS, sizeof *sums->sum));
    for (int64_t b = 0; b < sums->blocks; b++) {
        while (r < publisher->rows && publisher->row[r].user < users->start[b]) r++;
        sums->row[b] = r;
    }
    sums->row[sums->blocks] = publisher->rows;
done:
    return status;
}

void publish_sums_add(struct publish_sums *sums, const char *name, const void *data,
                      size_t row_bytes)
{
    assert(sums->columns < PUBLISH_COLUMNS);
    for (int64_t b = 0; b < sums->blocks; b++) {
        const char *from = (const char *)data + (size_t)sums->row[b] * row_bytes;
        size_t bytes = (size_t)(sums->row[b + 1] - sums->row[b]) * row_bytes;
        sums->sum[b * PUBLISH_COLUMNS + sums->columns] = XXH3_64bits(from, bytes);
    }
    snprintf(sums->name[sums->columns++], PUBLISH_NAME_BYTES, "%s", name);
}

static enum status write_rows(const struct comm *comm, struct store *store,
                              const struct publish_sums *sums)
{
    static const struct store_column column = {"checksums/rows", STORE_I64, 1, "rows",
                                               "of the table in each block of users"};
    enum status status = OK;
    int64_t *rows = NULL;
    TRY_ALL(comm, memory_new(&rows, sums->blocks, sizeof *rows));
    for (int64_t b = 0; b < sums->blocks; b++) rows[b] = sums->row[b + 1] - sums->row[b];
    TRY(store_write(comm, store, &column, rows, sums->blocks));
done:
    free(rows);
    return status;
}

static enum status write_sums(const struct comm *comm, struct store *store,
                              const struct publish_sums *sums)
{
    const struct store_column column = {"checksums/xxh3", STORE_U64, sums->columns, "",
                                        "of each block's bytes in each of the columns"};
    enum status status = OK;
    uint64_t *sum = NULL;
    TRY_ALL(comm, memory_new(&sum, sums->blocks * sums->columns, sizeof *sum));
    for (int64_t b = 0; b < sums->blocks; b++)
        memcpy(sum + b * sums->columns, sums->sum + b * PUBLISH_COLUMNS,
               (size_t)sums->columns * sizeof *sum);
    TRY(store_write(comm, store, &column, sum, sums->blocks));
done:
    free(sum);
    return status;
}

enum status publish_sums_write(const struct comm *comm, struct store *store,
                               const struct publish_sums *sums)
{
    static const struct store_column name = {"checksums/column", STORE_TEXT, PUBLISH_NAME_BYTES, "",
                                             "the columns that have checksums"};
    enum status status = OK;
    TRY(write_rows(comm, store, sums));
    TRY(store_write(comm, store, &name, sums->name, comm->rank == 0 ? sums->columns : 0));
    TRY(write_sums(comm, store, sums));
done:
    return status;
}

void publish_sums_clear(struct publish_sums *sums)
{
    free(sums->row);
    free(sums->sum);
    *sums = (struct publish_sums){0};
}
