/**
 * How fast all budgets are answered at once, on the cells of bench_allocate.
 *
 * mpirun -np 2 bench_path [SLOTS [LEVELS [POINTS]]] prints one line of JSON: the whole path, each
 * rank its stretch, and POINTS budgets of equal distance on it.
 */
#include "algorithms/allocation_path.h"
#include "bench/allocate_cells.h"
#include "mpi/log.h"

#include <stdio.h>

static void print_result(const struct comm *comm, const struct setting *set,
                         const struct allocation_path *path,
                         const struct allocation_path_point *half, const double seconds[2])
{
    double bytes = 16.0 * (double)set->slots * (double)set->levels;
    if (comm->rank != 0) return;
    printf("{\"bench\": \"path\", \"slots\": %lld, \"levels\": %lld, \"ranks\": %d, "
           "\"seconds\": %.4f, \"rows_per_second\": %.4g, \"gigabytes_per_second\": %.3f, "
           "\"steps\": %lld, \"points\": %lld, \"points_seconds\": %.6f, \"spent\": %lld, "
           "\"gain\": %lld, \"gain_at_half\": %lld}\n",
           (long long)set->slots, (long long)set->levels, comm->ranks, seconds[0],
           (double)set->slots / seconds[0], bytes / seconds[0] / 1e9, (long long)path->steps_total,
           (long long)set->percent, seconds[1], (long long)path->spent_after,
           (long long)(path->value_after - path->base_value),
           (long long)(half->value - path->base_value));
}

static enum status run(const struct comm *comm, const struct setting *set)
{
    enum status status = OK;
    struct blocks blocks = {0};
    struct cells made = {0};
    struct allocation_path path = {0};
    struct allocation_path_point *point = NULL;
    int64_t points = set->percent;
    TRY_ALL(comm, blocks_cut(comm, set->slots, BLOCK_ROWS, &blocks));
    TRY_ALL(comm, make_cells(set, &blocks, &made));
    TRY_ALL(comm, memory_new(&point, points + 1, sizeof *point));
    struct allocation_cells cells = {
        .blocks = &blocks, .levels = (int)set->levels, .value = made.value, .cost = made.cost};
    comm_barrier(comm);
    double start = clock_seconds(), seconds[2];
    TRY(allocation_path_make(comm, &cells, NULL, &path));
    seconds[0] = clock_seconds() - start;
    for (int64_t p = 0; p < points; p++) point[p].budget = path.spent_after / points * (p + 1);
    point[points].budget = path.spent_after / 2;
    TRY(allocation_path_at(comm, &path, point, points + 1));
    seconds[1] = clock_seconds() - start - seconds[0];
    print_result(comm, set, &path, &point[points], seconds);
done:
    allocation_path_clear(&path);
    blocks_clear(&blocks);
    clear_cells(&made);
    free(point);
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
