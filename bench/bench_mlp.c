/**
 * How fast the data-parallel network trains: rows made in memory from a counter, cross entropy,
 * Adam.
 *
 * mpirun -np 2 bench_mlp [ROWS [COLUMNS [BATCH [EPOCHS]]]] prints one line of JSON. Row i, column j
 * is uniform in [-1, 1): the top 24 bits of the SplitMix64 hash of i * COLUMNS + j; y is 1 where
 * the first half of a row sums to more than the second. bench/peer_mlp.py makes the same rows.
 * Operations are counted as 6 per weight and row.
 */
#include "algorithms/network.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>

static const int64_t HIDDEN[] = {128, 64};

struct setting {
    int64_t rows, columns, batch, epochs;
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
    int64_t number[4] = {262144, 32, 8192, 5};
    for (int i = 1; i < argc && i <= 4; i++) number[i - 1] = strtoll(argv[i], NULL, 10);
    return (struct setting){number[0], number[1], number[2], number[3]};
}

static enum status make_rows(const struct setting *set, const struct blocks *blocks, float **x,
                             float **y)
{
    enum status status = OK;
    TRY(memory_new(x, blocks->rows_local * set->columns, sizeof **x));
    TRY(memory_new(y, blocks->rows_local, sizeof **y));
    for (int64_t i = 0; i < blocks->rows_local; i++) {
        double sum = 0.0;
        for (int64_t j = 0; j < set->columns; j++) {
            uint64_t cell = (uint64_t)((blocks->row_first + i) * set->columns + j);
            float cell_value = value(cell);
            (*x)[i * set->columns + j] = cell_value;
            sum += j < set->columns / 2 ? cell_value : -cell_value;
        }
        (*y)[i] = sum > 0.0;
    }
done:
    return status;
}

static void print_result(const struct comm *comm, const struct setting *set,
                         const struct network *model, const struct network_history *history,
                         double seconds)
{
    double weights = 0.0, rows = (double)set->rows * (double)set->epochs / seconds;
    for (int64_t l = 0; l < model->layers; l++)
        weights +=
            (double)layer_values(model->shape[l]) * (double)layer_values(model->shape[l + 1]);
    if (comm->rank != 0) return;
    printf(
        "{\"bench\": \"mlp\", \"rows\": %lld, \"columns\": %lld, \"batch\": %lld, \"ranks\": %d, "
        "\"epochs\": %lld, \"seconds\": %.4f, \"rows_per_second\": %.4g, \"gflops\": %.1f, "
        "\"loss\": %.9g}\n",
        (long long)set->rows, (long long)set->columns, (long long)set->batch, comm->ranks,
        (long long)set->epochs, seconds, rows, 6e-9 * weights * rows,
        history->train[history->epochs - 1]);
}

static enum status run(const struct comm *comm, const struct setting *set)
{
    enum status status = OK;
    struct blocks blocks = {0};
    struct network *model = NULL;
    struct network_history history = {0};
    struct network_options options = NETWORK_DEFAULTS;
    float *x = NULL, *y = NULL;
    TRY_ALL(comm, blocks_cut(comm, set->rows, BLOCK_ROWS, &blocks));
    TRY_ALL(comm, make_rows(set, &blocks, &x, &y));
    TRY_ALL(comm, network_new_mlp(set->columns, HIDDEN, 2, ACTIVATION_RELU, LOSS_BCE, &model));
    network_start(model, 1);
    options.batch = set->batch;
    options.epochs = set->epochs;
    struct network_data data = {.rows = {&blocks, set->columns, set->columns, x}, .y = y};
    comm_barrier(comm);
    double start = clock_seconds();
    TRY(network_fit(comm, &data, &options, model, &history));
    comm_barrier(comm);
    print_result(comm, set, model, &history, clock_seconds() - start);
done:
    blocks_clear(&blocks);
    network_free(&model);
    network_history_clear(&history);
    free(x);
    free(y);
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
