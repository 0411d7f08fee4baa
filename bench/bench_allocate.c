/**
 * How fast one level per slot is chosen under a budget, on response curves made from a counter.
 *
 * mpirun -np 2 bench_allocate [SLOTS [LEVELS [PERCENT]]] prints one line of JSON; the budget is
 * PERCENT of what all slots at their best would spend. bench/peer_allocate.py makes the same cells
 * and solves them by bisection.
 */
#include "algorithms/allocation.h"
#include "bench/allocate_cells.h"
#include "mpi/log.h"

#include <stdio.h>

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
    clear_cells(&made);
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
