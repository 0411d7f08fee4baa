/**
 * The training of a network on all ranks, timed: rows made in memory from a counter, cross entropy,
 * Adam. For bench_mlp.c and bench_sequence.c, whose main is training_main.
 *
 * Value j of row i is uniform in [-1, 1): the top 24 bits of the SplitMix64 hash of i * columns +
 * j; y is 1 where the first half of a row sums to more than the second. Operations are counted as 6
 * per multiplication of the forward pass.
 */
#ifndef REMISE_BENCH_TRAINING_H
#define REMISE_BENCH_TRAINING_H

#include "algorithms/network.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>

struct training {
    const char *name;
    struct layer_shape shape; /* of a row */
    struct layer_plan plan[NETWORK_LAYERS_MAX];
    int64_t layers;
    int64_t rows, batch, epochs;
    bool bf16;
};

/* Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators */
static float training_value(uint64_t counter)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (float)(z >> 40) * 0x1p-23f - 1.0f;
}

static enum status training_rows(int64_t columns, const struct blocks *blocks, float **x, float **y)
{
    enum status status = OK;
    TRY(memory_new(x, blocks->rows_local * columns, sizeof **x));
    TRY(memory_new(y, blocks->rows_local, sizeof **y));
    for (int64_t i = 0; i < blocks->rows_local; i++) {
        double sum = 0.0;
        for (int64_t j = 0; j < columns; j++) {
            float cell = training_value((uint64_t)((blocks->row_first + i) * columns + j));
            (*x)[i * columns + j] = cell;
            sum += j < columns / 2 ? cell : -cell;
        }
        (*y)[i] = sum > 0.0;
    }
done:
    return status;
}

/* Multiplications of a row's forward pass: every weight but biases, at every step that it meets. */
static double training_multiplications(const struct network *model)
{
    double sum = 0.0;
    for (int64_t l = 0; l < model->layers; l++) {
        const struct layer_plan *plan = &model->plan[l];
        struct layer_shape in = model->shape[l], out = model->shape[l + 1];
        double channels = (double)in.channels, units = (double)plan->units;
        if (plan->kind == &layer_dense)
            sum += (double)layer_values(in) * units;
        else if (plan->kind == &layer_convolution)
            sum += (double)out.steps * (double)plan->width * channels * units;
        else if (plan->kind == &layer_gru || plan->kind == &layer_lstm)
            sum += (double)in.steps * units * (channels + units) *
                   (plan->kind == &layer_gru ? 3.0 : 4.0);
    }
    return sum;
}

static void training_print(const struct comm *comm, const struct training *set,
                           const struct network *model, const struct network_history *history,
                           double seconds)
{
    double rows = (double)set->rows * (double)set->epochs / seconds;
    if (comm->rank != 0) return;
    printf("{\"bench\": \"%s\", \"rows\": %lld, \"columns\": %lld, \"batch\": %lld, \"ranks\": %d, "
           "\"epochs\": %lld, \"weights\": %lld, \"seconds\": %.4f, \"rows_per_second\": %.4g, "
           "\"gflops\": %.1f, \"loss\": %.9g}\n",
           set->name, (long long)set->rows, (long long)layer_values(set->shape),
           (long long)set->batch, comm->ranks, (long long)set->epochs,
           (long long)model->weights_count, seconds, rows,
           6e-9 * training_multiplications(model) * rows, history->train[history->epochs - 1]);
}

static enum status training_run(const struct comm *comm, const struct training *set)
{
    enum status status = OK;
    struct blocks blocks = {0};
    struct network *model = NULL;
    struct network_history history = {0};
    struct network_options options = NETWORK_DEFAULTS;
    int64_t columns = layer_values(set->shape);
    float *x = NULL, *y = NULL;
    TRY_ALL(comm, blocks_cut(comm, set->rows, BLOCK_ROWS, &blocks));
    TRY_ALL(comm, training_rows(columns, &blocks, &x, &y));
    TRY_ALL(comm, network_new(set->shape, set->plan, set->layers, LOSS_BCE, &model));
    network_start(model, 1);
    options.batch = set->batch;
    options.epochs = set->epochs;
    options.bf16 = set->bf16;
    struct network_data data = {.rows = {&blocks, columns, columns, x}, .y = y};
    comm_barrier(comm);
    double start = clock_seconds();
    TRY(network_fit(comm, &data, &options, model, &history));
    comm_barrier(comm);
    training_print(comm, set, model, &history, clock_seconds() - start);
done:
    blocks_clear(&blocks);
    network_free(&model);
    network_history_clear(&history);
    free(x);
    free(y);
    return status;
}

/* Starts and ends MPI; does not return. */
static void training_main(const struct training *set)
{
    struct comm comm;
    enum status status = comm_start(&comm);
    log_start(&comm, LOG_WARNING);
    if (status == OK) status = training_run(&comm, set);
    if (status != OK) log_line(LOG_ERROR, "%s", status_message());
    comm_end(&comm, status);
}

#endif
