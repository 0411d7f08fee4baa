/**
 * How fast k-means iterates: rows made in memory from a counter, a fixed start, a fixed number of
 * Lloyd's iterations.
 *
 * mpirun -np 2 bench_kmeans [ROWS [COLUMNS [K [ITERATIONS [SEED]]]]] prints one line of JSON. Row
 * i, column j is uniform in [-1, 1): the top 24 bits of the SplitMix64 hash of i * COLUMNS + j; the
 * start is the first K rows, or with a SEED a random one, whose time counts. bench/peer_kmeans.py
 * makes the same rows, so that both can be timed on, and agree about, the same fit. data_bytes are
 * the rows, peak_bytes what the processes of all ranks have taken at most, with the code and all.
 */
#include "algorithms/kmeans.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>

struct setting {
    int64_t rows, columns, k, iterations, seed; /* seed 0: the first rows */
};

/* Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators */
static float value(uint64_t counter)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (float)(z >> 40) * 0x1p-23f - 1.0f;
}

static struct setting read_setting(int argc, char **argv)
{
    int64_t number[5] = {1000000, 32, 64, 20, 0};
    for (int i = 1; i < argc && i <= 5; i++) number[i - 1] = strtoll(argv[i], NULL, 10);
    return (struct setting){number[0], number[1], number[2], number[3], number[4]};
}

static enum status make_rows(const struct setting *set, const struct blocks *blocks, float **x,
                             double **init)
{
    enum status status = OK;
    int64_t cells = blocks->rows_local * set->columns;
    uint64_t first = (uint64_t)(blocks->row_first * set->columns);
    TRY(memory_new(x, cells, sizeof **x));
    TRY(memory_new(init, set->k * set->columns, sizeof **init));
    for (int64_t i = 0; i < cells; i++) (*x)[i] = value(first + (uint64_t)i);
    for (int64_t i = 0; i < set->k * set->columns; i++) (*init)[i] = (double)value((uint64_t)i);
done:
    return status;
}

static void print_result(const struct comm *comm, const struct setting *set,
                         const struct kmeans_model *model, double seconds)
{
    double each = seconds / (double)model->iterations;
    double flops = 2.0 * (double)set->rows * (double)set->columns * (double)set->k;
    double bytes = (double)(set->rows * set->columns) * sizeof(float);
    int64_t peak = memory_peak_bytes();
    comm_sum_int64(comm, &peak, 1);
    if (comm->rank != 0) return;
    printf("{\"bench\": \"kmeans\", \"rows\": %lld, \"columns\": %lld, \"k\": %lld, \"ranks\": %d, "
           "\"iterations\": %lld, \"seconds\": %.4f, \"seconds_per_iteration\": %.5f, "
           "\"rows_per_second\": %.4g, \"gflops\": %.1f, \"gigabytes_per_second\": %.2f, "
           "\"data_bytes\": %.0f, \"peak_bytes\": %lld, \"inertia\": %.9g}\n",
           (long long)set->rows, (long long)set->columns, (long long)set->k, comm->ranks,
           (long long)model->iterations, seconds, each, (double)set->rows / each,
           flops / each / 1e9, bytes / each / 1e9, bytes, (long long)peak, model->inertia);
}

static enum status run(const struct comm *comm, const struct setting *set)
{
    enum status status = OK;
    struct blocks blocks = {0};
    float *x = NULL;
    double *init = NULL;
    struct kmeans_model *model = NULL;
    TRY_ALL(comm, blocks_cut(comm, set->rows, BLOCK_ROWS, &blocks));
    TRY_ALL(comm, make_rows(set, &blocks, &x, &init));
    struct rows rows = {&blocks, set->columns, set->columns, x};
    struct kmeans_options opt = {
        .k = set->k, .restarts = 1, .max_iterations = set->iterations, .init = init};
    if (set->seed > 0) opt.seed = (uint64_t)set->seed, opt.init = NULL;
    comm_barrier(comm);
    double start = clock_seconds();
    TRY(kmeans_fit(comm, &rows, &opt, &model));
    print_result(comm, set, model, clock_seconds() - start);
done:
    kmeans_free(&model);
    blocks_clear(&blocks);
    free(x);
    free(init);
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
