/**
 * How fast networks of sequences train on all ranks: rows made in memory from a counter, cross
 * entropy, Adam.
 *
 * mpirun -np 2 bench_sequence KIND [ROWS [BATCH [EPOCHS]]] prints one line of JSON; KIND is cnn,
 * gru or lstm. A row is 32 steps of 8 channels; value j of row i is uniform in [-1, 1): the top 24
 * bits of the SplitMix64 hash of i * 256 + j; y is 1 where the first half of a row sums to more
 * than the second. bench/peer_sequence.py makes the same rows and networks. Operations are counted
 * as 6 per multiplication of the forward pass.
 */
#include "algorithms/network.h"
#include "mpi/log.h"
#include "mpi/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 32, CHANNELS = 8, VALUES = STEPS * CHANNELS, UNITS = 32, LAYERS = 6 };

struct setting {
    const char *kind;
    int64_t rows, batch, epochs;
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
    int64_t number[3] = {32768, 1024, 3};
    for (int i = 2; i < argc && i <= 4; i++) number[i - 2] = strtoll(argv[i], NULL, 10);
    return (struct setting){argc > 1 ? argv[1] : "cnn", number[0], number[1], number[2]};
}

static enum status make_rows(const struct blocks *blocks, float **x, float **y)
{
    enum status status = OK;
    TRY(memory_new(x, blocks->rows_local * VALUES, sizeof **x));
    TRY(memory_new(y, blocks->rows_local, sizeof **y));
    for (int64_t i = 0; i < blocks->rows_local; i++) {
        double sum = 0.0;
        for (int64_t j = 0; j < VALUES; j++) {
            float cell = value((uint64_t)((blocks->row_first + i) * VALUES + j));
            (*x)[i * VALUES + j] = cell;
            sum += j < VALUES / 2 ? cell : -cell;
        }
        (*y)[i] = sum > 0.0;
    }
done:
    return status;
}

/* Layers of a kind; how many. */
static int64_t lay(const char *kind, struct layer_plan *plan)
{
    struct layer_plan convolution = {
        .kind = &layer_convolution, .units = UNITS, .width = 3, .activation = ACTIVATION_RELU};
    struct layer_plan pool = {.kind = &layer_max_pool, .width = 2};
    struct layer_plan dense = {.kind = &layer_dense, .units = UNITS, .activation = ACTIVATION_RELU};
    if (strcmp(kind, "cnn") != 0) {
        plan[0] = (struct layer_plan){.kind = strcmp(kind, "gru") == 0 ? &layer_gru : &layer_lstm,
                                      .units = UNITS};
        return 1;
    }
    plan[0] = plan[2] = convolution;
    plan[1] = plan[3] = pool;
    plan[4] = dense;
    return 5;
}

/* Multiplications of a row's forward pass: every weight but biases, at every step that it meets. */
static double multiplications(const struct network *model)
{
    double sum = 0.0;
    for (int64_t l = 0; l < model->layers; l++) {
        const struct layer_plan *plan = &model->plan[l];
        double channels = (double)model->shape[l].channels, units = (double)plan->units;
        if (plan->kind == &layer_dense)
            sum += (double)layer_values(model->shape[l]) * units;
        else if (plan->kind == &layer_convolution)
            sum += (double)model->shape[l + 1].steps * (double)plan->width * channels * units;
        else if (plan->kind == &layer_gru || plan->kind == &layer_lstm)
            sum += STEPS * units * (channels + units) * (plan->kind == &layer_gru ? 3.0 : 4.0);
    }
    return sum;
}

static void print_result(const struct comm *comm, const struct setting *set,
                         const struct network *model, const struct network_history *history,
                         double seconds)
{
    double rows = (double)set->rows * (double)set->epochs / seconds;
    if (comm->rank != 0) return;
    printf("{\"bench\": \"%s\", \"rows\": %lld, \"batch\": %lld, \"ranks\": %d, \"epochs\": %lld, "
           "\"weights\": %lld, \"seconds\": %.4f, \"rows_per_second\": %.4g, \"gflops\": %.1f, "
           "\"loss\": %.9g}\n",
           set->kind, (long long)set->rows, (long long)set->batch, comm->ranks,
           (long long)set->epochs, (long long)model->weights_count, seconds, rows,
           6e-9 * multiplications(model) * rows, history->train[history->epochs - 1]);
}

static enum status run(const struct comm *comm, const struct setting *set)
{
    enum status status = OK;
    struct blocks blocks = {0};
    struct network *model = NULL;
    struct network_history history = {0};
    struct network_options options = NETWORK_DEFAULTS;
    struct layer_plan plan[LAYERS] = {{0}};
    float *x = NULL, *y = NULL;
    TRY_ALL(comm, blocks_cut(comm, set->rows, BLOCK_ROWS, &blocks));
    TRY_ALL(comm, make_rows(&blocks, &x, &y));
    TRY_ALL(comm, network_new((struct layer_shape){STEPS, CHANNELS}, plan, lay(set->kind, plan),
                              LOSS_BCE, &model));
    network_start(model, 1);
    options.batch = set->batch;
    options.epochs = set->epochs;
    struct network_data data = {.rows = {&blocks, VALUES, VALUES, x}, .y = y};
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
