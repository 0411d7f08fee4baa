/* Cutting tables by row number. */
#include "partition/blocks.h"

#include "mpi/memory.h"

#include <stdlib.h>

/* First block of rank r: the one function that decides the cut. */
static int64_t first_block(int64_t blocks_total, int64_t ranks, int64_t rank)
{
    return blocks_total / ranks * rank + blocks_total % ranks * rank / ranks;
}

static int64_t count_blocks(int64_t rows, int64_t block_rows)
{
    return (rows + block_rows - 1) / block_rows;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

enum status blocks_cut(const struct comm *comm, int64_t rows_total, int64_t block_rows,
                       struct blocks *blocks)
{
    *blocks = (struct blocks){0};
    if (rows_total < 0 || block_rows < 1)
        return FAIL(ERR_ARG, "cannot cut %lld rows into blocks of %lld", (long long)rows_total,
                    (long long)block_rows);
    int64_t total = count_blocks(rows_total, block_rows);
    int64_t first = first_block(total, comm->ranks, comm->rank);
    int64_t next = first_block(total, comm->ranks, (int64_t)comm->rank + 1);
    enum status status = memory_new(&blocks->start, next - first + 1, sizeof *blocks->start);
    if (status != OK) return status;
    blocks->rows_total = rows_total;
    blocks->blocks_total = total;
    blocks->block_first = first;
    blocks->blocks_local = next - first;
    blocks->row_first = smaller(first * block_rows, rows_total);
    for (int64_t b = 0; b <= next - first; b++)
        blocks->start[b] = smaller((first + b) * block_rows, rows_total) - blocks->row_first;
    blocks->rows_local = blocks->start[next - first];
    return OK;
}

int blocks_owner(const struct comm *comm, int64_t rows_total, int64_t block_rows, int64_t row)
{
    int64_t total = count_blocks(rows_total, block_rows), block = row / block_rows;
    int64_t rank = block * comm->ranks / total;
    while (rank > 0 && first_block(total, comm->ranks, rank) > block) rank--;
    while (rank + 1 < comm->ranks && first_block(total, comm->ranks, rank + 1) <= block) rank++;
    return (int)rank;
}

void blocks_clear(struct blocks *blocks)
{
    free(blocks->start);
    *blocks = (struct blocks){0};
}

enum status blocks_exchange(const struct comm *comm, const void *records, int64_t rows_mine,
                            size_t record_bytes, int64_t block_rows, struct blocks *blocks,
                            void **received)
{
    enum status status = OK;
    int64_t *counts = NULL, total = rows_mine, arrived = 0;
    *received = NULL;
    *blocks = (struct blocks){0};
    comm_sum_int64(comm, &total, 1);
    int64_t row = comm_prefix_int64(comm, rows_mine), end = row + rows_mine;
    TRY_ALL(comm, blocks_cut(comm, total, block_rows, blocks));
    TRY_ALL(comm, memory_new(&counts, comm->ranks, sizeof *counts));
    while (row < end) {
        int owner = blocks_owner(comm, total, block_rows, row);
        int64_t blocks_before = first_block(blocks->blocks_total, comm->ranks, (int64_t)owner + 1);
        int64_t next = smaller(blocks_before * block_rows, end);
        counts[owner] += next - row;
        row = next;
    }
    TRY(comm_exchange(comm, records, counts, record_bytes, received, &arrived));
done:
    free(counts);
    if (status != OK) blocks_clear(blocks);
    return status;
}
