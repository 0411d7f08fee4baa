/**
 * How fast one level per slot is chosen under a budget, on response curves made from a counter.
 *
 * mpirun -np 2 bench_allocate [SLOTS [LEVELS [PERCENT]]] prints one line of JSON; the budget is
 * PERCENT of what all slots at their best would spend. Slot i has a price, a chance to buy, what
 * each level adds to it, and a margin, from the SplitMix64 hashes of 4 i .. 4 i + 3;
 * bench/peer_allocate.py makes the same cells and solves them by bisection.
 */
#include "algorithms/allocation.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>

struct setting {
    int64_t slots, levels, percent;
};

struct cells {
    int64_t *value, *cost; /* [rows_local][levels] */
    uint8_t *choice;       /* [rows_local] */
};

/* Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators */
static int64_t hash(uint64_t counter, uint64_t below)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (int64_t)((z >> 40) % below);
}

static struct setting read_setting(int argc, char **argv)
{
    int64_t number[3] = {1000000, 5, 30};
    for (int i = 1; i < argc && i <= 3; i++) number[i - 1] = strtoll(argv[i], NULL, 10);
    return (struct setting){number[0], number[1], number[2]};
}

/* Money in 1/10,000 of the currency unit, chances in millionths. */
static void make_slot(uint64_t slot, int64_t levels, int64_t *value, int64_t *cost)
{
    int64_t price = 10000 + hash(4 * slot, 390000), chance = 10000 + hash(4 * slot + 1, 90000);
    int64_t lift = hash(4 * slot + 2, 40000), margin = price * (20 + hash(4 * slot + 3, 50)) / 100;
    for (int64_t k = 0; k < levels; k++) {
        int64_t off = price * k / 20, buys = chance + lift * k;
        value[k] = buys * (margin - off) / 1000000;
        cost[k] = buys * off / 1000000;
    }
}

static enum status make_cells(const struct setting *set, const struct blocks *blocks,
                              struct cells *cells)
{
    enum status status = OK;
    TRY(memory_new(&cells->value, blocks->rows_local * set->levels, sizeof *cells->value));
    TRY(memory_new(&cells->cost, blocks->rows_local * set->levels, sizeof *cells->cost));
    TRY(memory_new(&cells->choice, blocks->rows_local, sizeof *cells->choice));
    for (int64_t i = 0; i < blocks->rows_local; i++)
        make_slot((uint64_t)(blocks->row_first + i), set->levels, cells->value + i * set->levels,
                  cells->cost + i * set->levels);
done:
    return status;
}

static void print_result(const struct comm *comm, const struct allocation_receipt *receipt,
                         double seconds)
{
    double bytes = 16.0 * (double)receipt->slots * (double)receipt->levels;
    if (comm->rank != 0) return;
    printf("{\"bench\": \"allocate\", \"slots\": %lld, \"levels\": %lld, \"ranks\": %d, "
           "\"seconds\": %.4f, "
           "\"rows_per_second\": %.4g, \"gigabytes_per_second\": %.3f, \"passes\": %lld, "
           "\"objective\": %lld, "
           "\"upper_bound\": %lld, \"gap_gain\": %.3g, \"budget\": %lld, \"slack\": %lld, "
           "\"filled\": %lld}\n",
           (long long)receipt->slots, (long long)receipt->levels, comm->ranks, seconds,
           (double)receipt->slots / seconds, bytes / seconds / 1e9, (long long)receipt->passes,
           (long long)receipt->objective, (long long)receipt->upper_bound, receipt->gap_gain,
           (long long)receipt->budget, (long long)receipt->slack, (long long)receipt->filled);
}

static enum status run(const struct comm *comm, const struct setting *set)
{
    enum status status = OK;
    struct blocks blocks = {0};
    struct cells made = {0};
    struct allocation_receipt receipt;
    struct allocation_point best;
    TRY_ALL(comm, blocks_cut(comm, set->slots, BLOCK_ROWS, &blocks));
    TRY_ALL(comm, make_cells(set, &blocks, &made));
    struct allocation_cells cells = {
        .blocks = &blocks, .levels = (int)set->levels, .value = made.value, .cost = made.cost};
    TRY(allocation_at_price(comm, &cells, (struct allocation_price){0, 1}, &best));
    comm_barrier(comm);
    double start = clock_seconds();
    TRY(allocation_solve(comm, &cells, best.spent / 100 * set->percent, made.choice, &receipt));
    print_result(comm, &receipt, clock_seconds() - start);
done:
    blocks_clear(&blocks);
    free(made.value);
    free(made.cost);
    free(made.choice);
    return status;
}

int main(int argc, char **argv)
{
    struct comm comm;
    struct setting set = read_setting(argc, argv);
    enum status status = comm_start(&comm);
    log_start(&comm, LOG_WARNING);
    if (status == OK) status = run(&comm, &set);
    if (status != OK) log_line(LOG_ERROR, "%s", status_message());
    comm_end(&comm, status);
}
