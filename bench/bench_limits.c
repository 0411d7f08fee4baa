/**
 * How fast one level per slot is chosen under many limits, on the cells of bench_allocate.
 *
 * mpirun -np 2 bench_limits [SLOTS [LEVELS [PRODUCTS]]] prints one line of JSON. A budget is 2/5 of
 * what all slots at their best would spend; a product of slot i, the SplitMix64 hash of 2^40 + i,
 * has units for half of what slots at their best would sell above those without a discount.
 * bench/peer_limits.py has the same cells solved by a first-order method for linear programmes.
 */
#include "algorithms/knapsack.h"
#include "bench/allocate_cells.h"
#include "mpi/log.h"

#include <stdio.h>

struct limits {
    int64_t budget, *stock; /* [products] */
    int64_t *units;         /* [rows_local][levels] millionths */
    int32_t *product;       /* [rows_local] */
};

static void add_slot(const struct setting *set, const struct cells *cells, uint64_t slot, int64_t i,
                     struct limits *l)
{
    int64_t chance = 10000 + hash(4 * slot + 1, 90000), lift = hash(4 * slot + 2, 40000);
    int64_t best = 0, *units = l->units + i * set->levels;
    const int64_t *value = cells->value + i * set->levels;
    l->product[i] = (int32_t)hash((UINT64_C(1) << 40) + slot, (uint64_t)set->percent);
    for (int64_t k = 0; k < set->levels; k++) {
        units[k] = chance + lift * k;
        if (value[k] > value[best]) best = k;
    }
    l->budget += cells->cost[i * set->levels + best];
    l->stock[l->product[i]] += units[0] + units[best];
}

static enum status make_limits(const struct comm *comm, const struct setting *set,
                               const struct blocks *blocks, const struct cells *cells,
                               struct limits *l)
{
    enum status status = OK;
    TRY_ALL(comm, memory_new(&l->stock, set->percent, sizeof *l->stock));
    TRY_ALL(comm, memory_new(&l->units, blocks->rows_local * set->levels, sizeof *l->units));
    TRY_ALL(comm, memory_new(&l->product, blocks->rows_local, sizeof *l->product));
    for (int64_t i = 0; i < blocks->rows_local; i++)
        add_slot(set, cells, (uint64_t)(blocks->row_first + i), i, l);
    comm_sum_int64(comm, &l->budget, 1);
    comm_sum_int64(comm, l->stock, set->percent);
    l->budget = l->budget * 2 / 5;
    for (int64_t p = 0; p < set->percent; p++) l->stock[p] /= 2;
done:
    return status;
}

static void print_result(const struct comm *comm, const struct setting *set,
                         const struct knapsack_receipt *r, double seconds)
{
    double bytes = 24.0 * (double)(set->slots * set->levels) * (double)r->passes;
    if (comm->rank != 0) return;
    printf("{\"bench\": \"limits\", \"slots\": %lld, \"levels\": %lld, \"limits\": %lld, "
           "\"ranks\": %d, \"seconds\": %.4f, \"rows_per_second\": %.4g, "
           "\"gigabytes_per_second\": %.3f, \"iterations\": %lld, \"passes\": %lld, "
           "\"objective\": %lld, \"upper_bound\": %lld, \"gap\": %.3g}\n",
           (long long)set->slots, (long long)set->levels, (long long)set->percent + 1, comm->ranks,
           seconds, (double)set->slots / seconds, bytes / seconds / 1e9, (long long)r->iterations,
           (long long)r->passes, (long long)r->objective, (long long)r->upper_bound, r->gap);
}

static enum status solve(const struct comm *comm, const struct setting *set,
                         const struct blocks *blocks, const struct cells *made,
                         const struct limits *l)
{
    enum status status = OK;
    struct knapsack_receipt receipt;
    int64_t *price = NULL, *used = NULL;
    struct knapsack_cells cells = {.blocks = blocks,
                                   .options = (int)set->levels,
                                   .value = made->value,
                                   .kinds = 2,
                                   .kind = {{1, NULL, made->cost, &l->budget},
                                            {set->percent, l->product, l->units, l->stock}}};
    TRY_ALL(comm, memory_new(&price, 1 + set->percent, sizeof *price));
    TRY_ALL(comm, memory_new(&used, 1 + set->percent, sizeof *used));
    comm_barrier(comm);
    double start = clock_seconds();
    TRY(knapsack_solve(comm, &cells, price, made->choice, used, &receipt));
    print_result(comm, set, &receipt, clock_seconds() - start);
done:
    free(price);
    free(used);
    return status;
}

static enum status run(const struct comm *comm, const struct setting *set)
{
    enum status status = OK;
    struct blocks blocks = {0};
    struct cells made = {0};
    struct limits l = {0};
    TRY_ALL(comm, blocks_cut(comm, set->slots, BLOCK_ROWS, &blocks));
    TRY_ALL(comm, make_cells(set, &blocks, &made));
    TRY(make_limits(comm, set, &blocks, &made, &l));
    TRY(solve(comm, set, &blocks, &made, &l));
done:
    blocks_clear(&blocks);
    clear_cells(&made);
    free(l.stock);
    free(l.units);
    free(l.product);
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
