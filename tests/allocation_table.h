/**
 * Whole tables of slots for tests of allocation: cut over the ranks, solved, put together again and
 * checked.
 */
#ifndef REMISE_TESTS_ALLOCATION_TABLE_H
#define REMISE_TESTS_ALLOCATION_TABLE_H

#include "tests/harness.h"

#include "algorithms/allocation.h"

#include <string.h>

enum { MERGED_SLOTS = 8192 }; /* a table's slots at most */

/* A whole table, the same on every rank. */
struct table {
    int64_t slots;
    int levels;
    int64_t *value, *cost; /* [slots][levels] */
    uint32_t *allowed;     /* [slots] */
    int64_t budget;
};

/* Solve on comm with the table cut into blocks of block_rows; choice [slots] of this rank's slots
 * only. */
static inline enum status solve(const struct comm *comm, const struct table *table,
                                int64_t block_rows, uint8_t *choice,
                                struct allocation_receipt *receipt)
{
    struct blocks blocks = {0};
    enum status status = comm_agree(comm, blocks_cut(comm, table->slots, block_rows, &blocks));
    struct allocation_cells cells = {.blocks = &blocks, .levels = table->levels};
    cells.value = table->value + blocks.row_first * table->levels;
    cells.cost = table->cost + blocks.row_first * table->levels;
    cells.allowed = table->allowed != NULL ? table->allowed + blocks.row_first : NULL;
    if (status == OK)
        status = allocation_solve(comm, &cells, table->budget, choice + blocks.row_first, receipt);
    blocks_clear(&blocks);
    return status;
}

/* Choices of all ranks, 0 where not mine, become the whole choice. */
static inline void merge(uint8_t *choice, int64_t slots)
{
    static int64_t wide[MERGED_SLOTS];
    for (int64_t i = 0; i < slots; i++) wide[i] = choice[i];
    comm_sum_int64(&world, wide, slots);
    for (int64_t i = 0; i < slots; i++) choice[i] = (uint8_t)wide[i];
}

/* The receipt adds up to what the choice says. */
static inline bool receipt_is_true(const struct table *table, const uint8_t *choice,
                                   const struct allocation_receipt *receipt)
{
    int64_t value = 0, spent = 0, base = 0, count[ALLOCATION_LEVELS] = {0},
            spend[ALLOCATION_LEVELS] = {0};
    bool allowed = true;
    for (int64_t i = 0; i < table->slots; i++) {
        int64_t at = i * table->levels + choice[i];
        allowed = allowed && choice[i] < table->levels;
        allowed = allowed && (table->allowed == NULL || (table->allowed[i] >> choice[i] & 1) != 0);
        value += table->value[at];
        spent += table->cost[at];
        base += table->value[i * table->levels];
        count[choice[i]]++;
        spend[choice[i]] += table->cost[at];
    }
    return allowed && value == receipt->objective && spent == receipt->spent &&
           base == receipt->base_value && receipt->slack == receipt->budget - spent &&
           spent <= table->budget && receipt->upper_bound >= value &&
           receipt->slots == table->slots && memcmp(count, receipt->count, sizeof count) == 0 &&
           memcmp(spend, receipt->spend, sizeof spend) == 0;
}

#endif
