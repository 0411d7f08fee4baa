/* Random order inside blocks, even spread over blocks. */
#include "algorithms/batches.h"

#include "mpi/memory.h"
#include "partition/random.h"

#include <stdlib.h>
#include <string.h>

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t batches_micro_rows(int64_t batch)
{
    int64_t rows = batch / 16;
    if (rows < 64) rows = smaller(64, batch / 4);
    if (rows < 32) rows = 32;
    return smaller(smaller(rows, 1024), batch);
}

static int64_t rounded_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Fill block_first and count the micro-batches. */
static void count_chosen(struct batches *b, const uint8_t *part, uint8_t chosen)
{
    const struct blocks *blocks = b->blocks;
    for (int64_t k = 0; k < blocks->blocks_local; k++) {
        int64_t count = 0;
        for (int64_t i = blocks->start[k]; i < blocks->start[k + 1]; i++)
            count += part == NULL || part[i] == chosen;
        b->block_first[k + 1] = b->block_first[k] + count;
        b->micros_local += rounded_up(count, b->micro_rows);
    }
}

/* Offsets of the chosen rows in table order. */
static void list_rows(struct batches *b, const uint8_t *part, uint8_t chosen)
{
    const struct blocks *blocks = b->blocks;
    uint32_t *next = b->table_row;
    for (int64_t k = 0; k < blocks->blocks_local; k++)
        for (int64_t i = blocks->start[k]; i < blocks->start[k + 1]; i++)
            if (part == NULL || part[i] == chosen) *next++ = (uint32_t)(i - blocks->start[k]);
}

/* Cut every block's rows into micro-batches of nearly equal size. */
static void cut_micros(struct batches *b)
{
    int64_t at = 0;
    for (int64_t k = 0; k < b->blocks->blocks_local; k++) {
        int64_t rows = b->block_first[k + 1] - b->block_first[k];
        int64_t pieces = rounded_up(rows, b->micro_rows);
        for (int64_t p = 0; p < pieces; p++, at++) {
            b->micro[at] = b->block_first[k] + rows * p / pieces;
            b->micro_base[at] = b->blocks->start[k];
        }
    }
    b->micro[at] = b->block_first[b->blocks->blocks_local];
}

static int64_t rotation(const struct batches *b, int64_t epoch, int64_t run)
{
    uint64_t entity = (uint64_t)1 << 63 | (uint64_t)epoch << 32 | (uint64_t)run;
    return (int64_t)random_below(b->seed, RANDOM_BATCH_ORDER, entity, 0, (uint64_t)b->steps);
}

/* Sort the micro-batches by their step; epoch < 0 leaves them unrotated. */
static void deal_steps(struct batches *b, int64_t epoch)
{
    memset(b->step_first, 0, (size_t)(b->steps + 1) * sizeof *b->step_first);
    for (int64_t fill = 0; fill < 2; fill++) {
        int64_t run_seen = -1, turn = 0;
        for (int64_t m = 0; m < b->micros_local; m++) {
            int64_t number = b->micro_first + m, run = number / b->steps;
            if (run != run_seen) turn = epoch < 0 ? 0 : rotation(b, epoch, run);
            run_seen = run;
            int64_t step = (number % b->steps + turn) % b->steps;
            if (fill)
                b->by_step[b->step_first[step]++] = m;
            else
                b->step_first[step + 1]++;
        }
        for (int64_t s = 0; s < b->steps && !fill; s++) b->step_first[s + 1] += b->step_first[s];
    }
    memmove(b->step_first + 1, b->step_first, (size_t)b->steps * sizeof *b->step_first);
    b->step_first[0] = 0;
}

enum status batches_init(const struct comm *comm, const struct blocks *blocks, const uint8_t *part,
                         uint8_t chosen, int64_t batch, uint64_t seed, struct batches *batches)
{
    enum status status = OK;
    struct batches *b = batches;
    *b = (struct batches){.blocks = blocks, .seed = seed};
    TRY_ALL(comm, batch >= 1 ? OK : FAIL(ERR_ARG, "a batch of %lld rows", (long long)batch));
    b->micro_rows = batches_micro_rows(batch);
    TRY_ALL(comm, memory_new(&b->block_first, blocks->blocks_local + 1, sizeof *b->block_first));
    count_chosen(b, part, chosen);
    int64_t sums[2] = {b->block_first[blocks->blocks_local], b->micros_local};
    comm_sum_int64(comm, sums, 2);
    b->rows_chosen = sums[0];
    b->steps = rounded_up(b->rows_chosen, batch);
    b->step_micros = b->steps > 0 ? rounded_up(sums[1], b->steps) : 0;
    b->micro_first = comm_prefix_int64(comm, b->micros_local);
    int64_t rows = b->block_first[blocks->blocks_local];
    TRY_ALL(comm, memory_new(&b->table_row, rows, sizeof *b->table_row));
    TRY_ALL(comm, memory_new(&b->row, rows, sizeof *b->row));
    TRY_ALL(comm, memory_new(&b->micro, b->micros_local + 1, sizeof *b->micro));
    TRY_ALL(comm, memory_new(&b->micro_base, b->micros_local, sizeof *b->micro_base));
    TRY_ALL(comm, memory_new(&b->step_first, b->steps + 1, sizeof *b->step_first));
    TRY_ALL(comm, memory_new(&b->by_step, b->micros_local, sizeof *b->by_step));
    list_rows(b, part, chosen);
    memcpy(b->row, b->table_row, (size_t)rows * sizeof *b->row);
    cut_micros(b);
    if (b->steps > 0) deal_steps(b, -1);
done:
    if (status != OK) batches_clear(b);
    return status;
}

void batches_clear(struct batches *batches)
{
    free(batches->block_first);
    free(batches->table_row);
    free(batches->row);
    free(batches->micro);
    free(batches->micro_base);
    free(batches->step_first);
    free(batches->by_step);
    *batches = (struct batches){0};
}

/* Fisher and Yates from the top, four draws of 32 bits at a time. */
static void permute(uint32_t *row, int64_t count, uint64_t seed, uint64_t entity)
{
    uint32_t bits[4];
    for (int64_t i = count - 1, draw = 0; i > 0; i--, draw++) {
        if (draw % 4 == 0) random_bits(seed, RANDOM_BATCH_ORDER, entity, (uint64_t)draw / 4, bits);
        uint64_t at = (uint64_t)bits[draw % 4] * (uint64_t)(i + 1) >> 32;
        uint32_t kept = row[i];
        row[i] = row[at];
        row[at] = kept;
    }
}

void batches_shuffle(struct batches *batches, int64_t epoch)
{
    struct batches *b = batches;
    for (int64_t k = 0; k < b->blocks->blocks_local; k++) {
        uint32_t *row = b->row + b->block_first[k];
        int64_t count = b->block_first[k + 1] - b->block_first[k];
        uint64_t block = (uint64_t)(b->blocks->block_first + k);
        memcpy(row, b->table_row + b->block_first[k], (size_t)count * sizeof *row);
        permute(row, count, b->seed, (uint64_t)epoch << 32 | block);
    }
    if (b->steps > 0) deal_steps(b, epoch);
}

struct micro_batch batches_micro(const struct batches *batches, int64_t at)
{
    int64_t first = batches->micro[at];
    return (struct micro_batch){batches->micro[at + 1] - first, batches->micro_base[at],
                                batches->row + first};
}
